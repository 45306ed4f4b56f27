import { randomInt, randomUUID } from 'node:crypto';
import { openReceiver } from '@daybook/standalone';
import { eventually } from '@daybook/testing';
import { Instance } from './instance';
import { expectBooksBalance } from './stories';

const hasTime = process.env['CI'] === 'true' || process.env['LONG_TESTS'] === 'true';
const points = hasTime ? 20 : 5;
const terms = hasTime ? 2 : 1;
/** A payment takes two to three seconds from the intent to the webhook; the kill falls anywhere in it. */
const paymentMs = 3_000;

/**
 * kill -9 of the whole process at random moments of a payment, then a start: the payment completes, once.
 * The database and the chain node are left as a crash leaves them, and are found again.
 */
describe('kill -9 at any moment of a payment', () => {
  const daybook = new Instance({ LOG_LEVEL: 'warn', PAY_RATE_LIMIT_PER_MINUTE: '1000000' });
  beforeAll(() => daybook.start(), 120_000);
  afterAll(() => daybook.dispose());

  test(`the payment completes, once, at ${points} random points`, async () => {
    const receiver = await openReceiver();
    const registered = await daybook.intents('POST', '/v1/webhook-endpoints', {
      body: { url: receiver.url, events: ['intent.settled'] },
    });
    receiver.setSecret(String(registered.body.secret));
    for (let point = 0; point < points; point++) {
      // One kill in each part of the payment, at a random place inside it.
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
    expect(merchant).toMatchObject({ asset: 'USDT_ERC20', available: (points * 99.5).toFixed(2) });
  }, 600_000);

  /** One transfer; its id when it was accepted, undefined when that is not known. Any other answer is a failure. */
  async function send({ key, reference }: Sent): Promise<string | undefined> {
    const answer = await daybook.transfer('0.01', { key, reference }).catch(() => undefined);
    if (answer === undefined || answer.status === 503) return undefined;
    if (answer.status >= 300) throw new Error(`the transfer was answered ${answer.status}: ${answer.text}`);
    return String(answer.body.transaction_id);
  }

  /** What was answered is there, what was not answered can be sent again, and both are there once. */
  test(`ended under load ${terms} times: every 2xx is there, and everything once`, async () => {
    const all: Sent[] = [];
    for (let round = 0; round < terms; round++) {
      let stopping = false;
      const client = async () => {
        // Until the first one that finds nobody.
        for (let isAnswered = true; isAnswered || !stopping;) {
          const sent: Sent = { key: randomUUID(), reference: `TERM-${round}-${all.length}`, id: undefined };
          all.push(sent);
          sent.id = await send(sent);
          isAnswered = sent.id !== undefined;
        }
      };
      const before = all.length;
      const clients = Array.from({ length: 8 }, client);
      await eventually(() => expect(all.length).toBeGreaterThan(before + 100), { timeoutMs: 60_000 });
      stopping = true;
      expect(await daybook.stop()).toBe(0);
      await Promise.all(clients);
      await daybook.start();
    }
    expect(all.filter(({ id }) => id === undefined).length).toBeGreaterThan(0);
    // Sent again with their keys: those that are known answer as they did, those that are not are answered now.
    for (const sent of all) {
      const id = await eventually(async () => (await send(sent)) ?? Promise.reject(new Error('not answered')), {
        timeoutMs: 20_000,
      });
      if (sent.id !== undefined) expect(id).toBe(sent.id);
      sent.id = id;
    }
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    const paid = BigInt(all.length);
    await eventually(
      async () => {
        const { text } = await daybook.pay('GET', '/pay/v1/wallet/balance');
        const [, left = ''] = /"available_balance":(\d+\.\d\d),"pending_balance":0\.00/.exec(text) ?? [];
        expect(BigInt(left.replace('.', '') || -1)).toBe(125_075n - paid);
      },
      { timeoutMs: 20_000 },
    );
    await expectBooksBalance(daybook);
  }, 300_000);
});

type Sent = { readonly key: string; readonly reference: string; id: string | undefined };

function after(ms: number, work: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => setTimeout(() => void work().then(resolve, reject), ms));
}
