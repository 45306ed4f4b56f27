/** transfers_v1: one row a transfer, with the state that its last event left it in. */
import type { CheckedRow } from '../findings';
import type { StatePass } from '../table-pass';

export const transfersPass: StatePass = {
  kind: 'state',
  table: 'transfers_v1',
  key: ['mode', 'transfer_id'],
  columns: [
    'mode',
    'transfer_id',
    'debit_tenant_id',
    'debit_account_id',
    'credit_tenant_id',
    'credit_account_id',
    'asset',
    'amount',
    'reference_id',
    'note',
    'status',
    'failure',
    'ledger_reference',
    'accepted_at',
    'confirmed_at',
    'accepted_sequence',
    'last_sequence',
  ],
  partition: 'transfer_id',
  begin({ mode }) {
    const rows = new Map<string, CheckedRow>();
    return {
      step({ event, sequence, reference }, mine) {
        if (!('transfer' in event) || !mine(event.transfer.transferId)) return;
        const { transfer, at } = event;
        const { transferId } = transfer;
        const last_sequence = String(sequence);
        const before = rows.get(transferId);
        switch (event.type) {
          case 'TransferAccepted':
            rows.set(transferId, {
              mode,
              transfer_id: transferId,
              debit_tenant_id: transfer.debitTenantId,
              debit_account_id: transfer.debitAccountId,
              credit_tenant_id: transfer.creditTenantId,
              credit_account_id: transfer.creditAccountId,
              asset: transfer.asset,
              amount: transfer.amount.toString(),
              reference_id: transfer.referenceId,
              note: event.note,
              status: 'processing',
              failure: null,
              ledger_reference: null,
              accepted_at: transfer.acceptedAt,
              confirmed_at: null,
              accepted_sequence: last_sequence,
              last_sequence,
            });
            return;
          case 'TransferConfirmed':
            if (before === undefined) return;
            rows.set(transferId, {
              ...before,
              status: 'confirmed',
              ledger_reference: reference,
              confirmed_at: at,
              last_sequence,
            });
            return;
          case 'TransferFailed':
            if (before !== undefined)
              rows.set(transferId, { ...before, status: 'failed', failure: event.reason, last_sequence });
            return;
          case 'TransferReversed':
            if (before !== undefined) rows.set(transferId, { ...before, status: 'reversed', last_sequence });
        }
      },
      rows: () => rows.values(),
    };
  },
};
