/**
 * transactions_v1, the rows of transfers through institutions; transfer_checks: those that are not decided, and when
 * somebody is asked about them next.
 * Source: this service's event store. Each event carries the full state, so a handler replaces the row; an older revision
 * never replaces a newer one.
 * Serves: list-transactions, and the worker that asks the ledger and institutions.
 */
import { asOperational, type EventPlace, type Projection, type Sql } from '@daybook/event-store';
import type { Pool, QueryResultRow } from 'pg';
import type { TransferChecks } from '../bank-ports';
import type { TransferEvent } from '../domain/bank-transfer';

export const bankTransfersProjection: Projection<TransferEvent> = {
  name: 'bank_transfers',
  version: 1,
  handlers: {
    BankTransferCreated: (event, at) => [replace(event, at), due(event)],
    BankTransferHeld: (event, at) => [replace(event, at)],
    BankTransferHanded: (event, at) => [replace(event, at)],
    BankTransferProcessing: (event, at) => [replace(event, at)],
    BankTransferFailed: (event, at) => [replace(event, at), decided(event)],
    BankTransferSettled: (event, at) => [replace(event, at), decided(event)],
    BankTransferBooked: (event, at) => [replace(event, at)],
    BankTransferReturned: (event, at) => [replace(event, at)],
    BankTransferReturnBooked: (event, at) => [replace(event, at)],
  },
};

function replace({ summary }: TransferEvent, at: EventPlace): Sql {
  const columns = {
    transaction_id: summary.transactionId,
    number: summary.number,
    tenant_id: summary.tenantId,
    mode: summary.mode,
    type: 'transfer',
    asset: summary.asset,
    amount: summary.amount,
    status: summary.status,
    user_number: summary.userNumber,
    encrypted_details: summary.encryptedDetails,
    institution_number: summary.institutionNumber,
    created_at: summary.createdAt,
    updated_at: summary.updatedAt,
    revision: at.revision,
  };
  const names = Object.keys(columns);
  return {
    text: `insert into transactions_v1 (${names.join(', ')})
           values (${names.map((_, index) => `$${index + 1}`).join(', ')})
           on conflict (transaction_id) do update set ${names.map((name) => `${name} = excluded.${name}`).join(', ')}
           where transactions_v1.revision < excluded.revision`,
    values: Object.values(columns),
  };
}

/** The request that created the transfer asks at once; the worker only when that did not come to an end. */
function due({ summary, at }: TransferEvent): Sql {
  return {
    text: `insert into transfer_checks (transaction_id, check_at) values ($1, $2::timestamptz + interval '15 seconds')
           on conflict do nothing`,
    values: [summary.transactionId, at],
  };
}

function decided({ summary }: TransferEvent): Sql {
  return { text: 'delete from transfer_checks where transaction_id = $1', values: [summary.transactionId] };
}

export function transferChecks(pool: Pool): TransferChecks {
  return {
    async due(now, limit) {
      const rows = await select<{ transaction_id: string; attempts: number }>(
        pool,
        `select transaction_id, attempts from transfer_checks where check_at <= $1 order by check_at, transaction_id
         limit $2`,
        [now, limit],
      );
      return rows.map((row) => ({ transactionId: row.transaction_id, attempts: row.attempts }));
    },
    async next() {
      const [row] = await select<{ check_at: Date | null }>(
        pool,
        'select min(check_at) as check_at from transfer_checks',
        [],
      );
      return row?.check_at ?? null;
    },
    async again(transactionId, at) {
      await select(
        pool,
        'update transfer_checks set attempts = attempts + 1, check_at = $2 where transaction_id = $1',
        [transactionId, at],
      );
    },
  };
}

export type OpenTransfers = { readonly count: number; readonly oldest: Date | null };

/** Money is held for these, and nobody has said yet what became of it. */
export async function openTransfers(pool: Pool): Promise<OpenTransfers> {
  const [row] = await select<OpenTransfers>(
    pool,
    `select count(*)::int as count, min(t.created_at) as oldest
     from transfer_checks c join transactions_v1 t using (transaction_id)`,
    [],
  );
  return row ?? { count: 0, oldest: null };
}

/** An outage is the world's failure, for the caller to retry. */
async function select<Row extends QueryResultRow>(pool: Pool, text: string, values: unknown[]): Promise<Row[]> {
  const { rows } = await pool.query<Row>(text, values).catch((error: unknown) => {
    throw asOperational(error);
  });
  return rows;
}
