/**
 * intents_v1: the current state of every intent, one row each.
 * Source: this service's event store. Each event that changes an intent carries its full state, so a handler replaces
 * the row; an older revision never replaces a newer one.
 * Serves: list-intents, and the deadlines of the expiry worker.
 */
import type { Mode } from '@daybook/contracts';
import type { EventPlace, Projection, Sql } from '@daybook/event-store';
import type { Pool } from 'pg';
import type { IntentView } from '../app/intent-view';
import type { IntentEvent } from '../domain/payment-intent';
import type { Deadlines, IntentQuery } from '../ports';

export const intentsProjection: Projection<IntentEvent> = {
  name: 'intents',
  version: 1,
  handlers: {
    IntentCreated: replace,
    DepositSeen: replace,
    DepositReverted: replace,
    DepositConfirmed: replace,
    DepositBooked: replace,
    IntentPaid: replace,
    IntentExpired: replace,
    IntentUnderpaid: replace,
    IntentSettled: replace,
    ReceiptMoved: replace,
  },
};

function replace({ change }: IntentEvent, at: EventPlace): readonly Sql[] {
  if (change === null) return [];
  const columns = {
    intent_id: change.intentId,
    tenant_id: change.tenantId,
    mode: change.mode,
    order_id: change.orderId,
    currency: change.currency,
    asset: change.asset,
    amount: change.amount,
    amount_received: change.amountReceived,
    amount_applied: change.amountApplied,
    amount_refundable: change.amountRefundable,
    status: change.status,
    exceptions: change.exceptions,
    payment_address: change.paymentAddress,
    transaction_hash: change.transactionHash,
    created_at: change.createdAt,
    expires_at: change.expiresAt,
    verified_at: change.verifiedAt,
    revision: at.revision,
  };
  const names = Object.keys(columns);
  return [
    {
      text: `insert into intents_v1 (${names.join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')})
             on conflict (intent_id) do update set ${names.map((name) => `${name} = excluded.${name}`).join(', ')}
             where intents_v1.revision < excluded.revision`,
      values: Object.values(columns),
    },
  ];
}

/** Newest first. Creation time and id never change, so pages neither repeat nor skip while intents are created. */
export async function findIntents(pool: Pool, query: IntentQuery): Promise<readonly IntentView[]> {
  const { rows } = await pool.query<Row>(
    `select * from intents_v1
     where tenant_id = $1 and mode = $2
       and ($3::text is null or status = $3) and ($4::text is null or order_id = $4)
       and ($5::timestamptz is null or (created_at, intent_id) < ($5::timestamptz, $6::uuid))
     order by created_at desc, intent_id desc limit $7`,
    [
      query.tenantId,
      query.mode,
      query.status,
      query.orderId,
      query.after?.createdAt ?? null,
      query.after?.intentId ?? null,
      query.limit,
    ],
  );
  return rows.map(viewOfRow);
}

export function deadlines(pool: Pool): Deadlines {
  const open = `status in ('pending', 'partially_paid')`;
  return {
    async due(now, from, limit) {
      const { rows } = await pool.query<{ intent_id: string; tenant_id: string; mode: Mode; expires_at: Date }>(
        `select intent_id, tenant_id, mode, expires_at from intents_v1
         where ${open} and expires_at <= $1
           and ($2::timestamptz is null or (expires_at, intent_id) > ($2::timestamptz, $3::uuid))
         order by expires_at, intent_id limit $4`,
        [now, from?.expiresAt ?? null, from?.intentId ?? null, limit],
      );
      return rows.map((row) => ({
        intentId: row.intent_id,
        tenantId: row.tenant_id,
        mode: row.mode,
        expiresAt: row.expires_at,
      }));
    },
    async next(now) {
      const { rows } = await pool.query<{ expires_at: Date | null }>(
        `select min(expires_at) as expires_at from intents_v1 where ${open} and expires_at > $1`,
        [now],
      );
      return rows[0]?.expires_at ?? null;
    },
  };
}

type Row = {
  intent_id: string;
  order_id: string;
  currency: IntentView['currency'];
  asset: IntentView['asset'];
  amount: string;
  amount_received: string;
  amount_applied: string;
  amount_refundable: string;
  status: IntentView['status'];
  exceptions: IntentView['exceptions'];
  payment_address: string;
  transaction_hash: string | null;
  created_at: Date;
  expires_at: Date;
  verified_at: Date | null;
};

function viewOfRow(row: Row): IntentView {
  return {
    intentId: row.intent_id,
    asset: row.asset,
    orderId: row.order_id,
    currency: row.currency,
    amount: BigInt(row.amount),
    amountReceived: BigInt(row.amount_received),
    amountApplied: BigInt(row.amount_applied),
    amountRefundable: BigInt(row.amount_refundable),
    status: row.status,
    exceptions: row.exceptions,
    paymentAddress: row.payment_address,
    transactionHash: row.transaction_hash,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    verifiedAt: row.verified_at?.toISOString() ?? null,
  };
}
