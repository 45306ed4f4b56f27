import type { Mode, ProviderSettings } from '@daybook/contracts';
import { commandHandler, memoryEventStore } from '@daybook/event-store';
import { createSealer, Secret } from '@daybook/runtime';
import { gatewayEvents } from '../adapters/stored-events';
import { gatewayRegistry } from '../domain/payment-gateways';
import { gatewayCalls } from './gateways';

const key = new Secret(Buffer.alloc(32, 7).toString('base64'));
const tenantId = '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11';

function add(mode: Mode, settings: ProviderSettings) {
  const { addGateway } = gatewayCalls({
    gateways: commandHandler(gatewayRegistry, gatewayEvents, memoryEventStore()),
    sealer: createSealer(key),
    secretsKey: key,
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
