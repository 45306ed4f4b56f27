/**
 * deliveries_v1: where each delivery stands. Source: this service's store, in its order. Handlers set columns from the
 * event alone, except the count of attempts, which the event names. Read by the delivery worker (what is due) and by
 * list-deliveries.
 */
import type { CallOutcome, deliveryStatuses, listDeliveries, Mode } from '@daybook/contracts';
import type { Projection, Sql } from '@daybook/event-store';
import type { Pool } from 'pg';
import { z } from 'zod';
import type { NotificationEvent } from '../adapters/stored-events';

export const deliveries: Projection<NotificationEvent> = {
  name: 'deliveries',
  version: 1,
  handlers: {
    DeliveryScheduled: (event) => [
      {
        text: `insert into deliveries_v1
                 (delivery_id, endpoint_id, tenant_id, mode, event, subject, status, attempts, next_attempt_at, created_at)
               values ($1, $2, $3, $4, $5, $6, 'pending', 0, $7, $7)`,
        values: [event.deliveryId, event.endpointId, event.tenantId, event.mode, event.event, event.subject, event.at],
      },
    ],
    DeliveryAttemptFailed: (event) => [
      {
        text: `update deliveries_v1 set attempts = $2, last_error = $3, next_attempt_at = $4 where delivery_id = $1`,
        values: [event.deliveryId, event.attempt, event.error, event.nextAttemptAt],
      },
    ],
    DeliverySucceeded: (event) => [
      {
        text: `update deliveries_v1 set status = 'delivered', attempts = $2, last_error = null, next_attempt_at = null
               where delivery_id = $1`,
        values: [event.deliveryId, event.attempt],
      },
    ],
    DeliveryExhausted: (event) => [end(event.deliveryId)],
    DeliveryRequeued: (event) => [
      {
        text: `update deliveries_v1 set status = 'pending', next_attempt_at = $2 where delivery_id = $1`,
        values: [event.deliveryId, event.at],
      },
    ],
  },
};

function end(deliveryId: string): Sql {
  return {
    text: `update deliveries_v1 set status = 'exhausted', next_attempt_at = null where delivery_id = $1`,
    values: [deliveryId],
  };
}

export type DueDelivery = { readonly deliveryId: string; readonly endpointId: string };

/** Of one endpoint, in one answer of `dueDeliveries`. */
const duePerEndpoint = 2;

/** Due now and not leased, longest due first, a few of each endpoint. */
export async function dueDeliveries(
  pool: Pool,
  options: {
    readonly now: Date;
    readonly limit: number;
    readonly exceptEndpoints: readonly string[];
    readonly exceptDeliveries: readonly string[];
  },
): Promise<readonly DueDelivery[]> {
  const { now, limit, exceptEndpoints, exceptDeliveries } = options;
  const { rows } = await pool.query<{ delivery_id: string; endpoint_id: string }>(
    `select delivery_id, endpoint_id from (
       select d.delivery_id, d.endpoint_id, d.next_attempt_at,
              row_number() over (partition by d.endpoint_id order by d.next_attempt_at, d.delivery_id) as place
       from deliveries_v1 d left join delivery_leases l using (delivery_id)
       where d.status = 'pending' and d.next_attempt_at <= $1 and coalesce(l.leased_until <= $1, true)
         and d.endpoint_id <> all ($2::uuid[]) and d.delivery_id <> all ($3::uuid[])
     ) due
     where place <= $4 order by next_attempt_at, delivery_id limit $5`,
    [now.toISOString(), exceptEndpoints, exceptDeliveries, duePerEndpoint, limit],
  );
  return rows.map((row) => ({ deliveryId: row.delivery_id, endpointId: row.endpoint_id }));
}

type DeliveryPage = Extract<CallOutcome<typeof listDeliveries>, { ok: true }>['value'];

const cursorFields = z.tuple([z.iso.datetime(), z.uuid()]);
export type DeliveryCursor = z.infer<typeof cursorFields>;

/** The place after which a page starts; undefined for a text that no page has given. */
export function readCursor(text: string): DeliveryCursor | undefined {
  const parts = Buffer.from(text, 'base64url').toString('utf8').split(' ');
  return cursorFields.safeParse(parts).data;
}

/** Newest first. The key is (created at, id), so a page stays right while deliveries are added. */
export async function deliveryPage(
  pool: Pool,
  options: {
    readonly endpointId: string;
    readonly tenantId: string;
    readonly mode: Mode;
    readonly limit: number;
    readonly after: DeliveryCursor | undefined;
  },
): Promise<DeliveryPage> {
  const { endpointId, tenantId, mode, limit, after } = options;
  const { rows } = await pool.query<DeliveryRow>(
    `select delivery_id, event, subject, status, attempts, last_error, next_attempt_at, created_at
     from deliveries_v1
     where endpoint_id = $1 and tenant_id = $2 and mode = $3
       and ($4::timestamptz is null or (created_at, delivery_id) < ($4, $5::uuid))
     order by created_at desc, delivery_id desc limit $6`,
    [endpointId, tenantId, mode, after?.[0] ?? null, after?.[1] ?? null, limit + 1],
  );
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return {
    deliveries: shown.map((row) => ({
      deliveryId: row.delivery_id,
      event: row.event,
      subject: row.subject,
      status: row.status,
      attempts: row.attempts,
      lastError: row.last_error,
      nextAttemptAt: row.next_attempt_at?.toISOString() ?? null,
      createdAt: row.created_at.toISOString(),
    })),
    nextCursor:
      last === undefined
        ? null
        : Buffer.from(`${last.created_at.toISOString()} ${last.delivery_id}`).toString('base64url'),
  };
}

type DeliveryRow = {
  delivery_id: string;
  event: DeliveryPage['deliveries'][number]['event'];
  subject: string;
  status: (typeof deliveryStatuses)[number];
  attempts: number;
  last_error: string | null;
  next_attempt_at: Date | null;
  created_at: Date;
};
