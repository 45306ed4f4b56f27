/** Answers of providers that are asked twice at once, and that say what no table holds; what tells a repeat. */
import { randomBytes } from 'node:crypto';
import { commandHandler, memoryEventStore, type PersonalData } from '@daybook/event-store';
import { OperationalError } from '@daybook/core';
import { createSealer, codeFrom, Secret, sha256Hex, type Keyring } from '@daybook/runtime';
import { gate, testLogger } from '@daybook/testing';
import { publishedEvents } from '../adapters/published-events';
import { gatewayEvents, paymentEvents } from '../adapters/stored-events';
import { gatewayRegistry } from '../domain/payment-gateways';
import { providerPayment, type Observation, type Returned } from '../domain/provider-payment';
import type { Opening, PaymentOrder, PaymentProvider } from '../ports';
import { askProvider, paymentStream } from './ask-provider';
import { createPayment } from './create-payment';
import { gatewayCalls } from './gateways';
import { receiveWebhook } from './provider-webhooks';

const owner = { tenantId: '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11', mode: 'sandbox' } as const;
const now = () => new Date('2026-03-01T10:00:00.000Z');
const plain: PersonalData = {
  encrypt: async (_subject, text) => text,
  decrypt: async (_subject, token) => token,
  erase: async () => undefined,
};
const request = {
  ...owner,
  gatewayNumber: 1,
  currency: 'USD',
  amount: 100n,
  description: null,
  metadata: {},
  userNumber: null,
  idempotencyKey: 'key',
} as const;

const newKey = () => new Secret(randomBytes(32).toString('base64'));

/** Payments through a provider that answers as it is told. */
async function paymentsOf(
  open: () => Promise<Opening>,
  observe: (reference: string, order: PaymentOrder) => Promise<Observation> = async () => ({ status: 'open' }),
  returned: () => Promise<Returned> = async () => ({ refunded: 0n, chargedBack: 0n, disputed: false }),
) {
  const store = memoryEventStore(now);
  const { logger, lines } = testLogger();
  const provider: PaymentProvider = { open, observe, returned, readNotice: async () => null };
  const secretsKeys = { current: newKey(), old: [] };
  const deps = {
    payments: commandHandler(providerPayment, paymentEvents, store),
    gateways: commandHandler(gatewayRegistry, gatewayEvents, store),
    personalData: plain,
    sealer: createSealer(secretsKeys),
    secretsKeys,
    providerOf: () => provider,
    nextNumber: async () => 1,
    now,
    logger,
  };
  const settings = { provider: 'sandbox', plays: 'coinbase' } as const;
  await gatewayCalls(deps).addGateway({ ...owner, name: 'gateway', currencies: ['USD'], settings });
  const ask = askProvider(deps);
  return {
    create: createPayment({ ...deps, ask }),
    /** The caller has no patience when that opens. */
    createUntil: (late: Promise<void>) => createPayment({ ...deps, ask, wait: () => late })(request),
    /** A process with other keys. */
    createUnder: (keys: Keyring) => createPayment({ ...deps, ask, secretsKeys: keys }),
    key: secretsKeys.current,
    payments: deps.payments,
    ask,
    lines,
    store,
  };
}

const charge = (reference: string): Opening => ({ opened: true, reference, session: { charge_id: reference } });

test('a provider that takes too long leaves the payment pending; what it says at last is the answer to a repeat', async () => {
  const [asked, said, late] = [gate(), gate(), gate()];
  const { create, createUntil, ask, payments } = await paymentsOf(async () => {
    asked.open();
    await said.opened;
    return charge('charge_1');
  });
  const slow = createUntil(late.opened);
  await asked.opened;
  late.open();
  const told = await slow;
  expect(told).toMatchObject({ ok: true, value: { payment: { status: 'pending' }, session: null } });
  said.open();
  const { transactionId } = (told as Extract<typeof told, { ok: true }>).value.payment;
  await ask(transactionId, true);
  expect((await payments.load(paymentStream(transactionId))).state).toMatchObject({ reference: 'charge_1' });
  expect(await create(request)).toMatchObject({
    ok: true,
    value: { session: { charge_id: 'charge_1' }, replayed: true },
  });
});

test('two who open at once at a provider without keys get one answer, and the other charge is named', async () => {
  const both: (() => void)[] = [];
  const { create, lines } = await paymentsOf(async () => {
    const reference = `charge_${both.length + 1}`;
    await new Promise<void>((resolve) => {
      if (both.push(resolve) === 2) for (const go of both) go();
    });
    return charge(reference);
  });
  const [one, other] = await Promise.all([create(request), create(request)]);
  const sessions = [one, other].map((outcome) => (outcome.ok ? outcome.value.session : null));
  expect(sessions[0]).toEqual({ charge_id: expect.stringMatching(/^charge_[12]$/) });
  expect(sessions[1]).toEqual(sessions[0]);
  const orphan = sessions[0]?.['charge_id'] === 'charge_1' ? 'charge_2' : 'charge_1';
  expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([{ orphan }]);
});

describe('two who open at once, of whom one is refused', () => {
  const session = { charge_id: 'charge_1' };
  const refusal: Opening = { opened: false, reason: 'duplicate' };

  /** Both are asking when the first one is answered; each answer gives what its caller is told. */
  async function race() {
    const answers: ((opening: Opening) => void)[] = [];
    let bothAsk = () => {};
    const both = new Promise<void>((resolve) => (bothAsk = resolve));
    const open = () =>
      new Promise<Opening>((answer) => {
        if (answers.push(answer) === 2) bothAsk();
      });
    const rig = await paymentsOf(open);
    let callers = [rig.create(request), rig.create(request)];
    await both;
    const answerNext = async (opening: Opening) => {
      answers.shift()!(opening);
      const told = await Promise.race(callers.map(async (caller) => ({ caller, outcome: await caller })));
      callers = callers.filter((caller) => caller !== told.caller);
      if (!told.outcome.ok) throw new Error(told.outcome.rejection);
      return told.outcome.value;
    };
    return { ...rig, answerNext };
  }

  test('both have the session when the refusal is answered last', async () => {
    const { answerNext, create } = await race();
    expect(await answerNext(charge('charge_1'))).toMatchObject({ session, payment: { status: 'pending' } });
    expect(await answerNext(refusal)).toMatchObject({ session, payment: { status: 'pending', failure: null } });
    expect(await create(request)).toMatchObject({ value: { session, replayed: true } });
  });

  test('the one that opened and every repeat have the session when the refusal was answered first, and others are told', async () => {
    const { answerNext, create, store } = await race();
    const { payment } = await answerNext(refusal);
    expect(payment).toMatchObject({ status: 'failed', failure: 'duplicate' });
    expect(await answerNext(charge('charge_1'))).toMatchObject({
      session,
      payment: { status: 'pending', failure: null },
    });
    expect(await create(request)).toMatchObject({ value: { session, payment: { status: 'pending' } } });
    const told = (await store.readStream(paymentStream(payment.transactionId))).flatMap(publishedEvents);
    expect(told.map(({ value }) => (JSON.parse(value.toString()) as { data: object }).data)).toMatchObject([
      { status: 'pending', providerReference: null },
      { status: 'failed', failure: 'duplicate' },
      { status: 'pending', failure: null, providerReference: 'charge_1' },
    ]);
  });

  test('a refusal that nobody contradicts stays, and is not asked for again', async () => {
    const { answerNext, create } = await race();
    await answerNext(refusal);
    expect(await answerNext({ ...refusal, reason: 'again' })).toMatchObject({ payment: { failure: 'duplicate' } });
    expect(await create(request)).toMatchObject({ value: { session: null, payment: { status: 'failed' } } });
  });
});

test('whoever gets no answer has the session that another caller got meanwhile', async () => {
  const openings: (() => Promise<Opening>)[] = [
    async () => {
      expect(await rig.create(request)).toMatchObject({ value: { session: { charge_id: 'charge_1' } } });
      throw new OperationalError('upstream_unavailable', true);
    },
    async () => charge('charge_1'),
  ];
  const rig = await paymentsOf(() => openings.shift()!());
  expect(await rig.create(request)).toMatchObject({ value: { session: { charge_id: 'charge_1' } } });
});

test('a decline is recorded once, and the next attempt is another one, also for whoever did not know of it', async () => {
  const attempts: number[] = [];
  const { create, ask, store, lines } = await paymentsOf(
    async () => charge('charge_1'),
    async (_reference, { declines }) => {
      attempts.push(declines + 1);
      return { status: 'declined', attempt: declines + 1, reason: 'TRANSACTION_REFUSED\n' };
    },
  );
  const opened = await create(request);
  const { transactionId } = opened.ok ? opened.value.payment : { transactionId: '' };
  await Promise.all([ask(transactionId, true), ask(transactionId, true)]);
  expect(attempts).toEqual([1, 1]);
  expect(await ask(transactionId, true)).toMatchObject({ stage: 'open', declines: 2 });
  expect(attempts).toEqual([1, 1, 2]);
  expect(lines.filter(({ level }) => level === 'warn').at(-1)).toMatchObject({
    transactionId,
    attempt: 2,
    reason: 'TRANSACTION_REFUSED ',
  });
  const events = await store.readStream(paymentStream(transactionId));
  expect(events.map(({ type }) => type)).toEqual([
    'PaymentCreated',
    'PaymentOpened',
    'PaymentDeclined',
    'PaymentDeclined',
  ]);
  // Nothing of what others see has changed.
  expect(events.flatMap(publishedEvents)).toHaveLength(2);
});

test('a payment that its provider no longer processes is pending again, which is told once; a late answer does not undo it', async () => {
  const answers: (() => Promise<Observation>)[] = [];
  const rig = await paymentsOf(
    async () => charge('charge_1'),
    () => answers.shift()!(),
  );
  const opened = await rig.create(request);
  const { transactionId } = opened.ok ? opened.value.payment : { transactionId: '' };
  const ask = () => rig.ask(transactionId, true);
  const says = (status: 'open' | 'processing') => answers.push(async () => ({ status }));
  says('processing');
  // Asked before it was processing, and recorded after that.
  answers.unshift(async () => {
    expect(await ask()).toMatchObject({ stage: 'processing' });
    return { status: 'open' };
  });
  expect(await ask()).toMatchObject({ stage: 'processing' });
  says('open');
  says('open');
  await Promise.all([ask(), ask()]);
  says('processing');
  expect(await ask()).toMatchObject({ stage: 'processing' });
  const told = (await rig.store.readStream(paymentStream(transactionId))).flatMap(publishedEvents);
  expect(told.map(({ value }) => (JSON.parse(value.toString()) as { data: { status: string } }).data.status)).toEqual([
    'pending',
    'pending',
    'processing',
    'pending',
    'processing',
  ]);
});

describe('what went back of a payment that was taken', () => {
  async function taken(returnedNow: () => Promise<Returned>) {
    const looks: string[] = [];
    const rig = await paymentsOf(
      async () => charge('charge_1'),
      async () => (looks.push('state'), { status: 'taken', amount: 100n }),
      async () => (looks.push('returned'), returnedNow()),
    );
    const opened = await rig.create(request);
    const { transactionId } = opened.ok ? opened.value.payment : { transactionId: '' };
    const ask = () => rig.ask(transactionId, true);
    expect(await ask()).toMatchObject({ stage: 'taken', returns: 0 });
    expect(looks).toEqual(['state']);
    const told = async () => {
      const events = (await rig.store.readStream(paymentStream(transactionId))).flatMap(publishedEvents);
      return events.map(({ value }) => JSON.parse(value.toString()) as { type: string; data: object });
    };
    return { ...rig, ask, told };
  }
  const refunds = (refunded: bigint) => async () => ({ refunded, chargedBack: 0n, disputed: false });

  test('is what the provider says now, whatever answer is recorded last', async () => {
    const answers: (() => Promise<Returned>)[] = [];
    const { ask, told } = await taken(() => answers.shift()!());
    // Asked before the refund, and answered after another look has recorded it: the provider is asked again.
    answers.push(async () => {
      expect(await ask()).toMatchObject({ returned: { refunded: 60n }, returns: 1 });
      return refunds(0n)();
    });
    answers.push(refunds(60n), refunds(60n));
    expect(await ask()).toMatchObject({ returned: { refunded: 60n }, returns: 1 });
    expect(answers).toEqual([]);
    // The refund failed.
    answers.push(refunds(0n));
    expect(await ask()).toMatchObject({ returned: { refunded: 0n }, returns: 2 });
    const moved = (await told()).filter(({ type }) => type === 'ProviderPaymentReturned');
    expect(moved.map(({ data }) => data)).toMatchObject([
      { change: 1, direction: 'returned', amount: '60' },
      { change: 2, direction: 'reinstated', amount: '60' },
    ]);
    const seen = (await told()).filter(({ type }) => type === 'PaymentStatusChanged').map(({ data }) => data);
    expect(seen.slice(-3)).toEqual([
      expect.not.objectContaining({ returned: expect.anything() }),
      expect.objectContaining({ returned: { refunded: '60', chargedBack: '0' } }),
      expect.objectContaining({ returned: { refunded: '0', chargedBack: '0' } }),
    ]);
  });

  test('as a refund that became a chargeback moves no money again', async () => {
    let now = { refunded: 60n, chargedBack: 0n, disputed: false };
    const { ask, told } = await taken(async () => now);
    await ask();
    now = { refunded: 0n, chargedBack: 60n, disputed: true };
    expect(await ask()).toMatchObject({ returned: now, exceptions: ['disputed'] });
    const types = (await told()).map(({ type }) => type);
    expect(types.filter((type) => type === 'ProviderPaymentReturned')).toHaveLength(1);
    expect(types.at(-1)).toBe('PaymentStatusChanged');
  });

  test('and cannot be told now is asked again; credentials that may not ask it leave the payment as it is', async () => {
    let retryable = true;
    const { ask, lines } = await taken(async () => {
      throw new OperationalError('upstream_unavailable', retryable);
    });
    await expect(ask()).rejects.toThrow('upstream_unavailable');
    retryable = false;
    expect(await ask()).toMatchObject({ stage: 'taken', returns: 0 });
    expect(lines.at(-1)).toMatchObject({ level: 'warn', msg: 'the provider does not say what went back of a payment' });
  });
});

describe("a digest of what was asked for, with people's words in it", () => {
  const asked = { ...request, description: 'Canary words', metadata: { customer_name: 'Canary Doe', a: 'b' } };
  const content = [1, 'USD', '100', 'Canary words', Object.entries(asked.metadata).sort()];
  const plainHash = sha256Hex(JSON.stringify(content));
  const repeated = { ok: true, value: { replayed: true } };
  const reused = { ok: false, rejection: 'idempotency_key_reused' };

  async function created() {
    const rig = await paymentsOf(async () => charge('charge_1'));
    const outcome = await rig.create(asked);
    if (!outcome.ok) throw new Error(outcome.rejection);
    const { transactionId } = outcome.value.payment;
    const { state } = await rig.payments.load(paymentStream(transactionId));
    if (state.stage === 'none') throw new Error('it was created');
    return { ...rig, transactionId, state };
  }

  test('is keyed, and tells a repeat from other content', async () => {
    const { state, create, store, transactionId } = await created();
    expect(state.contentHash).toMatch(/^[0-9a-f]{64}$/);
    expect(state.contentHash).not.toBe(plainHash);
    for (const { payload } of await store.readStream(paymentStream(transactionId)))
      expect(payload.toString()).not.toContain(plainHash);
    expect(await create(asked)).toMatchObject(repeated);
    expect(await create({ ...asked, description: 'Other words' })).toEqual(reused);
  });

  test('of another key is recognised while that key is an old one', async () => {
    const { createUnder, key } = await created();
    const current = newKey();
    expect(await createUnder({ current, old: [key] })(asked)).toMatchObject(repeated);
    expect(await createUnder({ current, old: [] })(asked)).toEqual(reused);
    expect(await createUnder({ current, old: [key] })({ ...asked, metadata: {} })).toEqual(reused);
  });

  test('of before it was keyed is recognised', async () => {
    const { state, create, createUnder, payments } = await created();
    const { stage: _, ...terms } = { ...state, contentHash: plainHash, oldDigests: [] };
    const stored = codeFrom('TX', [owner.tenantId, owner.mode, 'payment', 'of before']);
    const context = { commandId: crypto.randomUUID(), correlationId: 'c', causationId: 'c' };
    const before = { ...terms, type: 'CreatePayment', transactionId: stored } as const;
    expect(await payments.handle(paymentStream(stored), before, context)).toMatchObject({ ok: true });
    const again = { ...asked, idempotencyKey: 'of before' };
    expect(await create(again)).toMatchObject(repeated);
    expect(await createUnder({ current: newKey(), old: [] })(again)).toMatchObject(repeated);
    expect(await create({ ...again, description: null })).toEqual(reused);
  });
});

test('words of a provider are kept without what no table holds, and an id that is none is no answer', async () => {
  const refused = await paymentsOf(async () => ({ opened: false, reason: `no\0${'x'.repeat(600)}` }));
  const outcome = await refused.create(request);
  expect(outcome.ok && outcome.value.payment.failure).toBe(`no ${'x'.repeat(497)}`);
  const cut = await paymentsOf(async () => ({ opened: false, reason: `${'x'.repeat(499)}\u{1F600}` }));
  const told = await cut.create(request);
  expect(told.ok && told.value.payment.failure).toBe('x'.repeat(499));
  const failed = await paymentsOf(
    async () => charge('charge_1'),
    async () => ({ status: 'failed', reason: 'a\0b' }),
  );
  const opened = await failed.create(request);
  const { transactionId } = opened.ok ? opened.value.payment : { transactionId: '' };
  expect(await failed.ask(transactionId, true)).toMatchObject({ stage: 'failed', failure: 'a b' });
  for (const reference of ['', 'a\0b', 'x'.repeat(256)]) {
    const odd = await paymentsOf(async () => charge(reference));
    expect(await odd.create(request)).toMatchObject({ value: { session: null, payment: { status: 'pending' } } });
  }
});

test.each([
  ['with a null character', 'a\0b'],
  ['too long for an index', 'x'.repeat(3_000)],
  ['of no characters', ''],
])('a webhook with an id %s is set aside before it is stored', async (_, eventId) => {
  const asked: string[] = [];
  const receive = receiveWebhook({
    noticeReadersOf: async () => new Set([{ readNotice: async () => ({ eventId, reference: 'r' }) }]),
    inbox: {
      receive: async (_gateway, notice) => (asked.push(notice.eventId), 'received'),
      close: async () => undefined,
    },
    paymentsOf: async () => [],
    ask: async () => ({ stage: 'none' }),
    lookAtReturnsBy: async () => undefined,
    now,
    logger: testLogger().logger,
  });
  expect(await receive({ gatewayId: crypto.randomUUID(), headers: {}, body: '' })).toEqual({ ok: true, value: {} });
  expect(asked).toEqual([]);
});

test('a provider that takes too long when it has told something is not waited for: the notice is told again, and is done by then', async () => {
  const [late, answered, closed] = [gate(), gate(), gate()];
  const receive = receiveWebhook({
    noticeReadersOf: async () => new Set([{ readNotice: async () => ({ eventId: 'e', reference: 'r' }) }]),
    inbox: {
      receive: async () => 'received',
      close: async () => closed.open(),
    },
    paymentsOf: async () => ['TX1'],
    ask: async () => {
      late.open();
      await answered.opened;
      return { stage: 'none' };
    },
    lookAtReturnsBy: async () => undefined,
    now,
    logger: testLogger().logger,
    wait: () => late.opened,
  });
  await expect(receive({ gatewayId: crypto.randomUUID(), headers: {}, body: '' })).rejects.toThrow('upstream_timeout');
  answered.open();
  await closed.opened;
});
