import { randomUUID } from 'node:crypto';
import { exchangeLogin, receiveProviderWebhook } from '@daybook/contracts';
import { GatewayHarness } from './harness';

const gateway = new GatewayHarness({ PUBLIC_RATE_LIMIT_PER_MINUTE: '3', AUTH_FAILURES_PER_MINUTE: '3' });

beforeAll(() => gateway.start());
afterAll(() => gateway.stop());
beforeEach(() => gateway.services.reset());

const tell = (gatewayId: string, raw = '{"id":"evt_1"}') =>
  gateway.request('POST', `/v1/providers/${gatewayId}/webhooks`, { raw });
const signIn = () => gateway.request('POST', '/v1/tokens', { body: { login: 'ann@example.org', password: 'wrong' } });

test('notices that are wrongly signed hold back neither other notices nor sign-in from their address', async () => {
  const [wrong, right] = [randomUUID(), randomUUID()];
  gateway.services.respond(receiveProviderWebhook)(({ gatewayId }) =>
    gatewayId === right ? { ok: true, value: {} } : { ok: false, rejection: 'signature_invalid' },
  );
  gateway.services.respond(exchangeLogin)(() => ({ ok: false, rejection: 'login_invalid' }));
  for (let told = 0; told < 6; told++) expect((await tell(wrong)).status).toBe(401);
  expect((await tell(right)).status).toBe(204);
  expect((await signIn()).status).toBe(401);
});

test('notices are taken from an address that has failed to sign in too often', async () => {
  gateway.services.respond(receiveProviderWebhook)(() => ({ ok: true, value: {} }));
  gateway.services.respond(exchangeLogin)(() => ({ ok: false, rejection: 'login_invalid' }));
  let refused = await signIn();
  for (let tried = 0; tried < 6 && refused.status !== 429; tried++) refused = await signIn();
  expect(refused.status).toBe(429);
  expect((await tell(randomUUID())).status).toBe(204);
});

test('the largest notice is passed on, whatever it is made of; a larger one is 413', async () => {
  gateway.services.respond(receiveProviderWebhook)(() => ({ ok: true, value: {} }));
  // Every character but the frame takes two bytes within the call.
  const ofSize = (bytes: number) => `{"a":"${'\\"'.repeat((bytes - 8) / 2)}"}`;
  const largest = ofSize(262_144);
  expect(Buffer.byteLength(largest)).toBe(262_144);
  expect((await tell(randomUUID(), largest)).status).toBe(204);
  expect(gateway.services.received(receiveProviderWebhook).map(({ body }) => body)).toEqual([largest]);
  for (const bytes of [262_146, 1_000_000]) expect((await tell(randomUUID(), ofSize(bytes))).status).toBe(413);
  expect(gateway.services.received(receiveProviderWebhook)).toHaveLength(1);
});
