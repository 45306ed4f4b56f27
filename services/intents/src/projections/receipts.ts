/**
 * receipts_v1: where every receipt at an address is, and which of them somebody has to look at; payments with exceptions
 * beside them. Source: this service's event store, in a group of its own, so that it can be filled from the beginning.
 * Serves: list-exceptions and resolve-exception.
 */
import type { Mode } from '@daybook/contracts';
import type { Projection, Sql } from '@daybook/event-store';
import type { AssetCode } from '@daybook/money';
import type { Pool } from 'pg';
import type { IntentEvent } from '../domain/payment-intent';
import type { PaymentEvent } from '../domain/provider-payment';
import { receiptPlaces } from '../domain/receipt-policy';
import type { ExceptionQuery, ExceptionRow } from '../ports';

type Received = Extract<IntentEvent, { type: 'DepositConfirmed' }>;

export const receiptsProjection: Projection<IntentEvent | PaymentEvent> = {
  name: 'receipts',
  version: 1,
  handlers: {
    DepositConfirmed: received,
    IntentUnderpaid: ({ intentId, place, decidedBy, at }) => [
      {
        text: `update receipts_v1 set place = $2, amount = amount_received, applied = 0, reasons = array['underpaid'],
                 decided_by = $3, is_open = $4, updated_at = $5
               where subject = $1 and applied > 0`,
        values: [intentId, place, decidedBy, place !== 'credited', at],
      },
    ],
    ReceiptMoved: ({ depositId, to, at }) => [
      {
        text: 'update receipts_v1 set place = $2, is_open = $3, updated_at = $4 where exception_id = $1',
        values: [depositId, to, to !== 'credited', at],
      },
    ],
    PaymentTaken: (event) => (event.exceptions.length === 0 ? [] : [insert(paymentRow(event))]),
    PaymentReturned: (event) => (event.raised.length === 0 ? [] : [insert(paymentRow(event), reopened)]),
    PaymentExceptionDismissed: ({ summary, at }) => [
      {
        text: 'update receipts_v1 set is_open = false, updated_at = $2 where exception_id = $1',
        values: [summary.transactionId, at],
      },
    ],
  },
};

function received(event: Received): readonly Sql[] {
  const { deposit, exception, decidedBy, at } = event;
  const place = receiptPlaces.find((each) => event[each] > 0n) ?? null;
  return [
    insert({
      exception_id: deposit.depositId,
      kind: 'receipt',
      tenant_id: event.tenantId,
      mode: event.mode,
      subject: event.intentId,
      asset: deposit.asset,
      amount_received: deposit.amount,
      applied: event.applied,
      amount: deposit.amount - event.applied,
      place,
      reasons: exception === null ? [] : [exception],
      decided_by: decidedBy,
      is_open: place !== null && place !== 'credited',
      chain: deposit.chain,
      transaction_reference: deposit.transactionId,
      received_at: at,
      updated_at: at,
    }),
  ];
}

function paymentRow({ summary, at }: PaymentEvent) {
  return {
    exception_id: summary.transactionId,
    kind: 'payment',
    tenant_id: summary.tenantId,
    mode: summary.mode,
    subject: summary.transactionId,
    asset: summary.asset,
    amount_received: summary.amountReceived,
    applied: 0n,
    amount: summary.amountReceived,
    place: 'credited',
    reasons: summary.exceptions,
    decided_by: null,
    is_open: true,
    chain: null,
    transaction_reference: summary.reference,
    received_at: at,
    updated_at: at,
  };
}

/** Somebody has to look, also where somebody looked before. */
const reopened = 'do update set reasons = excluded.reasons, is_open = true, updated_at = excluded.updated_at';

function insert(columns: Readonly<Record<string, unknown>>, onConflict = 'do nothing'): Sql {
  const names = Object.keys(columns);
  return {
    text: `insert into receipts_v1 (${names.join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')})
           on conflict (exception_id) ${onConflict}`,
    values: Object.values(columns),
  };
}

/** The longest waiting first. When something came never changes, so pages neither repeat nor skip. */
export async function findExceptions(pool: Pool, query: ExceptionQuery): Promise<readonly ExceptionRow[]> {
  return select(
    pool,
    `select * from receipts_v1
     where place is not null and mode = $1 and ($2::uuid is null or tenant_id = $2)
       and ($3::boolean is null or is_open = $3) and ($4::text is null or kind = $4) and ($5::text is null or place = $5)
       and ($6::text is null or $6 = any(reasons)) and ($7::text is null or asset = $7)
       and ($8::timestamptz is null or (received_at, exception_id) > ($8::timestamptz, $9::text))
     order by received_at, exception_id limit $10`,
    [
      query.mode,
      query.tenantId,
      query.isOpen,
      query.kind,
      query.place,
      query.reason,
      query.asset,
      query.after?.receivedAt ?? null,
      query.after?.exceptionId ?? null,
      query.limit,
    ],
  );
}

export async function exceptionNamed(pool: Pool, mode: Mode, exceptionId: string): Promise<ExceptionRow | undefined> {
  const text = 'select * from receipts_v1 where place is not null and mode = $1 and exception_id = $2';
  return (await select(pool, text, [mode, exceptionId]))[0];
}

type Row = {
  exception_id: string;
  kind: ExceptionRow['kind'];
  tenant_id: string;
  mode: Mode;
  subject: string;
  asset: AssetCode;
  amount_received: string;
  amount: string;
  place: ExceptionRow['place'];
  reasons: ExceptionRow['reasons'];
  decided_by: ExceptionRow['decidedBy'];
  is_open: boolean;
  chain: string | null;
  transaction_reference: string | null;
  received_at: Date;
  updated_at: Date;
};

async function select(pool: Pool, text: string, values: unknown[]): Promise<readonly ExceptionRow[]> {
  const { rows } = await pool.query<Row>(text, values);
  return rows.map((row) => ({
    exceptionId: row.exception_id,
    kind: row.kind,
    tenantId: row.tenant_id,
    mode: row.mode,
    subject: row.subject,
    asset: row.asset,
    amountReceived: BigInt(row.amount_received),
    amount: BigInt(row.amount),
    place: row.place,
    reasons: row.reasons,
    decidedBy: row.decided_by,
    isOpen: row.is_open,
    chain: row.chain,
    transactionReference: row.transaction_reference,
    receivedAt: row.received_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }));
}
