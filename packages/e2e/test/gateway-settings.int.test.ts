/**
 * The key of an account at a payment provider is rolled while payments through it are open: two processes of intents and the
 * ledger on one database, as their composition roots have them, with the provider on the wire.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import {
  addGateway,
  createPayment,
  getBalance,
  getPayment,
  receiveProviderWebhook,
  replaceGatewaySettings,
  type CallOutcome,
} from '@daybook/contracts';
import { callClient, type CallClient } from '@daybook/http';
import { openTransport } from '@daybook/messaging';
import { Secret } from '@daybook/runtime';
import { eventually, expectBooksBalance, fakeClock, testDatabase, testLogger } from '@daybook/testing';
import * as intents from '@services/intents';
import * as ledger from '@services/ledger';
import { startProviderDouble } from '../../../services/intents/test/provider-double';
import { stripeSignature } from '../../../services/intents/test/stripe-double';
import { valueOf } from './value-of';

const token = 'internal-token-of-the-gateway-settings-tests';
const tenantId = '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11';
const owner = { tenantId, mode: 'sandbox' } as const;
const hourMs = 3_600_000;
const stripe = (secretKey: string, webhookSecret: string) =>
  ({ provider: 'stripe', secretKey, webhookSecret }) as const;
const [former, next] = [stripe('sk_test_former', 'whsec_former'), stripe('sk_test_next', 'whsec_next')];
const amount = 10_050n;

async function startRig() {
  const [database, provider] = await Promise.all([testDatabase(), startProviderDouble()]);
  const { logger, lines } = testLogger();
  const now = fakeClock('2026-03-02T10:00:00.000Z');
  const open = { databaseUrl: database.url, brokers: [], clientId: 'test', logger };
  const transport = openTransport({ kind: 'postgres', ...open });
  await transport.start();
  const fatal: unknown[] = [];
  const onFatal = (error: unknown) => void fatal.push(error);
  const started: { stop(): Promise<void> }[] = [transport];
  const run = async (service: { start(): Promise<{ url: string }>; stop(): Promise<void> }) => {
    const { url } = await service.start();
    const call = callClient({ baseUrl: url, token: new Secret(token) });
    started.unshift(call, service);
    return call;
  };
  const key = () => randomBytes(32).toString('base64');
  const common = { DATABASE_URL: database.url, INTERNAL_TOKEN: token, PERSONAL_DATA_KEY: key() };
  const books = await run(ledger.createService(ledger.loadConfig(common), { transport, logger, onFatal }));
  const config = intents.loadConfig({
    ...common,
    SECRETS_KEY: key(),
    CHAIN_WATCHER_URL: 'http://127.0.0.1:1',
    STRIPE_URL: provider.url,
  });
  const process = () => run(intents.createService(config, { transport, logger, now, onFatal }));
  return {
    provider,
    now,
    processes: [await process(), await process()] as const,
    /** Minor units that the tenant was credited. */
    async credited() {
      const asked = { mode: 'sandbox', tenantId: null, accountId: `merchant:${tenantId}:USD` } as const;
      const outcome = await books(getBalance, asked);
      return outcome.ok ? outcome.value.posted : 0n;
    },
    async replacements(gatewayId: string) {
      const { rows } = await database.pool('intents').query<{ payload: Buffer }>(
        `select payload from events where type = 'GatewaySettingsReplaced'
         and convert_from(payload, 'UTF8')::jsonb ->> 'gatewayId' = $1`,
        [gatewayId],
      );
      return rows.map(({ payload }) => payload.toString('utf8'));
    },
    booksBalance: () => expectBooksBalance({ ledger: database.pool('ledger'), intents: database.pool('intents') }),
    async close() {
      for (const part of started) await part.stop();
      await provider.stop();
      await database.drop();
      expect(fatal).toEqual([]);
      expect(lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    },
  };
}

let rig: Awaited<ReturnType<typeof startRig>>;
beforeAll(async () => (rig = await startRig()), 60_000);
afterAll(() => rig?.close());
afterEach(() => rig.booksBalance());

async function gatewayOf(name: string, call: CallClient) {
  return valueOf(await call(addGateway, { ...owner, name, currencies: ['USD'], settings: former })).gateway;
}

async function opened(call: CallClient, gatewayNumber: number) {
  const asked = { description: null, metadata: {}, userNumber: null, idempotencyKey: randomUUID() };
  const { payment } = valueOf(
    await call(createPayment, { ...owner, gatewayNumber, currency: 'USD', amount, ...asked }),
  );
  return { transactionId: payment.transactionId, reference: payment.providerReference ?? '' };
}

function replace(call: CallClient, number: number, replacementId: string, { settings = next, overlapHours = 24 } = {}) {
  return call(replaceGatewaySettings, { ...owner, number, settings, replacementId, overlapHours });
}

/** The payer pays, and nobody is told. */
function pay(reference: string): void {
  const intent = rig.provider.stripe.get(reference)!;
  Object.assign(intent, { status: 'succeeded', amount_received: intent.amount });
}

function tell(
  call: CallClient,
  gatewayId: string,
  reference: string,
  secret: string,
): Promise<CallOutcome<typeof receiveProviderWebhook>> {
  const object = { object: 'payment_intent', id: reference };
  const body = JSON.stringify({ id: `evt_${randomUUID()}`, object: 'event', data: { object } });
  return call(receiveProviderWebhook, {
    gatewayId,
    headers: { 'stripe-signature': stripeSignature(body, secret) },
    body,
  });
}

const becomes = (call: CallClient, transactionId: string, expected: object) =>
  eventually(
    async () => expect(valueOf(await call(getPayment, { ...owner, transactionId })).payment).toMatchObject(expected),
    { timeoutMs: 15_000 },
  );
const took = { ok: true, value: {} };
const refused = (rejection: string) => ({ ok: false, rejection });

test('payments that are open when the key is rolled complete with the settings that replace it, in every process, once each', async () => {
  const [one, other] = rig.processes;
  const { number, gatewayId } = await gatewayOf('Cards', one);
  const payments = [await opened(one, number), await opened(other, number), await opened(other, number)];
  rig.provider.roll(former.secretKey);
  for (const { reference } of payments) pay(reference);
  const [first, second, third] = payments;
  await expect(tell(one, gatewayId, first!.reference, former.webhookSecret)).rejects.toThrow('upstream_unavailable');
  expect(await rig.credited()).toBe(0n);

  const replaced = valueOf(await replace(one, number, 'rolled'));
  const until = new Date(rig.now().getTime() + 24 * hourMs).toISOString();
  expect(replaced).toMatchObject({ previousUntil: until, replayed: false, gateway: { number, gatewayId } });
  expect(replaced.gateway.previousSecretUntil).toBe(until);
  // What was on its way, by whichever process it is read; and what no webhook tells.
  expect(await tell(other, gatewayId, first!.reference, former.webhookSecret)).toEqual(took);
  expect(await tell(one, gatewayId, first!.reference, former.webhookSecret)).toEqual(took);
  expect(await tell(other, gatewayId, second!.reference, next.webhookSecret)).toEqual(took);
  rig.now.advance(hourMs);
  for (const { transactionId } of [first!, second!, third!])
    await becomes(other, transactionId, { status: 'completed', amountReceived: amount, exceptions: [] });
  expect(await rig.credited()).toBe(3n * amount);

  // A payment that is made with the new settings.
  const fourth = await opened(other, number);
  pay(fourth.reference);
  expect(await tell(one, gatewayId, fourth.reference, next.webhookSecret)).toEqual(took);
  await becomes(one, fourth.transactionId, { status: 'completed' });
  expect(await rig.credited()).toBe(4n * amount);

  rig.now.advance(23 * hourMs - 1);
  expect(await tell(other, gatewayId, first!.reference, former.webhookSecret)).toEqual(took);
  rig.now.advance(1);
  for (const process of rig.processes) {
    const late = await tell(process, gatewayId, first!.reference, former.webhookSecret);
    expect(late).toEqual(refused('signature_invalid'));
  }
  expect(await tell(one, gatewayId, first!.reference, next.webhookSecret)).toEqual(took);
  expect(await rig.credited()).toBe(4n * amount);
});

test('a webhook secret that turns out to have leaked is not accepted any more, at once', async () => {
  const [one, other] = rig.processes;
  const { number, gatewayId } = await gatewayOf('Leaked', one);
  valueOf(await replace(one, number, 'rolled'));
  const tellFormerly = () => tell(other, gatewayId, 'unknown', former.webhookSecret);
  expect(await tellFormerly()).toEqual(took);
  expect(valueOf(await replace(one, number, 'leaked', { overlapHours: 0 }))).toMatchObject({
    previousUntil: null,
    gateway: { previousSecretUntil: null },
  });
  expect(await tellFormerly()).toEqual(refused('signature_invalid'));
  expect(await tell(other, gatewayId, 'unknown', next.webhookSecret)).toEqual(took);
});

test('replacements that are asked for at once by two processes are one event each, and every repeat is answered the same', async () => {
  const { number, gatewayId } = await gatewayOf('At once', rig.processes[0]);
  const asked = Array.from({ length: 10 }, (_, n) => rig.processes.map((process) => ({ process, id: `r${n % 2}` })));
  const answers = await Promise.all(
    asked.flat().map(async ({ process, id }) => {
      const settings = stripe(`sk_test_${id}`, `whsec_${id}`);
      return { id, ...valueOf(await replace(process, number, id, { settings })) };
    }),
  );
  expect(await rig.replacements(gatewayId)).toHaveLength(2);
  for (const id of ['r0', 'r1']) {
    const of = answers.filter((answer) => answer.id === id);
    expect(of.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(new Set(of.map(({ previousUntil }) => previousUntil)).size).toBe(1);
  }
  // Whichever was the last: both and the one before them are accepted.
  for (const process of rig.processes)
    for (const secret of ['whsec_former', 'whsec_r0', 'whsec_r1'])
      expect(await tell(process, gatewayId, 'unknown', secret)).toEqual(took);
  for (const payload of await rig.replacements(gatewayId)) expect(payload).not.toMatch(/sk_test|whsec/);
});
