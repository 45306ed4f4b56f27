/**
 * settlements_v1: one row per instructed settlement.
 * Source: this service's event store. An event sets columns to values of its own, so applying it again is harmless.
 * Serves: the gauges of open settlements.
 */
import type { Projection } from '@daybook/event-store';
import type { Pool } from 'pg';
import type { SettlementEvent } from '../domain/settlement';

export const settlementsProjection: Projection<SettlementEvent> = {
  name: 'settlements',
  version: 1,
  handlers: {
    SettlementInstructed: ({ terms, at }) => [
      {
        text: `insert into settlements_v1
                 (settlement_id, intent_id, tenant_id, mode, asset, amount, status, instructed_at)
               values ($1, $2, $3, $4, $5, $6, 'instructed', $7)
               on conflict (settlement_id) do nothing`,
        values: [terms.settlementId, terms.intentId, terms.tenantId, terms.mode, terms.asset, terms.amount, at],
      },
    ],
    SettlementCompleted: ({ terms, ledgerReference, at }) => [
      {
        text: `update settlements_v1 set status = 'completed', ledger_reference = $2, completed_at = $3
               where settlement_id = $1`,
        values: [terms.settlementId, ledgerReference, at],
      },
    ],
  },
};

export type OpenSettlements = {
  readonly count: number;
  /** Instructed before `deadline` and not completed. */
  readonly overdue: number;
  readonly oldest: Date | null;
};

export async function openSettlements(pool: Pool, deadline: Date): Promise<OpenSettlements> {
  const { rows } = await pool.query<{ count: number; overdue: number; oldest: Date | null }>(
    `select count(*)::int as count, (count(*) filter (where instructed_at < $1))::int as overdue,
            min(instructed_at) as oldest
     from settlements_v1 where status = 'instructed'`,
    [deadline],
  );
  return rows[0] ?? { count: 0, overdue: 0, oldest: null };
}
