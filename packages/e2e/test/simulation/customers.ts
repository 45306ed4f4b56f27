/**
 * Customers of two tenants: they create intents and pay them on the chain (exactly, in parts, too much, twice, late, not
 * at all), move money between wallets, and post bulks that are recorded together or not at all. Whoever is not answered
 * asks again with the same ids, several at once sometimes, and some reuse an id for something else.
 */
import {
  acceptTransfer,
  createIntent,
  issueFunds,
  openAccount,
  operateBookInBulk,
  type CallContract,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import { callClient } from '@daybook/http';
import { isOperationalError } from '@daybook/core';
import { mode, tenants, token, type Product } from './product';

/** One question of a customer, asked until it is answered. */
export type Asked<Call extends CallContract = CallContract> = {
  readonly call: Call;
  readonly request: CallRequest<Call>;
  /** Every answer that came; the first one counts, and the others must agree. */
  readonly answers: CallOutcome<Call>[];
};

export type Customers = {
  readonly intents: readonly Asked<typeof createIntent>[];
  readonly transfers: readonly Asked<typeof acceptTransfer>[];
  readonly bulks: readonly Asked<typeof operateBookInBulk>[];
  readonly setup: readonly Asked[];
  /** Nothing new is asked or paid any more. */
  finish(): void;
  /** All that was asked is answered. */
  isThrough(): boolean;
};

export const wallets = ['w0', 'w1', 'w2'] as const;
export const tenantOf = (wallet: string) => (wallet === 'w2' ? tenants[1] : tenants[0]);
const own = (tenantId: string, name: string) => `acct:${tenantId}:${name}`;
const funds = 1_000n;
/** Customers ask less and less often: those who do not keep a queue full of what nobody waits for any more. */
const patienceMinMs = 300;
const patienceMaxMs = 5_000;

export function customers(product: Product): Customers {
  const { world, network, settings } = product;
  const { random } = world;
  const all: Asked[] = [];
  const waiting = new Set<Asked>();
  let finished = false;

  const clientOf = (service: string) =>
    callClient({
      baseUrl: '',
      token,
      post: (path, body, correlation) => network.post(null, service)(path, { ...correlation, body }),
    });
  const clients = { intents: clientOf('intents'), ledger: clientOf('ledger') };

  /** Asks until there is an answer. */
  function ask<Call extends CallContract>(
    service: keyof typeof clients,
    call: Call,
    request: CallRequest<Call>,
    then: (answer: CallOutcome<Call>) => void = () => undefined,
  ): Asked<Call> {
    const asked: Asked<Call> = { call, request, answers: [] };
    all.push(asked as unknown as Asked);
    waiting.add(asked as unknown as Asked);
    let patienceMs = patienceMinMs;
    const attempt = () => {
      clients[service](call, request).then(
        (answer) => {
          world.note(`${call.name} answered ${textOf(answer).slice(0, 160)}`);
          asked.answers.push(answer);
          if (waiting.delete(asked as unknown as Asked)) then(answer);
        },
        (error: unknown) => {
          if (!isOperationalError(error)) world.violated(`${call.name}: ${String(error)}`);
          world.after(patienceMs, null, attempt);
          patienceMs = Math.min(2 * patienceMs, patienceMaxMs);
        },
      );
    };
    attempt();
    // A second device, or a proxy that asks twice.
    if (random.chance(0.3)) world.after(random.below(500), null, attempt);
    return asked;
  }

  const intents: Asked<typeof createIntent>[] = [];
  const transfers: Asked<typeof acceptTransfer>[] = [];
  const bulks: Asked<typeof operateBookInBulk>[] = [];

  function newIntent(index: number): void {
    const request: CallRequest<typeof createIntent> = {
      tenantId: random.pick(tenants),
      mode,
      currency: 'ETH',
      amount: BigInt(100 + random.below(900)),
      orderId: `order ${index}`,
      idempotencyKey: random.chance(0.7) ? `key ${index}` : null,
    };
    const pay = (answer: CallOutcome<typeof createIntent>) => {
      if (!answer.ok) return;
      for (const { ms, amount } of paymentsOf(product, request.amount))
        world.after(ms, null, () => {
          if (!finished) product.chain.pay(answer.value.intent.paymentAddress, amount);
        });
    };
    intents.push(ask('intents', createIntent, request, pay));
    if (request.idempotencyKey !== null && random.chance(0.2))
      intents.push(ask('intents', createIntent, { ...request, amount: request.amount + 1n }, pay));
  }

  function newTransfer(index: number): void {
    const debitAccountId = random.pick(wallets);
    const creditAccountId = random.pick(wallets.filter((wallet) => wallet !== debitAccountId));
    const request: CallRequest<typeof acceptTransfer> = {
      mode,
      tenantId: tenantOf(debitAccountId),
      transferId: `transfer ${index}`,
      debitAccountId,
      creditAccountId,
      asset: 'TXC',
      amount: BigInt(1 + random.below(700)),
      referenceId: `reference ${index}`,
      note: null,
    };
    transfers.push(ask('ledger', acceptTransfer, request));
    if (random.chance(0.2)) transfers.push(ask('ledger', acceptTransfer, { ...request, amount: request.amount + 1n }));
  }

  function newBulk(index: number): void {
    const [tenantId] = tenants;
    const post = (step: number) => ({
      type: 'post' as const,
      transactionId: `bulk ${index} ${step}`,
      mode: 'authorizing' as const,
      entries: [
        { accountId: own(tenantId, 'cash'), asset: 'TXC' as const, direction: 'debit' as const, amount: 10n },
        { accountId: own(tenantId, 'owed'), asset: 'TXC' as const, direction: 'credit' as const, amount: 10n },
      ],
      effectiveAt: null,
      closedPeriod: 'adjust' as const,
      description: null,
      metadata: null,
    });
    const operations = Array.from({ length: 2 + random.below(3) }, (_, step) => post(step));
    // The last one may ask for what is not there, and takes the others with it.
    const broken = random.chance(0.3)
      ? [{ ...post(operations.length), transactionId: `bulk ${index} x`, entries: refused(tenantId) }]
      : [];
    const request = {
      mode,
      tenantId,
      actor: tenantId,
      dryRun: false,
      atomic: true,
      operations: [...operations, ...broken],
    };
    bulks.push(ask('ledger', operateBookInBulk, request as CallRequest<typeof operateBookInBulk>));
  }

  const early: (() => void)[] = [];
  let isOpen = false;
  const setup = openBooks(ask, () => {
    isOpen = true;
    for (const work of early) if (!finished) work();
  });
  /** Few ask for what is not there yet, and are refused. */
  const onceOpen = (work: () => void) => () => (isOpen || random.chance(0.1) ? work() : void early.push(work));
  const chaosMs = settings.chaosMs;
  const later = (work: () => void) => world.after(random.below(chaosMs * 0.7), null, () => !finished && work());
  for (let index = 0; index < settings.intents; index++) later(() => newIntent(index));
  for (let index = 0; index < settings.transfers; index++) later(onceOpen(() => newTransfer(index)));
  for (let index = 0; index < settings.bulks; index++) later(onceOpen(() => newBulk(index)));
  return {
    intents,
    transfers,
    bulks,
    setup,
    finish() {
      finished = true;
    },
    isThrough: () => waiting.size === 0,
  };
}

type Ask = <Call extends CallContract>(
  service: 'ledger',
  call: Call,
  request: CallRequest<Call>,
  then: () => void,
) => Asked<Call>;

/** Wallets with money in them, and two accounts for bulks. `opened` is called when all of it is answered. */
function openBooks(ask: Ask, opened: () => void): readonly Asked[] {
  const setup: Asked[] = [];
  let open = 0;
  const done = () => {
    if (++open === wallets.length + 2) opened();
  };
  const add = <Call extends CallContract>(call: Call, request: CallRequest<Call>, then: () => void) =>
    setup.push(ask('ledger', call, request, then) as unknown as Asked);
  const account = (accountId: string, type: 'asset' | 'liability', floor: bigint | null, then: () => void) =>
    add(openAccount, { mode, accountId, tenantId: tenantOf(accountId), asset: 'TXC', type, floor }, then);
  const issue = (accountId: string) =>
    add(issueFunds, { mode, transactionId: `issue ${accountId}`, accountId, asset: 'TXC', amount: funds }, done);
  for (const wallet of wallets) account(wallet, 'liability', 0n, () => issue(wallet));
  account(own(tenants[0], 'cash'), 'asset', null, done);
  account(own(tenants[0], 'owed'), 'liability', null, done);
  return setup;
}

/** Entries that no book takes: one side is an account that nobody has. */
function refused(tenantId: string) {
  return [
    { accountId: own(tenantId, 'cash'), asset: 'TXC' as const, direction: 'debit' as const, amount: 1n },
    { accountId: own(tenantId, 'nobody'), asset: 'TXC' as const, direction: 'credit' as const, amount: 1n },
  ];
}

function paymentsOf({ world, settings }: Product, amount: bigint): readonly { ms: number; amount: bigint }[] {
  const { random } = world;
  const soon = () => random.below(1_500);
  const part = 1n + BigInt(random.below(Number(amount) - 1));
  return random.pick([
    () => [{ ms: soon(), amount }],
    () => [{ ms: soon(), amount }],
    () => [
      { ms: soon(), amount: part },
      { ms: soon(), amount: amount - part },
    ],
    () => [{ ms: soon(), amount: part }],
    () => [{ ms: soon(), amount: amount + part }],
    () => [
      { ms: soon(), amount },
      { ms: soon(), amount },
    ],
    () => [{ ms: settings.intentTtlMs + soon(), amount }],
    () => [],
  ])();
}

export function textOf(value: unknown): string {
  return JSON.stringify(value, (_name, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each));
}
