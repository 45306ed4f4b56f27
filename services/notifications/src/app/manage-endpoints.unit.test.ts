import { randomBytes } from 'node:crypto';
import { memoryEventStore } from '@daybook/event-store';
import { createSealer, Secret, uuidFrom } from '@daybook/runtime';
import { fakeClock } from '@daybook/testing';
import { register, type EndpointDeps } from './manage-endpoints';
import { openWebhooks } from './webhooks';

const tenantId = '11111111-1111-4111-8111-111111111111';
const request = (url: string): Parameters<typeof register>[1] => ({
  tenantId,
  mode: 'sandbox',
  dialect: 'pay',
  accountId: null,
  url,
  events: ['transfer.confirmed'],
});

test('an endpoint of an earlier build, known by its url as it was written, is found again and keeps its secret', async () => {
  const now = fakeClock('2026-03-01T12:00:00.000Z');
  const webhooks = openWebhooks(memoryEventStore(), now);
  const sealer = createSealer(new Secret(randomBytes(32).toString('base64')));
  const client = { check: async () => undefined } as unknown as EndpointDeps['client'];
  const url = 'https://shop.example';
  const endpointId = uuidFrom(['endpoint', tenantId, 'sandbox', 'pay', url, 'tenant']);
  const sealedSecret = sealer.seal('whsec_earlier', endpointId);
  const fields = {
    endpointId,
    dialect: 'pay',
    accountId: null,
    url,
    events: ['transfer.failed'],
    sealedSecret,
  } as const;
  await webhooks.changeEndpoints(request(url), { type: 'RegisterEndpoint', ...fields, at: now().toISOString() });
  const deps = { webhooks, client, sealer, now };
  expect(await register(deps, request(url))).toMatchObject({
    value: { secret: 'whsec_earlier', endpoint: { endpointId, events: ['transfer.confirmed', 'transfer.failed'] } },
  });
  expect(await register(deps, request('HTTPS://Shop.example/'))).toMatchObject({ value: { secret: 'whsec_earlier' } });
  const elsewhere = await register(deps, request('https://shop.example/hook'));
  expect(elsewhere).toMatchObject({ ok: true });
  expect(elsewhere).not.toMatchObject({ value: { secret: 'whsec_earlier' } });
});
