/**
 * Transfers whose process dies at any step: before or after the log, the ledger or the bank has done what it was asked. What
 * they did stays. Each process that follows is a new one, and clients and worker come again. What was refused is free before
 * anybody is told that it has failed.
 */
import { randomBytes } from 'node:crypto';
import type { CallOutcome, operateBook } from '@daybook/contracts';
import { OperationalError } from '@daybook/core';
import { commandHandler, memoryEventStore, type EventStore, type PersonalData } from '@daybook/event-store';
import { createLogger, createSealer, Secret, type Keyring } from '@daybook/runtime';
import { gate, seededRandom } from '@daybook/testing';
import { institutionEvents, transferEvents } from '../adapters/stored-transfers';
import type { Bank, OperateBook } from '../ports';
import { bankTransfer, type TransferObservation } from '../domain/bank-transfer';
import { institutionRegistry } from '../domain/institutions';
import { advanceTransfer } from './advance-transfer';
import { createTransfer } from './create-transfer';
import { institutionCalls } from './institutions';
import { transferStream } from './transfer-streams';

class Died extends Error {
  override readonly name = 'Died';
}

const owner = { tenantId: '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11', mode: 'sandbox' } as const;
const now = () => new Date('2026-03-01T10:00:00.000Z');
const logger = createLogger({ service: 'test', level: 'silent' });
const newKey = () => new Secret(randomBytes(32).toString('base64'));
const secretsKeys: Keyring = { current: newKey(), old: [] };
const plain: PersonalData = {
  encrypt: async (_subject, text) => text,
  decrypt: async (_subject, token) => token,
  erase: async () => undefined,
};
const request = {
  ...owner,
  institutionNumber: 1,
  currency: 'USD',
  amount: 50_000n,
  description: null,
  recipient: { account_number: '1' },
  userNumber: null,
  idempotencyKey: 'key',
} as const;

/** What lives on when a process dies. */
function world(seed: number) {
  const random = seededRandom(seed);
  const log = memoryEventStore(now);
  const holds: string[] = [];
  const releases: string[] = [];
  const orders: string[] = [];
  const answer: TransferObservation = random.chance(0.5)
    ? { status: 'settled', reference: 'REF' }
    : { status: 'rejected', reason: 'no such account' };
  const places: string[] = [];
  let deaths = 0;
  let isWell = false;

  /** Something is done, or not, and its process may not live to hear of it. */
  async function risky<Value>(place: string, act: () => Promise<Value>): Promise<Value> {
    const fate = isWell ? 'well' : random.pick(['well', 'well', 'before', 'after', 'unanswered'] as const);
    if (fate === 'before') die(`before ${place}`);
    const value = await act();
    if (fate === 'after') die(`after ${place}`);
    if (fate === 'unanswered' && place !== 'log') throw new OperationalError('upstream_timeout', true);
    return value;
  }
  function die(place: string): never {
    deaths += 1;
    places.push(place);
    throw new Died(place);
  }

  const store: EventStore = {
    ...log,
    append(stream, events, expected) {
      if ([...events].some(({ type }) => type === 'BankTransferFailed')) expect(releases).toHaveLength(holds.length);
      return risky('log', () => log.append(stream, events, expected));
    },
  };
  const hold: OperateBook = async ({ operation }) =>
    risky('ledger', async () => {
      if (operation.type === 'hold' && !holds.includes(operation.holdId)) holds.push(operation.holdId);
      if (operation.type === 'release') {
        expect(operation.holdId).toBe(`ops/${holds[0]}`);
        // The ledger was told by a message, too: whoever comes second finds it closed.
        if (releases.length > 0 && random.chance(0.5)) return { ok: false, rejection: 'hold_closed' } as const;
        if (!releases.includes(operation.releaseId)) releases.push(operation.releaseId);
      }
      return { ok: true, value: { at: '', ledgerReference: null, replayed: false } } as CallOutcome<typeof operateBook>;
    });
  const bank: Bank = {
    problemWith: () => null,
    send: ({ transferId, transactionId }) =>
      risky('bank', async () => {
        expect(holds).toEqual([`institution-transfer:${transactionId}`]);
        if (!orders.includes(transferId)) orders.push(transferId);
        return { status: 'accepted', reference: null };
      }),
    observe: () => risky('bank', async () => answer),
  };

  /** A process from its start: it remembers nothing. */
  function process(events: EventStore = store, keys = secretsKeys) {
    const deps = {
      transfers: commandHandler(bankTransfer, transferEvents, events),
      institutions: commandHandler(institutionRegistry, institutionEvents, log),
      personalData: plain,
      sealer: createSealer(keys),
      secretsKeys: keys,
      hasOutbox: false,
      operateBook: hold,
      bankOf: () => bank,
      arePayoutsStopped: async () => false,
      nextNumber: async () => 2,
      now,
      logger,
    };
    const advance = advanceTransfer(deps);
    return { ...institutionCalls(deps), ...deps, advance, create: createTransfer({ ...deps, advance }) };
  }
  return { process, heal: () => (isWell = true), deaths: () => deaths, places, holds, releases, orders, answer };
}

const institution = {
  ...owner,
  name: 'bank',
  currencies: ['USD'],
  settings: { bank: 'sandbox', settleAfterSeconds: 0 },
} satisfies Parameters<ReturnType<typeof institutionCalls>['addInstitution']>[0];

/** A process that nothing happens to, and the bank of its tenant. */
async function worldWithBank() {
  const { process, heal, ...lasting } = world(1);
  heal();
  const alive = process();
  await alive.addInstitution(institution);
  return { ...lasting, alive };
}

async function outlived(act: () => Promise<unknown>): Promise<void> {
  await act().catch((error: unknown) => {
    if (!(error instanceof Died) && !(error instanceof OperationalError)) throw error;
  });
}

test('a death at any step, 300 times: held once, ordered once, and ended by what the bank says', async () => {
  const died = new Set<string>();
  let deaths = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const { process, heal, places, ...lasting } = world(seed);
    await process().addInstitution(institution);
    for (let attempt = 0; attempt < 8; attempt++) await outlived(() => process().create(request));
    heal();
    const last = process();
    const created = await last.create(request);
    if (!created.ok) throw new Error(`seed ${seed}: ${created.rejection}`);
    const { transactionId } = created.value.transfer;
    const state = await last.advance(transactionId);
    expect([seed, state.stage]).toEqual([seed, lasting.answer.status === 'settled' ? 'settled' : 'failed']);
    const { holds, orders, releases } = lasting;
    expect([seed, holds.length, orders.length, releases.length]).toEqual([
      seed,
      1,
      1,
      lasting.answer.status === 'rejected' ? 1 : 0,
    ]);
    const again = await last.transfers.load(transferStream(transactionId));
    expect(await last.advance(transactionId)).toEqual(again.state);
    deaths += lasting.deaths();
    for (const place of places) died.add(place);
  }
  expect([...died].sort()).toEqual([
    'after bank',
    'after ledger',
    'after log',
    'before bank',
    'before ledger',
    'before log',
  ]);
  expect(deaths).toBeGreaterThan(300);
});

test('what a bank would not take any more has its first answer under its key; under another it is refused, and nothing held', async () => {
  const { alive, holds, orders } = await worldWithBank();
  const first = await alive.create(request);
  if (!first.ok) throw new Error(first.rejection);
  const problemWith = () => 'recipient_account_ambiguous' as const;
  const create = createTransfer({ ...alive, bankOf: () => ({ ...alive.bankOf(), problemWith }) });
  const { transactionId } = first.value.transfer;
  expect(await create(request)).toMatchObject({ ok: true, value: { transfer: { transactionId }, replayed: true } });
  const other = { ...request, idempotencyKey: 'other' };
  expect(await create(other)).toEqual({ ok: false, rejection: 'recipient_account_ambiguous' });
  expect([holds.length, orders.length]).toEqual([1, 1]);
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

test.each([
  ['insufficient_balance', 'insufficient_balance'],
  ['account_not_found', 'insufficient_balance'],
  ['account_frozen', 'account_frozen'],
] as const)('a ledger that refuses by %s ends it before the bank hears of it, for good', async (refusal, told) => {
  const { alive, orders } = await worldWithBank();
  const refusing = { ...alive, operateBook: async () => ({ ok: false, rejection: refusal }) as const };
  const create = createTransfer({ ...refusing, advance: advanceTransfer(refusing) });
  expect(await create(request)).toEqual({ ok: false, rejection: told });
  expect(await alive.create(request)).toEqual({ ok: false, rejection: told, replayed: true });
  expect(orders).toEqual([]);
});

test('a ledger that says nothing leaves it pending, in time and with its id; what it says later counts', async () => {
  const { alive, holds, orders } = await worldWithBank();
  const [asked, answered] = [gate(), gate()];
  const silent: OperateBook = async (operation) => {
    asked.open();
    await answered.opened;
    return alive.operateBook(operation);
  };
  const advance = advanceTransfer({ ...alive, operateBook: silent });
  const create = createTransfer({ ...alive, advance, wait: () => asked.opened });
  const created = await create(request);
  if (!created.ok) throw new Error(created.rejection);
  const { transactionId, status } = created.value.transfer;
  expect([status, holds, orders]).toEqual(['pending', [], []]);
  answered.open();
  await alive.advance(transactionId);
  await turn();
  expect([holds.length, orders.length]).toEqual([1, 1]);
});

test('who heard that it is pending is not told under the same key that it was refused: it has failed', async () => {
  const { alive } = await worldWithBank();
  const by = (operateBook: OperateBook) =>
    createTransfer({ ...alive, advance: advanceTransfer({ ...alive, operateBook }) });
  const away: OperateBook = async () => Promise.reject(new OperationalError('upstream_timeout', true));
  const refusing: OperateBook = async () => ({ ok: false, rejection: 'insufficient_balance' });
  expect(await by(away)(request)).toMatchObject({ ok: true, value: { transfer: { status: 'pending' } } });
  const later = {
    ok: true,
    value: { transfer: { status: 'failed', failure: 'insufficient_balance' }, replayed: true },
  };
  expect(await by(refusing)(request)).toMatchObject(later);
  expect(await by(refusing)(request)).toMatchObject(later);

  const other = { ...request, idempotencyKey: 'other' };
  expect(await by(refusing)(other)).toEqual({ ok: false, rejection: 'insufficient_balance' });
  expect(await by(away)(other)).toEqual({ ok: false, rejection: 'insufficient_balance', replayed: true });
});

test('while the key is replaced, what both processes are asked at once is one transfer, and neither says that its key is reused', async () => {
  const [first, second] = [newKey(), newKey()];
  for (const [current, other] of [
    [first, second],
    [second, first],
  ] as const) {
    const { process, heal, holds, orders } = world(1);
    heal();
    const before = process(undefined, { current, old: [other] });
    const after = process(undefined, { current: other, old: [current] });
    const added = await Promise.all([before.addInstitution(institution), after.addInstitution(institution)]);
    expect(added.map((outcome) => outcome.ok && outcome.value.institution.number)).toEqual([1, 1]);
    const answers = await Promise.all([before.create(request), after.create(request)]);
    expect(answers.map((answer) => answer.ok && answer.value.replayed).sort()).toEqual([false, true]);
    expect([holds.length, orders.length]).toEqual([1, 1]);
    const otherContent = { ...request, amount: request.amount + 1n };
    for (const each of [before, after])
      expect(await each.create(otherContent)).toEqual({ ok: false, rejection: 'idempotency_key_reused' });
  }
});

test('while payouts are stopped no bank is told; one that was told before is asked on', async () => {
  const { alive, holds, orders } = await worldWithBank();
  let areStopped = true;
  const advance = advanceTransfer({ ...alive, arePayoutsStopped: async () => areStopped });
  const created = await createTransfer({ ...alive, advance })(request);
  if (!created.ok) throw new Error(created.rejection);
  const { transactionId, status } = created.value.transfer;
  expect([status, holds.length, orders]).toEqual(['pending', 1, []]);
  expect(await advance(transactionId)).toMatchObject({ stage: 'held' });
  areStopped = false;
  expect(await advance(transactionId)).toMatchObject({ stage: 'handed' });
  areStopped = true;
  expect(await advance(transactionId)).toMatchObject({ stage: expect.stringMatching(/^(settled|failed)$/) });
  expect(orders).toHaveLength(1);
});
