/** holds_v1: one row a hold, with what its events left of it; hold_details_v1: what its placer noted. */
import { canonicalJson } from '../canonical-json';
import type { CheckedRow } from '../findings';
import type { LogPass, StatePass } from '../table-pass';

export const holdsPass: StatePass = {
  kind: 'state',
  table: 'holds_v1',
  key: ['mode', 'hold_id'],
  columns: [
    'mode',
    'hold_id',
    'account_id',
    'tenant_id',
    'asset',
    'amount',
    'captured',
    'remaining',
    'status',
    'expires_at',
    'placed_at',
    'updated_at',
    'placed_sequence',
    'last_sequence',
  ],
  partition: 'hold_id',
  begin({ mode, accounts }) {
    const rows = new Map<string, CheckedRow>();
    return {
      step({ event, sequence }, mine) {
        if (!('holdId' in event) || !mine(event.holdId)) return;
        const { holdId, at } = event;
        const touched = { updated_at: at, last_sequence: String(sequence) };
        const before = rows.get(holdId);
        switch (event.type) {
          case 'HoldPlaced':
            rows.set(holdId, {
              mode,
              hold_id: holdId,
              account_id: event.accountId,
              tenant_id: accounts.get(event.accountId)?.tenantId ?? null,
              asset: event.asset,
              amount: event.amount.toString(),
              captured: '0',
              remaining: event.amount.toString(),
              status: 'open',
              expires_at: event.expiresAt,
              placed_at: at,
              placed_sequence: String(sequence),
              ...touched,
            });
            return;
          case 'HoldCaptured': {
            if (before === undefined) return;
            const captured = (BigInt(before['captured'] ?? '0') + event.amount).toString();
            const status = event.remaining === 0n ? 'captured' : 'open';
            rows.set(holdId, { ...before, captured, remaining: event.remaining.toString(), status, ...touched });
            return;
          }
          case 'HoldReleased':
          case 'HoldExpired': {
            const status = event.type === 'HoldReleased' ? 'released' : 'expired';
            if (before !== undefined) rows.set(holdId, { ...before, remaining: '0', status, ...touched });
          }
        }
      },
      rows: () => rows.values(),
    };
  },
};

export const holdDetailsPass: LogPass = {
  kind: 'log',
  table: 'hold_details_v1',
  key: ['mode', 'sequence'],
  columns: ['mode', 'sequence', 'tenant_id', 'actor', 'metadata'],
  rows({ event, sequence }, { mode }) {
    if (event.type !== 'HoldPlaced') return [];
    const { tenantId, actor, metadata } = event;
    return [
      { mode, sequence: String(sequence), tenant_id: tenantId, actor, metadata: metadata && canonicalJson(metadata) },
    ];
  },
};
