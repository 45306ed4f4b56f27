/**
 * Settlements from the two facts that they are made of: the real consumers, workflow and command handler over a simulated
 * bus and log, without the inbox, so that every repeat reaches the workflow. Processes crash, and two may have a partition.
 *
 *   W1  A settlement is started, instructed, posted and completed at most once, in an order that the workflow allows.
 *   W2  It says what the facts said.
 *   W3  A message that a consumer let go of has had its effect.
 *   W4  When faults end, all settlements complete.
 */
import { intentPaid, transactionPosted } from '@daybook/contracts';
import { isOperationalError } from '@daybook/core';
import { commandHandler, type EventStore, type Position, type StoredEvent } from '@daybook/event-store';
import { messageOf, readMessage, type OutgoingMessage, type RawMessage, type Subscription } from '@daybook/messaging';
import { createLogger, uuidFrom } from '@daybook/runtime';
import {
  runWorld,
  simulatedBus,
  simulatedStore,
  type Run,
  type SimulatedBus,
  type SimulatedProcess,
  type SimulatedStore,
  type World,
} from '@daybook/testing';
import { settlementEvents } from '../../src/adapters/stored-events';
import { sendEvents } from '../../src/adapters/stored-sends';
import { transferEvents } from '../../src/adapters/stored-transfers';
import { advanceSettlement } from '../../src/app/advance-settlement';
import { bookSend } from '../../src/app/book-send';
import { bookTransfer } from '../../src/app/book-transfer';
import { intentsSubscription } from '../../src/consumers/intents';
import { ledgerTransactionsSubscription } from '../../src/consumers/ledger-transactions';
import { bankTransfer } from '../../src/domain/bank-transfer';
import { chainSend } from '../../src/domain/chain-send';
import { settlement, type SettlementState } from '../../src/domain/settlement';

export type SettlementRun = { readonly settlements: number; readonly completed: number; readonly crashes: number };

const startMs = Date.UTC(2026, 0, 1);
const chaosMs = 3_000;
const boundMs = 60_000;
const tenantId = '11111111-1111-4111-8111-111111111111';
const silent = createLogger({ service: 'simulation', level: 'silent' });

type Due = { readonly settlementId: string; readonly amount: bigint; readonly reference: string };

export function simulateSettlements(seed: number, onLine?: (line: string) => void): Promise<Run<SettlementRun>> {
  const play = async (world: World): Promise<SettlementRun> => {
    const { random } = world;
    const some = (most: number) => (random.chance(0.4) ? 0 : (most * (1 + random.below(100))) / 100);
    const latencies = { latencyMs: random.pick([1, 10, 60]), lateMs: random.pick([20, 500]) };
    const losses = { refused: some(0.1), lostBefore: some(0.2), lostAfter: some(0.2), lostLate: some(0.2) };
    const store = simulatedStore(world, { ...losses, readFails: some(0.1), ...latencies }, startMs);
    const bus = simulatedBus(world, { repeated: some(0.3), placeLost: some(0.3), delayMs: random.pick([5, 50, 300]) });
    const due = publishFacts(world, bus);
    const processes = consumers(world, store, bus);
    await world.run(chaosMs, () => false);
    store.heal();
    bus.heal();
    processes.settle();
    if (!(await world.run(chaosMs + boundMs, () => bus.isDrained())) && world.violation() === undefined)
      world.violated('W4: messages are left');
    const completed = await examine(world, store.durable, { bus, due });
    return { settlements: due.length, completed, crashes: processes.crashes() };
  };
  return runWorld(seed, play, onLine);
}

function publishFacts(world: World, bus: SimulatedBus): readonly Due[] {
  const { random } = world;
  const asset = 'ETH' as const;
  return Array.from({ length: 2 + random.below(12) }, (_, index): Due => {
    const intentId = uuidFrom(['intent', String(index)]);
    const settlementId = uuidFrom(['settlement', intentId]);
    const reference = `0x${index.toString(16).padStart(64, '0')}`;
    const at = new Date(startMs + index).toISOString();
    const common = { intentId, tenantId, mode: 'sandbox' as const, orderId: `o${index}`, asset };
    const amount = BigInt(1 + random.below(1_000));
    const paid = messageOf(intentPaid, { ...common, amount, at }, sourceOf(`paid ${index}`));
    const entry = (accountId: string, direction: 'debit' | 'credit') => ({ accountId, asset, amount, direction });
    const posted = messageOf(
      transactionPosted,
      {
        transactionId: settlementId,
        mode: 'sandbox',
        tenantId,
        cause: { type: 'settlement', id: settlementId, subject: intentId },
        rule: 'settlement@1',
        entries: [entry('clearing', 'debit'), entry('merchant', 'credit')],
        ledgerReference: reference,
        sequence: index,
        postedAt: at,
      },
      sourceOf(`posted ${index}`),
    );
    const tell = (message: OutgoingMessage) =>
      world.after(random.below(chaosMs - 1_000), null, () => bus.publish([message]));
    tell(paid);
    tell(posted);
    return { settlementId, amount, reference };
  });
}

/** The event of another service that a message tells of. */
function sourceOf(name: string): StoredEvent {
  return {
    id: uuidFrom([name]),
    type: name,
    version: 1,
    payload: Buffer.alloc(0),
    metadata: { correlationId: name, causationId: name },
    stream: name,
    revision: 0n,
    position: '1' as Position,
    recordedAt: new Date(startMs),
  };
}

function consumers(world: World, store: SimulatedStore, bus: SimulatedBus) {
  const { random } = world;
  const most = random.pick([1, 1, 2]);
  const everyMs = random.pick([200, 1_000]);
  let alive: SimulatedProcess[] = [];
  let started = 0;
  let crashes = 0;
  let isOver = false;

  function start(): void {
    const owner = { name: `p${started++}`, alive: true };
    alive.push(owner);
    const log = store.connect(owner);
    const advance = advanceSettlement(commandHandler(settlement, settlementEvents, log), silent);
    const book = bookTransfer(commandHandler(bankTransfer, transferEvents, log));
    const sent = bookSend(commandHandler(chainSend, sendEvents, log));
    for (const subscription of [intentsSubscription(advance), ledgerTransactionsSubscription(advance, book, sent)])
      bus.read(owner, subscription.topic, (message) => apply(world, subscription, message));
  }
  function happen(): void {
    if (isOver) return;
    if (alive.length < most) start();
    else if (random.chance(0.4)) {
      const [crashed] = alive;
      crashed!.alive = false;
      alive = alive.slice(1);
      crashes += 1;
      world.note(`${crashed!.name} crashes`);
    }
    world.after(1 + random.below(everyMs), null, happen);
  }
  start();
  world.after(1 + random.below(everyMs), null, happen);
  return {
    crashes: () => crashes,
    settle() {
      isOver = true;
      if (alive.length === 0) start();
    },
  };
}

/** As the consumer does, without a database: these handlers ask nothing of the transaction. */
async function apply(world: World, { handlers }: Subscription, raw: RawMessage): Promise<void> {
  const { message, contract } = readMessage(
    handlers.map((handler) => handler.contract),
    raw.value,
  );
  const handler = handlers.find((each) => each.contract === contract);
  try {
    await handler?.handle(undefined as never, message as never);
  } catch (error) {
    if (!isOperationalError(error)) world.violated(`${message.type} ${message.id}: ${String(error)}`);
    throw error;
  }
}

async function examine(
  world: World,
  log: EventStore,
  { bus, due }: { readonly bus: SimulatedBus; readonly due: readonly Due[] },
): Promise<number> {
  const states = new Map<string, SettlementState>();
  for (const { settlementId, amount, reference } of due) {
    const stored = await log.readStream(`settlement-${settlementId}`);
    const events = stored.map((event) => settlementEvents.decode(event));
    const types = events.map(({ type }) => type);
    if (new Set(types).size !== types.length) world.violated(`W1: ${settlementId} has ${types.join(', ')}`);
    if (world.violation() !== undefined) return 0;
    const state = events.reduce(settlement.evolve, settlement.initial);
    states.set(settlementId, state);
    const { terms, ledgerReference } = state;
    if (terms !== null && (terms.amount !== amount || terms.settlementId !== settlementId))
      world.violated(`W2: ${settlementId} has other terms`);
    if (ledgerReference !== null && ledgerReference !== reference)
      world.violated(`W2: ${settlementId} has another reference`);
    world.note(`${settlementId} ${types.join(', ')}`);
  }
  for (const { value } of [...bus.passed(intentPaid.topic), ...bus.passed(transactionPosted.topic)]) {
    const { message, contract } = readMessage([intentPaid, transactionPosted], value);
    const { intentId, transactionId } = message.data as { intentId: string; transactionId: string };
    const id = contract === intentPaid ? uuidFrom(['settlement', intentId]) : transactionId;
    const state = states.get(id);
    const isThere = contract === intentPaid ? state?.instructed === true : state?.ledgerReference != null;
    if (!isThere) world.violated(`W3: ${message.type} of ${id} was let go of without effect`);
  }
  const completed = [...states.values()].filter((state) => state.completed).length;
  if (world.violation() === undefined && completed !== due.length)
    world.violated(`W4: ${completed} of ${due.length} settlements are complete`);
  return completed;
}
