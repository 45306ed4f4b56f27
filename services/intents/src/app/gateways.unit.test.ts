import type { CallRequest, Mode, ProviderSettings, replaceGatewaySettings } from '@daybook/contracts';
import { commandHandler, memoryEventStore, type EventStore } from '@daybook/event-store';
import { createSealer, Secret, type Keyring } from '@daybook/runtime';
import { gatewayEvents } from '../adapters/stored-events';
import { gatewayRegistry } from '../domain/payment-gateways';
import { gatewayCalls } from './gateways';

const key = (byte: number) => new Secret(Buffer.alloc(32, byte).toString('base64'));
const keys: Keyring = { current: key(7), old: [] };
const tenantId = '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11';

function callsOf(store = memoryEventStore(), secretsKeys: Keyring = keys, now = new Date('2026-03-01T10:00:00.000Z')) {
  const sealer = createSealer(secretsKeys);
  const gateways = commandHandler(gatewayRegistry, gatewayEvents, store);
  return gatewayCalls({ gateways, sealer, secretsKeys, now: () => now });
}

function add(mode: Mode, settings: ProviderSettings, store = memoryEventStore(), secretsKeys: Keyring = keys) {
  return callsOf(store, secretsKeys).addGateway({ tenantId, mode, name: 'Cards', currencies: ['USD'], settings });
}

function replace(
  mode: Mode,
  settings: ProviderSettings,
  store: EventStore,
  more: Partial<CallRequest<typeof replaceGatewaySettings>> = {},
  by = callsOf(store),
) {
  const asked = { tenantId, mode, number: 1, settings, replacementId: 'r1', overlapHours: 24, ...more };
  return by.replaceGatewaySettings(asked);
}

const stripe = (secretKey: string) => ({ provider: 'stripe', secretKey, webhookSecret: 'whsec' }) as const;
const paypal = (environment: 'sandbox' | 'live') =>
  ({ provider: 'paypal', clientId: 'id', clientSecret: 'secret', webhookId: 'WH-1', environment }) as const;

describe('the account of a gateway', () => {
  const modes: readonly Mode[] = ['sandbox', 'live'];

  test.each<ProviderSettings>([
    stripe('sk_test_1'),
    stripe('rk_test_1'),
    paypal('sandbox'),
    { provider: 'sandbox', plays: 'stripe' },
  ])('%j takes no payments of the live book', async (settings) => {
    await isOfMode(settings, 'sandbox');
  });

  test.each<ProviderSettings>([stripe('sk_live_1'), stripe('rk_live_1'), paypal('live')])(
    '%j takes no payments of the sandbox',
    async (settings) => {
      await isOfMode(settings, 'live');
    },
  );

  test('that does not say of which mode it is, takes payments of both', async () => {
    const settings = { provider: 'coinbase', apiKey: 'key', webhookSecret: 'secret' } as const;
    for (const mode of modes) expect(await add(mode, settings)).toMatchObject({ ok: true });
  });
  /** Neither added nor put in the place of other settings in any other mode. */
  async function isOfMode(settings: ProviderSettings, its: Mode) {
    for (const mode of modes) {
      const expected = mode === its ? { ok: true } : { ok: false, rejection: 'provider_not_in_mode' };
      expect(await add(mode, settings)).toMatchObject(expected);
      const store = memoryEventStore();
      const there = mode === its ? settings : stripe('sk_1');
      await add(mode, there, store);
      expect(await replace(mode, settings, store)).toMatchObject(expected);
    }
  }
});

test('a gateway that is added again after its key was replaced is the same one, and with other settings is not', async () => {
  const store = memoryEventStore();
  const rotated = { current: key(8), old: [key(6), key(7)] };
  const settings = stripe('sk_live_1');
  const added = await add('live', settings, store);
  expect(added).toMatchObject({ ok: true, value: { replayed: false } });
  const again = await add('live', settings, store, rotated);
  expect(again).toEqual({ ok: true, value: { ...(added.ok ? added.value : {}), replayed: true } });
  const refused = { ok: false, rejection: 'gateway_exists_with_different_fields' };
  expect(await add('live', stripe('sk_live_2'), store, rotated)).toEqual(refused);
  expect(await add('live', settings, store, { ...rotated, old: [key(6)] })).toEqual(refused);
});

describe('the settings of a gateway', () => {
  const hourMs = 3_600_000;
  const start = Date.parse('2026-03-01T10:00:00.000Z');
  const inHours = (hours: number) => new Date(start + hours * hourMs);

  test('are replaced by one event however many ask at once, and each is answered what it decided', async () => {
    const store = memoryEventStore();
    await add('live', stripe('sk_live_1'), store);
    const both = await Promise.all(
      ['r1', 'r2', 'r1', 'r2', 'r1'].map((replacementId) =>
        replace('live', stripe(`sk_live_${replacementId}`), store, { replacementId }),
      ),
    );
    const previousUntil = inHours(24).toISOString();
    expect(both.map((each) => each.ok && each.value.previousUntil)).toEqual(Array(5).fill(previousUntil));
    expect(both.filter((each) => each.ok && each.value.replayed)).toHaveLength(3);
    const log = await store.readStream(`gateways-${tenantId}-live`);
    expect(log.map(({ type }) => type)).toEqual(['GatewayAdded', 'GatewaySettingsReplaced', 'GatewaySettingsReplaced']);
    for (const { payload } of log) expect(payload.toString()).not.toMatch(/sk_live|whsec/);

    // Later, under another key of secrets, and when the former one has ended.
    const later = callsOf(store, { current: key(8), old: [key(7)] }, inHours(30));
    const again = await replace('live', stripe('sk_live_r1'), store, {}, later);
    expect(again).toMatchObject({ ok: true, value: { previousUntil, replayed: true } });
    const shown = { number: 1, name: 'Cards', provider: 'stripe', previousSecretUntil: null };
    expect(again).toMatchObject({ value: { gateway: shown } });
    expect(await store.readStream(`gateways-${tenantId}-live`)).toHaveLength(3);
  });

  test('are shown with the end of the last earlier webhook secret, and without any when the former one has leaked', async () => {
    const store = memoryEventStore();
    await add('live', stripe('sk_live_1'), store);
    await replace('live', stripe('sk_live_2'), store);
    const listed = async (hours: number) => {
      const outcome = await callsOf(store, keys, inHours(hours)).listGateways({ tenantId, mode: 'live' });
      return outcome.ok && outcome.value.gateways.map(({ previousSecretUntil }) => previousSecretUntil);
    };
    expect([await listed(23), await listed(24)]).toEqual([[inHours(24).toISOString()], [null]]);
    const leaked = await replace('live', stripe('sk_live_2'), store, { replacementId: 'leaked', overlapHours: 0 });
    expect(leaked).toMatchObject({ value: { previousUntil: null, replayed: false } });
    expect(await listed(0)).toEqual([null]);
  });

  test('of another provider are refused, those of a gateway that is not there, and others under the same id', async () => {
    const store = memoryEventStore();
    await add('live', stripe('sk_live_1'), store);
    const refused = (rejection: string) => ({ ok: false, rejection });
    expect(await replace('live', paypal('live'), store)).toEqual(refused('provider_differs'));
    expect(await replace('live', stripe('sk_live_2'), store, { number: 2 })).toEqual(refused('gateway_not_found'));
    expect(await replace('sandbox', stripe('sk_test_2'), store)).toEqual(refused('gateway_not_found'));
    expect(await replace('live', stripe('sk_live_2'), store)).toMatchObject({ ok: true });
    const reused = refused('replacement_exists_with_different_fields');
    expect(await replace('live', stripe('sk_live_3'), store)).toEqual(reused);
    expect(await replace('live', stripe('sk_live_2'), store, { overlapHours: 0 })).toEqual(reused);
    for (const replacementId of ['r2', 'r3'])
      expect(await replace('live', stripe('sk_live_2'), store, { replacementId })).toMatchObject({ ok: true });
    const one = { replacementId: 'r4' };
    expect(await replace('live', stripe('sk_live_2'), store, one)).toEqual(refused('earlier_secrets_exhausted'));
  });
});
