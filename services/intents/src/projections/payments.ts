/**
 * payments_v1: the current state of every payment through a provider, one row each; payment_checks: those that are not
 * decided, and when their provider is asked next; payment_return_checks: the same for those whose money may still go back.
 * Source: this service's event store. Each event carries the full state, so a handler replaces the row; an older revision
 * never replaces a newer one.
 * Serves: list-payments, the webhooks of providers (by reference), and the workers that ask providers.
 */
import type { CallRequest, getPayments, Mode } from '@daybook/contracts';
import type { EventPlace, Projection, Sql } from '@daybook/event-store';
import type { Pool } from 'pg';
import type { PaymentProviderName } from '../domain/payment-gateways';
import type { PaymentEvent, PaymentSummary } from '../domain/provider-payment';
import type { PaymentChecks, PaymentKey, PaymentQuery, ReturnCheck, ReturnChecks } from '../ports';

export const paymentsProjection: Projection<PaymentEvent> = {
  name: 'payments',
  version: 1,
  handlers: {
    PaymentCreated: (event, at) => [replace(event, at), due(event)],
    PaymentOpened: (event, at) => [replace(event, at), due(event)],
    PaymentProcessing: (event, at) => [replace(event, at)],
    PaymentReopened: (event, at) => [replace(event, at)],
    // A failure that the provider knows of may be followed by money: it is asked on.
    PaymentFailed: (event, at) => [replace(event, at), ...(event.summary.reference === null ? [decided(event)] : [])],
    // What went back of it is asked for from then on: a trigger on the table sees to it.
    PaymentTaken: (event, at) => [replace(event, at), decided(event)],
    PaymentBooked: (event, at) => [replace(event, at)],
    PaymentReturned: (event, at) => [replace(event, at)],
  },
};

function replace({ summary }: PaymentEvent, at: EventPlace): Sql {
  const columns = {
    transaction_id: summary.transactionId,
    number: summary.number,
    tenant_id: summary.tenantId,
    mode: summary.mode,
    gateway_id: summary.gatewayId,
    gateway_number: summary.gatewayNumber,
    provider: summary.provider,
    user_number: summary.userNumber,
    asset: summary.asset,
    amount: summary.amount,
    amount_received: summary.amountReceived,
    amount_refunded: summary.returned?.refunded ?? null,
    amount_charged_back: summary.returned?.chargedBack ?? null,
    disputed: summary.returned?.disputed ?? false,
    encrypted_details: summary.encryptedDetails,
    status: summary.status,
    failure: summary.failure,
    exceptions: summary.exceptions,
    reference: summary.reference,
    created_at: summary.createdAt,
    updated_at: summary.updatedAt,
    revision: at.revision,
  };
  const names = Object.keys(columns);
  return {
    text: `insert into payments_v1 (${names.join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')})
           on conflict (transaction_id) do update set ${names.map((name) => `${name} = excluded.${name}`).join(', ')}
           where payments_v1.revision < excluded.revision`,
    values: Object.values(columns),
  };
}

/** The request that created the payment asks the provider at once; the worker only when that did not come to an end. */
function due({ summary, at }: PaymentEvent): Sql {
  return {
    text: `insert into payment_checks (transaction_id, provider, mode, check_at)
           values ($1, $2, $3, $4::timestamptz + interval '15 seconds') on conflict do nothing`,
    values: [summary.transactionId, summary.provider, summary.mode, at],
  };
}

function decided({ summary }: PaymentEvent): Sql {
  return { text: 'delete from payment_checks where transaction_id = $1', values: [summary.transactionId] };
}

/** Newest first, without the rows. Creation time and number never change, so pages neither repeat nor skip while payments are created. */
export async function findPayments(pool: Pool, query: PaymentQuery): Promise<readonly PaymentKey[]> {
  const { rows } = await pool.query<Pick<Row, 'transaction_id' | 'number' | 'created_at'>>(
    `select transaction_id, number, created_at from payments_v1 where ${filter}
     order by created_at desc, number desc limit $6`,
    [...filterValues(query), query.limit],
  );
  return rows.map((row) => ({
    transactionId: row.transaction_id,
    number: parseInt(row.number, 10),
    createdAt: row.created_at.toISOString(),
  }));
}

/** Another tenant's are none. */
export async function paymentRows(
  pool: Pool,
  { tenantId, mode, transactionIds }: CallRequest<typeof getPayments>,
): Promise<readonly PaymentSummary[]> {
  const { rows } = await pool.query<Row>(
    'select * from payments_v1 where transaction_id = any($3) and tenant_id = $1 and mode = $2',
    [tenantId, mode, transactionIds],
  );
  return rows.map(summaryOfRow);
}

export async function countPayments(pool: Pool, query: PaymentQuery): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*)::integer as count from payments_v1 where ${filter}`,
    filterValues(query),
  );
  return rows[0]?.count ?? 0;
}

const filter = `tenant_id = $1 and mode = $2 and ($3::text is null or status = $3)
  and ($4::timestamptz is null or created_at >= $4) and ($5::timestamptz is null or created_at < $5)`;

function filterValues({ tenantId, mode, status, from, to }: PaymentQuery): unknown[] {
  return [tenantId, mode, status, from, to];
}

export async function paymentsOfReference(
  pool: Pool,
  gatewayId: string,
  reference: string,
): Promise<readonly string[]> {
  const { rows } = await pool.query<{ transaction_id: string }>(
    'select transaction_id from payments_v1 where gateway_id = $1 and reference = $2',
    [gatewayId, reference],
  );
  return rows.map((row) => row.transaction_id);
}

export function paymentChecks(pool: Pool, provider: PaymentProviderName, mode: Mode): PaymentChecks {
  return {
    async due(now, limit) {
      const { rows } = await pool.query<{ transaction_id: string; attempts: number }>(
        `select transaction_id, attempts from payment_checks where provider = $1 and mode = $2 and check_at <= $3
         order by attempts, check_at, transaction_id limit $4`,
        [provider, mode, now, limit],
      );
      return rows.map((row) => ({ transactionId: row.transaction_id, attempts: row.attempts }));
    },
    async next() {
      const { rows } = await pool.query<{ check_at: Date | null }>(
        'select min(check_at) as check_at from payment_checks where provider = $1 and mode = $2',
        [provider, mode],
      );
      return rows[0]?.check_at ?? null;
    },
    async end(transactionId) {
      await pool.query('delete from payment_checks where transaction_id = $1', [transactionId]);
    },
    async again(transactionId, at) {
      await pool.query('update payment_checks set attempts = attempts + 1, check_at = $2 where transaction_id = $1', [
        transactionId,
        at,
      ]);
    },
  };
}

export function returnChecks(pool: Pool): ReturnChecks {
  return {
    async due(now, limit) {
      const { rows } = await pool.query<ReturnCheck>(
        `select transaction_id as "transactionId", since, check_at as "checkAt" from payment_return_checks
         where check_at <= $1 order by check_at limit $2`,
        [now, limit],
      );
      return rows;
    },
    async next() {
      const { rows } = await pool.query<{ check_at: Date | null }>(
        'select min(check_at) as check_at from payment_return_checks',
      );
      return rows[0]?.check_at ?? null;
    },
    async claim({ transactionId, checkAt }, until) {
      const { rowCount } = await pool.query(
        // A Date has no microseconds.
        `update payment_return_checks set check_at = $3
         where transaction_id = $1 and date_trunc('milliseconds', check_at) = $2`,
        [transactionId, checkAt, until],
      );
      return rowCount === 1;
    },
    async done(transactionId, next) {
      const text =
        next === null
          ? 'delete from payment_return_checks where transaction_id = $1'
          : 'update payment_return_checks set check_at = $2 where transaction_id = $1';
      await pool.query(text, next === null ? [transactionId] : [transactionId, next]);
    },
  };
}

/** Whatever the provider did not know yet when it told of something, it knows by then. */
export async function lookAtReturnsBy(pool: Pool, transactionId: string, by: Date): Promise<void> {
  await pool.query('update payment_return_checks set check_at = least(check_at, $2) where transaction_id = $1', [
    transactionId,
    by,
  ]);
}

type Row = {
  transaction_id: string;
  number: string;
  tenant_id: string;
  mode: PaymentSummary['mode'];
  gateway_id: string;
  gateway_number: number;
  provider: PaymentSummary['provider'];
  user_number: number | null;
  asset: PaymentSummary['asset'];
  amount: string;
  amount_received: string | null;
  amount_refunded: string | null;
  amount_charged_back: string | null;
  disputed: boolean;
  encrypted_details: string;
  status: PaymentSummary['status'];
  failure: string | null;
  exceptions: PaymentSummary['exceptions'];
  reference: string | null;
  created_at: Date;
  updated_at: Date;
};

function summaryOfRow(row: Row): PaymentSummary {
  return {
    transactionId: row.transaction_id,
    number: parseInt(row.number, 10),
    tenantId: row.tenant_id,
    mode: row.mode,
    gatewayId: row.gateway_id,
    gatewayNumber: row.gateway_number,
    provider: row.provider,
    userNumber: row.user_number,
    asset: row.asset,
    amount: BigInt(row.amount),
    amountReceived: row.amount_received === null ? null : BigInt(row.amount_received),
    ...(row.amount_refunded !== null && {
      returned: {
        refunded: BigInt(row.amount_refunded),
        chargedBack: BigInt(row.amount_charged_back ?? '0'),
        disputed: row.disputed,
      },
    }),
    encryptedDetails: row.encrypted_details,
    status: row.status,
    failure: row.failure,
    exceptions: row.exceptions,
    reference: row.reference,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
