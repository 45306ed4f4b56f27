import type { Mode, ProviderSettings } from '@daybook/contracts';
import { commandHandler, memoryEventStore } from '@daybook/event-store';
import { createSealer, Secret, type Keyring } from '@daybook/runtime';
import { gatewayEvents } from '../adapters/stored-events';
import { gatewayRegistry } from '../domain/payment-gateways';
import { gatewayCalls } from './gateways';

const key = (byte: number) => new Secret(Buffer.alloc(32, byte).toString('base64'));
const keys: Keyring = { current: key(7), old: [] };
const tenantId = '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11';

function add(mode: Mode, settings: ProviderSettings, store = memoryEventStore(), secretsKeys: Keyring = keys) {
  const { addGateway } = gatewayCalls({
    gateways: commandHandler(gatewayRegistry, gatewayEvents, store),
    sealer: createSealer(secretsKeys),
    secretsKeys,
    now: () => new Date('2026-03-01T10:00:00.000Z'),
  });
  return addGateway({ tenantId, mode, name: 'Cards', currencies: ['USD'], settings });
}

const stripe = (secretKey: string) => ({ provider: 'stripe', secretKey, webhookSecret: 'whsec' }) as const;
const paypal = (environment: 'sandbox' | 'live') =>
  ({ provider: 'paypal', clientId: 'id', clientSecret: 'secret', webhookId: 'WH-1', environment }) as const;

describe('the account of a gateway', () => {
  test.each<ProviderSettings>([
    stripe('sk_test_1'),
    stripe('rk_test_1'),
    paypal('sandbox'),
    { provider: 'sandbox', plays: 'stripe' },
  ])('%j takes no payments of the live book', async (settings) => {
    expect(await add('live', settings)).toEqual({ ok: false, rejection: 'provider_not_in_mode' });
    expect(await add('sandbox', settings)).toMatchObject({ ok: true });
  });

  test.each<ProviderSettings>([
    stripe('sk_live_1'),
    paypal('live'),
    { provider: 'coinbase', apiKey: 'key', webhookSecret: 'secret' },
  ])('%j takes them', async (settings) => {
    expect(await add('live', settings)).toMatchObject({ ok: true });
  });
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
