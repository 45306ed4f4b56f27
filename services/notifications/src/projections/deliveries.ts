/**
 * deliveries_v1: where each delivery stands. Source: this service's store, in its order. Handlers set columns from the
 * event alone, except the count of attempts, which the event names. Read by the delivery worker (what is due) and by
 * list-deliveries.
 */
import { instant, type CallOutcome, type deliveryStatuses, type listDeliveries, type Mode } from '@daybook/contracts';
import { defineTable, type RowOf, type Rows, type TableProjection } from '@daybook/event-store';
import type { Pool } from 'pg';
import { z } from 'zod';
import type { NotificationEvent } from '../adapters/stored-events';
import type { ExhaustedReason } from '../domain/delivery';

const deliveriesTable = defineTable({
  name: 'deliveries_v1',
  kind: 'kept',
  columns: {
    delivery_id: { type: 'uuid' },
    endpoint_id: { type: 'uuid', fixed: true },
    tenant_id: { type: 'uuid', fixed: true },
    mode: { type: 'text', fixed: true },
    event: { type: 'text', fixed: true },
    subject: { type: 'text', fixed: true },
    status: { type: 'text' },
    attempts: { type: 'integer' },
    last_error: { type: 'text', nullable: true },
    next_attempt_at: { type: 'timestamptz', nullable: true },
    created_at: { type: 'timestamptz', fixed: true },
  },
  key: ['delivery_id'],
});

type DeliveryFields = RowOf<typeof deliveriesTable>;

/** Of a round that no failed attempt has ended, whose own error stays. */
const whyNotSent: Partial<Record<ExhaustedReason, string>> = {
  endpoint_disabled: 'the endpoint is disabled',
  endpoint_removed: 'the endpoint was removed',
};

export const deliveries: TableProjection<NotificationEvent> = {
  name: 'deliveries',
  version: 1,
  tables: [deliveriesTable],
  keys(event, _place, wanted) {
    if (!('deliveryId' in event)) return;
    if (event.type === 'DeliveryScheduled') wanted.newRow(deliveriesTable, event.deliveryId);
    else wanted.row(deliveriesTable, event.deliveryId);
  },
  handlers: {
    DeliveryScheduled(event, _place, rows) {
      rows.insert(deliveriesTable, {
        delivery_id: event.deliveryId,
        endpoint_id: event.endpointId,
        tenant_id: event.tenantId,
        mode: event.mode,
        event: event.event,
        subject: event.subject,
        status: 'pending',
        attempts: 0,
        last_error: null,
        next_attempt_at: event.at,
        created_at: event.at,
      });
    },
    DeliveryAttemptFailed({ deliveryId, attempt, error, nextAttemptAt }, _place, rows) {
      change(rows, deliveryId, { attempts: attempt, last_error: error, next_attempt_at: nextAttemptAt });
    },
    DeliverySucceeded({ deliveryId, attempt }, _place, rows) {
      change(rows, deliveryId, { status: 'delivered', attempts: attempt, last_error: null, next_attempt_at: null });
    },
    DeliveryExhausted({ deliveryId, reason }, _place, rows) {
      const unsent = whyNotSent[reason];
      const error = unsent === undefined ? {} : { last_error: unsent };
      change(rows, deliveryId, { status: 'exhausted', next_attempt_at: null, ...error });
    },
    DeliveryRequeued({ deliveryId, at }, _place, rows) {
      change(rows, deliveryId, { status: 'pending', next_attempt_at: at });
    },
  },
};

function change(rows: Rows, deliveryId: string, fields: Partial<DeliveryFields>): void {
  Object.assign(rows.change(deliveriesTable, deliveryId), fields);
}

export type DueDelivery = { readonly deliveryId: string; readonly endpointId: string };

/** Of one endpoint, in one answer of `dueDeliveries`. */
export const duePerEndpoint = 100;
/** Of all endpoints. */
export const dueMax = 1_000;

/**
 * Due now and not leased, longest due first, some of each endpoint. Steps from endpoint to endpoint in an index, so that
 * what one of them has not taken for long does not make the others wait for the look.
 */
export async function dueDeliveries(
  pool: Pool,
  { now, exceptEndpoints }: { readonly now: Date; readonly exceptEndpoints: readonly string[] },
): Promise<readonly DueDelivery[]> {
  const { rows } = await pool.query<{ delivery_id: string; endpoint_id: string }>({
    name: 'due_deliveries',
    text: `with recursive waiting as (
             (select endpoint_id from deliveries_v1 where status = 'pending' order by endpoint_id limit 1)
             union all
             select (select d.endpoint_id from deliveries_v1 d
                      where d.status = 'pending' and d.endpoint_id > w.endpoint_id order by d.endpoint_id limit 1)
               from waiting w where w.endpoint_id is not null
           )
           select due.delivery_id, w.endpoint_id
             from waiting w cross join lateral (
                  select d.delivery_id, d.next_attempt_at from deliveries_v1 d
                   where d.endpoint_id = w.endpoint_id and d.status = 'pending' and d.next_attempt_at <= $1
                     and not exists (select from delivery_leases l
                                      where l.delivery_id = d.delivery_id and l.leased_until > $1)
                   order by d.next_attempt_at, d.delivery_id limit $3
                  ) due
            where w.endpoint_id is not null and w.endpoint_id <> all ($2::uuid[])
            order by due.next_attempt_at, due.delivery_id limit $4`,
    values: [now.toISOString(), exceptEndpoints, duePerEndpoint, dueMax],
  });
  return rows.map((row) => ({ deliveryId: row.delivery_id, endpointId: row.endpoint_id }));
}

type DeliveryPage = Extract<CallOutcome<typeof listDeliveries>, { ok: true }>['value'];

const cursorFields = z.tuple([instant, z.uuid()]);
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
