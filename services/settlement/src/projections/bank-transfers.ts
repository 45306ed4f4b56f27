/**
 * transactions_v1, the rows of transfers through institutions; transfer_checks: those that are not decided or whose amount
 * is to be free again, and when somebody is asked about them next.
 * unbooked_transfers: what an institution said that it paid out or gave back, until the ledger has posted it.
 * Source: this service's event store. Each event carries the full state, so a handler replaces the row; an older revision
 * never replaces a newer one.
 * Serves: list-transactions, the worker that asks the ledger and institutions, and gauges.
 */
import type { EventPlace, Projection, Sql } from '@daybook/event-store';
import type { Pool } from 'pg';
import type { TransferChecks } from '../ports';
import type { TransferEvent } from '../domain/bank-transfer';
import {
  checksOf,
  endCheck,
  openTransactions,
  replaceTransaction,
  select,
  type OpenTransactions,
} from './transaction-rows';

export const bankTransfersProjection: Projection<TransferEvent> = {
  name: 'bank_transfers',
  version: 1,
  handlers: {
    BankTransferCreated: (event, at) => [replace(event, at), due(event)],
    BankTransferHeld: (event, at) => [replace(event, at)],
    BankTransferAcknowledged: (event, at) => [replace(event, at)],
    BankTransferHanded: (event, at) => [replace(event, at)],
    BankTransferProcessing: (event, at) => [replace(event, at)],
    BankTransferRejected: (event, at) => [replace(event, at), dueNow(event)],
    BankTransferFailed: (event, at) => [replace(event, at), decided(event)],
    BankTransferSettled: (event, at) => [replace(event, at), decided(event), unbooked('payout', event)],
    BankTransferReferenced: (event, at) => [replace(event, at)],
    BankTransferBooked: (event, at) => [replace(event, at), booked('payout', event)],
    BankTransferReturned: (event, at) => [replace(event, at), unbooked('return', event)],
    BankTransferReturnBooked: (event, at) => [replace(event, at), booked('return', event)],
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
  };
  return replaceTransaction(columns, at);
}

/** The request that created the transfer asks at once; the worker only when that did not come to an end. */
function due({ summary, at }: TransferEvent): Sql {
  return {
    text: `insert into transfer_checks (transaction_id, check_at) values ($1, $2::timestamptz + interval '15 seconds')
           on conflict do nothing`,
    values: [summary.transactionId, at],
  };
}

/** The institution has been asked for the last time: what is left does not wait as long as its answers do. */
function dueNow({ summary, at }: TransferEvent): Sql {
  return {
    text: 'update transfer_checks set check_at = $2, attempts = 0 where transaction_id = $1',
    values: [summary.transactionId, at],
  };
}

function decided({ summary }: TransferEvent): Sql {
  return endCheck('transfer_checks', summary.transactionId);
}

/** A return may be told before its payout is posted, so that each has a row of its own. */
function unbooked(what: 'payout' | 'return', { summary, at }: TransferEvent): Sql {
  return {
    text: 'insert into unbooked_transfers (transaction_id, what, since) values ($1, $2, $3) on conflict do nothing',
    values: [summary.transactionId, what, at],
  };
}

function booked(what: 'payout' | 'return', { summary }: TransferEvent): Sql {
  return {
    text: 'delete from unbooked_transfers where transaction_id = $1 and what = $2',
    values: [summary.transactionId, what],
  };
}

export const transferChecks = (pool: Pool): TransferChecks => checksOf(pool, 'transfer_checks');

/** Money is held for these, and nobody has said yet what became of it, or let go of it. */
export const openTransfers = (pool: Pool): Promise<OpenTransactions> => openTransactions(pool, 'transfer_checks');

/** Money has moved at an institution, and no balance says so. */
export async function unbookedTransfers(pool: Pool): Promise<OpenTransactions> {
  const [row] = await select<OpenTransactions>(
    pool,
    'select count(*)::int as count, min(since) as oldest from unbooked_transfers',
  );
  return row ?? { count: 0, oldest: null };
}
