import { openReceiver } from '@daybook/standalone';
import { eventually } from '@daybook/testing';
import { Instance } from './instance';
import { expectBooksBalance } from './stories';

describe('intents that live for three seconds', () => {
  const daybook = new Instance({ LOG_LEVEL: 'warn', INTENT_TTL_MS: '3000' });
  let receiver: Awaited<ReturnType<typeof openReceiver>>;

  beforeAll(async () => {
    await daybook.start();
    receiver = await openReceiver();
    const registered = await daybook.intents('POST', '/v1/webhook-endpoints', {
      body: { url: receiver.url, events: ['intent.expired', 'intent.underpaid', 'intent.exception'] },
    });
    receiver.setSecret(String(registered.body.secret));
  }, 120_000);
  afterAll(async () => {
    await receiver?.close();
    await daybook.dispose();
  });
  afterEach(() => expectBooksBalance(daybook));

  const reaches = (intentId: string, expected: Record<string, unknown>) =>
    eventually(async () => expect(await daybook.intent(intentId)).toMatchObject(expected), { timeoutMs: 20_000 });

  test('unpaid: expired; a payment after that is late, and all of it is refundable', async () => {
    const { id, address } = await daybook.createIntent('USDT_TRC20', '10.00');
    await reaches(id, { status: 'expired', amount_received: 0 });
    await receiver.first(({ body }) => body.intent_id === id && body.event === 'intent.expired', 10_000);
    await daybook.deposit(address, 'USDT_TRC20', '10.00');
    await reaches(id, { status: 'expired', amount_refundable: 10, exceptions: ['paid_late'] });
    await receiver.first(({ body }) => body.intent_id === id && body.event === 'intent.exception', 10_000);
  });

  test('one unit short: underpaid, and what came is refundable', async () => {
    const { id, address } = await daybook.createIntent('USDT_SOL', '10.00');
    await daybook.deposit(address, 'USDT_SOL', '9.999999');
    await reaches(id, { status: 'underpaid', amount_refundable: 9.999999 });
    await receiver.first(({ body }) => body.intent_id === id && body.event === 'intent.underpaid', 10_000);
  });

  test('the same order asks again after expiry and gets a fresh intent; before that, the same one', async () => {
    const first = await daybook.createIntent('SOL', '1.00', 'AGAIN');
    expect(await daybook.createIntent('SOL', '1.00', 'AGAIN')).toEqual(first);
    await reaches(first.id, { status: 'expired' });
    expect((await daybook.createIntent('SOL', '1.00', 'AGAIN')).id).not.toBe(first.id);
  });
});
