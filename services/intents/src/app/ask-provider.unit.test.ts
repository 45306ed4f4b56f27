/** Answers of providers that are asked twice at once, and that say what no table holds. */
import { randomBytes } from 'node:crypto';
import { commandHandler, memoryEventStore, type PersonalData } from '@daybook/event-store';
import { createSealer, Secret } from '@daybook/runtime';
import { testLogger } from '@daybook/testing';
import { gatewayEvents, paymentEvents } from '../adapters/stored-events';
import { gatewayRegistry } from '../domain/payment-gateways';
import { providerPayment, type Observation } from '../domain/provider-payment';
import type { Opening, PaymentProvider } from '../ports';
import { askProvider } from './ask-provider';
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

/** Payments through a provider that answers as it is told. */
async function paymentsOf(
  open: () => Promise<Opening>,
  observe: () => Promise<Observation> = async () => ({ status: 'open' }),
) {
  const store = memoryEventStore(now);
  const { logger, lines } = testLogger();
  const provider: PaymentProvider = { open, observe, readNotice: async () => null };
  const secretsKeys = { current: new Secret(randomBytes(32).toString('base64')), old: [] };
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
  return { create: createPayment({ ...deps, ask }), ask, lines };
}

const charge = (reference: string): Opening => ({ opened: true, reference, session: { charge_id: reference } });

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

test('words of a provider are kept without what no table holds, and an id that is none is no answer', async () => {
  const refused = await paymentsOf(async () => ({ opened: false, reason: `no\0${'x'.repeat(600)}` }));
  const outcome = await refused.create(request);
  expect(outcome.ok && outcome.value.payment.failure).toBe(`no ${'x'.repeat(497)}`);
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
    providerOfGateway: async () =>
      ({ readNotice: async () => ({ eventId, reference: 'r' }) }) as unknown as PaymentProvider,
    inbox: {
      receive: async (_gateway, notice) => (asked.push(notice.eventId), 'received'),
      close: async () => undefined,
    },
    paymentsOf: async () => [],
    ask: async () => ({ stage: 'none' }),
    logger: testLogger().logger,
  });
  expect(await receive({ gatewayId: crypto.randomUUID(), headers: {}, body: '' })).toEqual({ ok: true, value: {} });
  expect(asked).toEqual([]);
});
