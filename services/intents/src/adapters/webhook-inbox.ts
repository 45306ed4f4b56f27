/** What providers told, by gateway and by the provider's own event id, so that a repeat is known. */
import type { Clock } from '@daybook/runtime';
import type { Pool } from 'pg';
import type { WebhookInbox } from '../app/provider-webhooks';

type Outcome = Awaited<ReturnType<WebhookInbox['receive']>>;

export function webhookInbox(pool: Pool, now: Clock): WebhookInbox {
  async function query(text: string, values: unknown[]): Promise<{ outcome: Outcome }[]> {
    const { rows } = await pool.query<{ outcome: Outcome }>(text, values);
    return rows;
  }
  return {
    async receive(gatewayId, { eventId, reference }) {
      const [row] = await query(
        `insert into provider_webhooks (gateway_id, event_id, reference, outcome, received_at)
         values ($1, $2, $3, 'received', $4)
         on conflict (gateway_id, event_id) do update set reference = provider_webhooks.reference
         returning outcome`,
        [gatewayId, eventId, reference, now()],
      );
      return row?.outcome ?? 'received';
    },
    async close(gatewayId, eventId, outcome) {
      await query('update provider_webhooks set outcome = $3 where gateway_id = $1 and event_id = $2', [
        gatewayId,
        eventId,
        outcome,
      ]);
    },
  };
}
