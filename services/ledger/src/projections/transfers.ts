/**
 * transfers_v1: every transfer with both its owners and its state; the note stays encrypted.
 * Source: the books. Order: each book's own. Serves: get-transfer, list-transfers.
 */
import type { EventPlace, Projection, Sql } from '@daybook/event-store';
import type { Pool } from 'pg';
import { referenceOf, type SealedEvent } from '../adapters/stored-events';
import { modeOfStream } from '../app/books';
import type { TransferQuery } from '../app/list-transfers';
import type { TransferRow } from '../app/transfer-view';
import { assetOf } from './accounts';

export const transfersProjection: Projection<SealedEvent> = {
  name: 'transfers',
  version: 1,
  handlers: {
    TransferAccepted: ({ transfer, note }, at) => [
      {
        text: `insert into transfers_v1 (mode, transfer_id, debit_tenant_id, debit_account_id, credit_tenant_id,
                 credit_account_id, asset, amount, reference_id, note, status, accepted_at, accepted_sequence,
                 last_sequence)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'processing', $11, $12, $12)`,
        values: [
          modeOfStream(at.stream),
          transfer.transferId,
          transfer.debitTenantId,
          transfer.debitAccountId,
          transfer.creditTenantId,
          transfer.creditAccountId,
          transfer.asset,
          transfer.amount,
          transfer.referenceId,
          note,
          transfer.acceptedAt,
          at.revision,
        ],
      },
    ],
    TransferConfirmed: ({ transfer, at: time }, at) => [
      change(transfer.transferId, `status = 'confirmed', ledger_reference = $4, confirmed_at = $5`, at, [
        referenceOf(at.payload),
        time,
      ]),
    ],
    TransferFailed: ({ transfer, reason }, at) => [
      change(transfer.transferId, `status = 'failed', failure = $4`, at, [reason]),
    ],
    TransferReversed: ({ transfer }, at) => [change(transfer.transferId, `status = 'reversed'`, at, [])],
  },
};

function change(transferId: string, assignments: string, at: EventPlace, values: readonly unknown[]): Sql {
  return {
    text: `update transfers_v1 set ${assignments}, last_sequence = $3 where mode = $1 and transfer_id = $2`,
    values: [modeOfStream(at.stream), transferId, at.revision, ...values],
  };
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
