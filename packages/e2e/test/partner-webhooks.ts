import { openReceiver } from '@daybook/standalone';
import type { Answer, Instance } from './instance';

const toldWithinMs = 30_000;

export type PartnerWebhooks = Awaited<ReturnType<typeof openPartnerWebhooks>>;

/** An endpoint of the demo partner that is told of everything about its transactions. */
export async function openPartnerWebhooks(daybook: Instance) {
  const receiver = await openReceiver();
  const registered = await daybook.request('POST', '/v1/webhook-endpoints', {
    headers: { 'X-API-Key': daybook.credentials.partner.apiKey },
    body: {
      url: receiver.url,
      events: ['pending', 'processing', 'completed', 'failed', 'refunded'].map((status) => `transaction.${status}`),
    },
  });
  expect([registered.status, registered.text]).toEqual([201, registered.text]);
  receiver.setSecret(String(registered.body.secret));
  return {
    /** Signed, and what the details of the transaction show as well is the same in both. */
    async expectTold(details: Answer): Promise<void> {
      const { transaction_id: id, status } = details.body;
      const webhook = await receiver.first(
        ({ body }) => body.transaction_id === id && body.event === `transaction.${String(status)}`,
        toldWithinMs,
      );
      expect(webhook.verified).toBe(true);
      // A transaction also changes in ways that are not told, and then its time does.
      const shared = Object.entries(webhook.body).filter(([field]) => field in details.body && field !== 'updated_at');
      expect(details.body).toMatchObject(Object.fromEntries(shared));
      const always = ['id', 'transaction_id', 'amount', 'currency', 'type', 'status', 'created_at'];
      expect(shared.map(([field]) => field)).toEqual(expect.arrayContaining([...always, 'eth_transaction_hash']));
      const amount = /"amount":[\d.]+/.exec(details.text)?.[0];
      expect(webhook.text).toContain(`${amount},`);
    },
    close: () => receiver.close(),
  };
}
