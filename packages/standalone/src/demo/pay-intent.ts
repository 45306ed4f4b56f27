import { randomUUID } from 'node:crypto';
import { payFromFaucet } from '@daybook/embedded';
import { readEndpoints } from '../endpoints';
import type { Credentials } from '../seed';
import { request } from './client';
import { openProgress } from './progress';
import { openReceiver, type ReceivedWebhook } from './webhook-receiver';

/** 99.50 USDT in minor units, scale 6. */
const amountUnits = 99_500_000n;
const timeoutMs = 50_000;

export type PaidIntent = {
  readonly intentId: string;
  readonly transactionHash: string;
  readonly webhook: ReceivedWebhook;
};
type Intent = { intent_id: string; payment_address: string; status: string; amount_received: number };

/** Creates an intent, pays it on the development chain, and follows it until its webhook has arrived and verified. */
export async function payIntent(home: string, credentials: Credentials): Promise<PaidIntent> {
  const { evm } = readEndpoints(home);
  const receiver = await openReceiver();
  const progress = openProgress(process.stdout);
  const endpoint = (await request(credentials, 'POST', '/v1/webhook-endpoints', {
    url: receiver.url,
    events: ['intent.confirming', 'intent.paid', 'intent.settled'],
  })) as { id: string; secret: string };
  try {
    receiver.setSecret(endpoint.secret);
    const created = (await request(credentials, 'POST', '/api/v1/intents/create-payment', {
      amount: 99.5,
      currency: 'USDT_ERC20',
      order_id: `DEMO-${randomUUID().slice(0, 8)}`,
    })) as Intent;
    progress.step(`intent ${created.intent_id} created: 99.50 USDT_ERC20 to ${created.payment_address}`);

    const { transactionHash } = await payFromFaucet({
      rpcUrl: evm.rpcUrl,
      to: created.payment_address,
      asset: 'USDT_ERC20',
      amount: amountUnits,
      usdtAddress: evm.usdtContract,
    });
    progress.step(`paid on the EVM chain in transaction ${transactionHash}`);

    const settled = receiver.first(
      ({ body }) => body.event === 'intent.settled' && body.intent_id === created.intent_id,
      timeoutMs,
    );
    const webhook = await progress.until(settled, async () => {
      const { status } = (await request(credentials, 'GET', `/api/v1/intents/${created.intent_id}`)) as Intent;
      return `intent is ${status}`;
    });
    if (!webhook.verified) throw new Error('the webhook arrived, but its signature does not verify');
    progress.step(`webhook ${webhook.id} received: ${String(webhook.body.event)}, signature verified`);
    return { intentId: created.intent_id, transactionHash, webhook };
  } finally {
    progress.close();
    await request(credentials, 'DELETE', `/v1/webhook-endpoints/${endpoint.id}`);
    await receiver.close();
  }
}
