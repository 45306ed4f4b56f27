import { randomInt } from 'node:crypto';
import { openReceiver } from '@daybook/standalone';
import { eventually } from '@daybook/testing';
import { Instance } from './instance';
import { expectBooksBalance } from './stories';

const points = 20;
/** A demo payment takes a few seconds from the intent to the webhook; the kill falls anywhere in it. */
const paymentMs = 5_000;

/**
 * kill -9 of the whole process at random moments of a payment, then a start: the payment completes, once.
 * The database and the chain node are left as a crash leaves them, and are found again.
 */
describe('kill -9 at any moment of a payment', () => {
  const daybook = new Instance({ LOG_LEVEL: 'warn' });
  afterAll(() => daybook.dispose());

  test(`the payment completes, once, at ${points} random points`, async () => {
    await daybook.start();
    const receiver = await openReceiver();
    const registered = await daybook.intents('POST', '/v1/webhook-endpoints', {
      body: { url: receiver.url, events: ['intent.settled'] },
    });
    receiver.setSecret(String(registered.body.secret));
    for (let point = 0; point < points; point++) {
      // One kill in each twentieth of the payment, at a random place inside it.
      const killAfterMs = Math.round(((point + Math.random()) / points) * paymentMs);
      const orderId = `KILL-${point}-${randomInt(1e9)}`;
      const crash = after(killAfterMs, async () => {
        await daybook.kill();
        await daybook.start();
      });
      // A client that gets no answer asks again with the same order.
      const intent = await eventually(() => daybook.createIntent('USDT_ERC20', '99.50', orderId), {
        timeoutMs: 60_000,
      });
      await daybook.payOnEvm(intent.address, 'USDT_ERC20', 99_500_000n);
      await crash;

      const settled = await receiver.first(
        ({ body }) => body.intent_id === intent.id && body.event === 'intent.settled',
        40_000,
      );
      expect({ killAfterMs, verified: settled.verified }).toEqual({ killAfterMs, verified: true });
      expect(await daybook.intent(intent.id)).toMatchObject({ status: 'settled', amount_refundable: 0 });
    }
    await receiver.close();
    await expectBooksBalance(daybook);
    const accounts = await daybook.intents('GET', '/v1/ledger/accounts');
    const merchant = (accounts.body.accounts as { account_id: string; asset: string; available: string }[]).find(
      ({ account_id: id }) => id.startsWith('merchant:'),
    );
    expect(merchant).toMatchObject({ asset: 'USDT_ERC20', available: '1990.00' });
  }, 600_000);
});

function after(ms: number, work: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => setTimeout(() => void work().then(resolve, reject), ms));
}
