import { newWebhookSecret, signatureHeaders } from './standard-webhooks';

describe('standard webhooks', () => {
  test('signs the example that the Standard Webhooks libraries are tested with', () => {
    const headers = signatureHeaders({
      secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
      webhookId: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      at: new Date(1_614_265_330_999),
      body: '{"test": 2432232314}',
    });
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  test('signs by each secret, in their order', () => {
    const secrets = [newWebhookSecret(), newWebhookSecret()];
    const by = (...given: string[]) =>
      signatureHeaders({ secrets: given, webhookId: 'id', at: new Date(0), body: '{}' })['webhook-signature'];
    expect(by(...secrets)).toBe(secrets.map((secret) => by(secret)).join(' '));
    expect(by(...secrets)).toMatch(/^v1,\S+ v1,\S+$/);
  });

  test('makes secrets of 32 random bytes', () => {
    const secrets = [newWebhookSecret(), newWebhookSecret()];
    expect(secrets[0]).not.toBe(secrets[1]);
    for (const secret of secrets) {
      expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]+=*$/);
      expect(Buffer.from(secret.slice(6), 'base64')).toHaveLength(32);
    }
  });
});
