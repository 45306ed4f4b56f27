/**
 * transactions_v1, the rows of transfers through institutions; transfer_checks: those that are not decided, and when
 * somebody is asked about them next.
 * Source: this service's event store. Each event carries the full state, so a handler replaces the row; an older revision
 * never replaces a newer one.
 * Serves: list-transactions, and the worker that asks the ledger and institutions.
 */
import type { EventPlace, Projection, Sql } from '@daybook/event-store';
import type { Pool } from 'pg';
import type { TransferChecks } from '../ports';
import type { TransferEvent } from '../domain/bank-transfer';
import { checksOf, endCheck, openTransactions, replaceTransaction, type OpenTransactions } from './transaction-rows';

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
    BankTransferReferenced: (event, at) => [replace(event, at)],
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

function decided({ summary }: TransferEvent): Sql {
  return endCheck('transfer_checks', summary.transactionId);
}

export const transferChecks = (pool: Pool): TransferChecks => checksOf(pool, 'transfer_checks');

/** Money is held for these, and nobody has said yet what became of it. */
export const openTransfers = (pool: Pool): Promise<OpenTransactions> => openTransactions(pool, 'transfer_checks');
