/** accounts_v1: one row an account, with the sums of what its events did. */
import { canonicalJson } from '../canonical-json';
import type { StatePass } from '../table-pass';

export const accountsPass: StatePass = {
  kind: 'state',
  table: 'accounts_v1',
  key: ['mode', 'account_id'],
  columns: [
    'mode',
    'account_id',
    'tenant_id',
    'asset',
    'type',
    'floor',
    'ceiling',
    'posted',
    'debits',
    'held',
    'incoming',
    'frozen',
    'version',
    'metadata',
    'opened_at',
    'updated_at',
    'opened_sequence',
    'last_sequence',
  ],
  // The fold holds the accounts anyway.
  partition: null,
  begin: ({ mode, accounts }) => ({
    step: () => undefined,
    *rows() {
      for (const account of accounts.values()) {
        yield {
          mode,
          account_id: account.accountId,
          tenant_id: account.tenantId,
          asset: account.asset,
          type: account.type,
          floor: account.floor?.toString() ?? null,
          ceiling: account.ceiling?.toString() ?? null,
          posted: account.posted.toString(),
          debits: account.debits.toString(),
          held: account.held.toString(),
          incoming: account.incoming.toString(),
          frozen: String(account.frozen),
          version: account.version.toString(),
          metadata: account.metadata && canonicalJson(account.metadata),
          opened_at: account.openedAt,
          updated_at: account.updatedAt,
          opened_sequence: String(account.openedSequence),
          last_sequence: String(account.lastSequence),
        };
      }
    },
  }),
};
