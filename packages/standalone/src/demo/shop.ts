/** What a shop does with the `intents` API: it makes an intent, looks at it, and is told when it is settled. */
import { randomUUID } from 'node:crypto';
import { jsonNumber } from '@daybook/http';
import { request, type Caller } from './client';
import type { Progress } from './progress';
import { openReceiver, type ReceivedWebhook } from './webhook-receiver';

const webhookWithinMs = 20_000;

export type Intent = {
  readonly intent_id: string;
  readonly payment_address: string;
  readonly status: string;
  readonly amount_received: number;
};
export type Shop = Awaited<ReturnType<typeof openShop>>;

/** Registers for webhooks; `close` takes the registration back. */
export async function openShop(caller: Caller, progress: Progress) {
  const receiver = await openReceiver();
  const endpoint = (await request(caller, 'POST', '/v1/webhook-endpoints', {
    url: receiver.url,
    events: ['intent.confirming', 'intent.paid', 'intent.settled'],
  })) as { id: string; secret: string };
  receiver.setSecret(endpoint.secret);
  const isSettled = (intentId: string, { body }: ReceivedWebhook) =>
    body.event === 'intent.settled' && body.intent_id === intentId;

  return {
    async createIntent(amount: string, currency: 'ETH' | 'USDT_ERC20'): Promise<Intent> {
      const body = { amount: jsonNumber(amount), currency, order_id: `DEMO-${randomUUID().slice(0, 8)}` };
      const intent = (await request(caller, 'POST', '/api/v1/intents/create-payment', body)) as Intent;
      progress.step(`intent ${intent.intent_id} created: ${amount} ${currency} to ${intent.payment_address}`);
      return intent;
    },
    /** Shows the intent's status and what it has received until the status is one of these. */
    async follow(intentId: string, statuses: readonly string[], timeoutMs: number): Promise<Intent> {
      const look = async () => {
        const intent = (await request(caller, 'GET', `/api/v1/intents/${intentId}`)) as Intent;
        return { intent, state: `intent is ${intent.status}, ${intent.amount_received} received` };
      };
      return (await progress.until(look, ({ intent }) => statuses.includes(intent.status), timeoutMs)).intent;
    },
    /** The webhook that says so. Throws if its signature does not verify, or if there is a second one. */
    async hearSettled(intentId: string): Promise<ReceivedWebhook> {
      const webhook = await receiver.first((each) => isSettled(intentId, each), webhookWithinMs);
      if (!webhook.verified) throw new Error('the webhook arrived, but its signature does not verify');
      const ids = new Set(receiver.all().flatMap((each) => (isSettled(intentId, each) ? [each.id] : [])));
      if (ids.size > 1) throw new Error(`${ids.size} webhooks say that the intent is settled`);
      progress.step(`webhook ${webhook.id} received: intent.settled, signature verified`);
      return webhook;
    },
    async close(): Promise<void> {
      await request(caller, 'DELETE', `/v1/webhook-endpoints/${endpoint.id}`);
      await receiver.close();
    },
  };
}
