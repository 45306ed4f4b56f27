/**
 * transfers_v1: every transfer with both its owners and its state; the note stays encrypted.
 * Source: the books. Order: each book's own. Serves: get-transfer, list-transfers.
 */
import { defineTable, type Rows, type StoredEvent, type TableProjection } from '@daybook/event-store';
import type { Pool } from 'pg';
import type { SealedEvent } from '../adapters/stored-events';
import type { TransferQuery } from '../app/list-transfers';
import type { TransferRow } from '../app/transfer-view';
import { assetOf } from './accounts';
import { modeOf, referenceAt } from './place';

const transfersTable = defineTable({
  name: 'transfers_v1',
  kind: 'kept',
  columns: {
    mode: { type: 'text' },
    transfer_id: { type: 'text' },
    debit_tenant_id: { type: 'uuid', fixed: true },
    debit_account_id: { type: 'text', fixed: true },
    credit_tenant_id: { type: 'uuid', fixed: true },
    credit_account_id: { type: 'text', fixed: true },
    asset: { type: 'text', fixed: true },
    amount: { type: 'numeric', fixed: true, check: 'amount > 0' },
    reference_id: { type: 'text', fixed: true },
    // Encrypted as it is in the event.
    note: { type: 'text', nullable: true, fixed: true },
    status: { type: 'text' },
    failure: { type: 'text', nullable: true },
    ledger_reference: { type: 'text', nullable: true },
    accepted_at: { type: 'timestamptz', fixed: true },
    confirmed_at: { type: 'timestamptz', nullable: true },
    accepted_sequence: { type: 'bigint', fixed: true },
    last_sequence: { type: 'bigint' },
  },
  key: ['mode', 'transfer_id'],
  indexes: [
    { name: 'by_debit', on: ['mode', 'debit_account_id', 'accepted_sequence'] },
    { name: 'by_credit', on: ['mode', 'credit_account_id', 'accepted_sequence'] },
  ],
  // Each changes once or twice, soon after.
  fillfactor: 80,
});

export const transfersProjection: TableProjection<SealedEvent> = {
  name: 'transfers',
  version: 2,
  tables: [transfersTable],
  keys(event, place, wanted) {
    if (!('transfer' in event)) return;
    const { transferId } = event.transfer;
    if (event.type === 'TransferAccepted') wanted.newRow(transfersTable, modeOf(place), transferId);
    else wanted.row(transfersTable, modeOf(place), transferId);
  },
  handlers: {
    TransferAccepted({ transfer, note }, place, rows) {
      rows.insert(transfersTable, {
        mode: modeOf(place),
        transfer_id: transfer.transferId,
        debit_tenant_id: transfer.debitTenantId,
        debit_account_id: transfer.debitAccountId,
        credit_tenant_id: transfer.creditTenantId,
        credit_account_id: transfer.creditAccountId,
        asset: transfer.asset,
        amount: transfer.amount,
        reference_id: transfer.referenceId,
        note,
        status: 'processing',
        failure: null,
        ledger_reference: null,
        accepted_at: transfer.acceptedAt,
        confirmed_at: null,
        accepted_sequence: place.revision,
        last_sequence: place.revision,
      });
    },
    TransferConfirmed({ transfer, at }, place, rows) {
      const row = touch(transfer.transferId, place, rows);
      row.status = 'confirmed';
      row.ledger_reference = referenceAt(place);
      row.confirmed_at = at;
    },
    TransferFailed({ transfer, reason }, place, rows) {
      const row = touch(transfer.transferId, place, rows);
      row.status = 'failed';
      row.failure = reason;
    },
    TransferReversed({ transfer }, place, rows) {
      touch(transfer.transferId, place, rows).status = 'reversed';
    },
  },
};

/** The transfer's row, marked as touched by the event. */
function touch(transferId: string, place: StoredEvent, rows: Rows) {
  const row = rows.change(transfersTable, modeOf(place), transferId);
  row.last_sequence = place.revision;
  return row;
}

const columns = `transfer_id, debit_tenant_id, debit_account_id, credit_tenant_id, credit_account_id, asset, amount,
  reference_id, note, status, failure, ledger_reference, accepted_at, confirmed_at, accepted_sequence`;

type Row = {
  transfer_id: string;
  debit_tenant_id: string;
  debit_account_id: string;
  credit_tenant_id: string;
  credit_account_id: string;
  asset: string;
  amount: string;
  reference_id: string;
  note: string | null;
  status: TransferRow['status'];
  failure: string | null;
  ledger_reference: string | null;
  accepted_at: Date;
  confirmed_at: Date | null;
  accepted_sequence: string;
};

/** If one of its accounts is the tenant's. */
export async function findTransfer(
  pool: Pool,
  { mode, tenantId, transferId }: { readonly mode: string; readonly tenantId: string; readonly transferId: string },
): Promise<TransferRow | undefined> {
  const { rows } = await pool.query<Row>(
    `select ${columns} from transfers_v1
     where mode = $1 and transfer_id = $2 and $3 in (debit_tenant_id, credit_tenant_id)`,
    [mode, transferId, tenantId],
  );
  return rows.map(transferOf)[0];
}

export async function findTransfers(pool: Pool, { mode, accountId, before, limit }: TransferQuery) {
  // Each side from its own index; a transfer has two different accounts, so no row comes twice.
  const side = (column: string) =>
    `(select ${columns} from transfers_v1
      where mode = $1 and ${column} = $2 and ($3::bigint is null or accepted_sequence < $3)
      order by accepted_sequence desc limit $4)`;
  const { rows } = await pool.query<Row>(
    `select * from (${side('debit_account_id')} union all ${side('credit_account_id')}) both_sides
     order by accepted_sequence desc limit $4`,
    [mode, accountId, before, limit],
  );
  return rows.map((row) => ({ acceptedSequence: BigInt(row.accepted_sequence), transfer: transferOf(row) }));
}

function transferOf(row: Row): TransferRow {
  return {
    transferId: row.transfer_id,
    debitTenantId: row.debit_tenant_id,
    debitAccountId: row.debit_account_id,
    creditTenantId: row.credit_tenant_id,
    creditAccountId: row.credit_account_id,
    asset: assetOf(row.asset),
    amount: BigInt(row.amount),
    referenceId: row.reference_id,
    encryptedNote: row.note,
    status: row.status,
    failure: row.failure,
    ledgerReference: row.ledger_reference,
    acceptedAt: row.accepted_at.toISOString(),
    confirmedAt: row.confirmed_at?.toISOString() ?? null,
  };
}
