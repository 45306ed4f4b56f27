/**
 * The sandbox bank: needs no account anywhere and moves no money. It pays out by itself after a while, unless
 * `POST /v1/sandbox/transfers/{transaction_id}` says otherwise before. Its memory is a table of its own, which nothing but
 * this file reads: to the rest of the service it is a bank like the others.
 */
import { OperationalError } from '@daybook/core';
import { codeFrom, type Clock } from '@daybook/runtime';
import type { Pool } from 'pg';
import type { Bank } from '../../ports';
import type { TransferObservation } from '../../domain/bank-transfer';
import { sandboxRecipientProblem } from './recipients';

type Row = { status: 'accepted' | 'settled' | 'rejected' | 'returned'; settles_at: Date };
export type SandboxOutcome = 'settled' | 'rejected' | 'returned';

export function sandboxBank(pool: Pool, now: Clock, settleAfterSeconds: number): Bank {
  async function observe(transferId: string): Promise<TransferObservation> {
    const [row] = await query(pool, 'select status, settles_at from sandbox_transfers where transfer_id = $1', [
      transferId,
    ]);
    if (row === undefined) throw new OperationalError('upstream_unavailable', true, { detail: 'it was not told' });
    const reference = codeFrom('REF', ['sandbox bank', transferId]);
    switch (row.status) {
      case 'accepted':
        return { status: now() < row.settles_at ? 'accepted' : 'settled', reference };
      case 'settled':
        return { status: 'settled', reference };
      case 'rejected':
        return { status: 'rejected', reason: 'the sandbox bank was told to refuse it' };
      case 'returned':
        return { status: 'returned', reference, reason: 'the sandbox bank was told to return it' };
    }
  }

  return {
    problemWith: sandboxRecipientProblem,

    async send({ transferId, amount }) {
      await query(
        pool,
        `insert into sandbox_transfers (transfer_id, amount, status, settles_at) values ($1, $2, 'accepted', $3)
         on conflict do nothing`,
        [transferId, amount, new Date(now().getTime() + settleAfterSeconds * 1_000)],
      );
      return observe(transferId);
    },

    observe: ({ transferId }) => observe(transferId),
  };
}

/** When the bank still does as it is told: $2 is now. What time has settled is settled. */
const open: Readonly<Record<SandboxOutcome, string>> = {
  settled: `status = 'accepted' and $2::timestamptz is not null`,
  rejected: `status = 'accepted' and settles_at > $2::timestamptz`,
  returned: `(status = 'settled' or status = 'accepted' and settles_at <= $2::timestamptz)`,
};

/** Tells the sandbox bank. The first of paying out and refusing stays. Answers whether it is as it was told now. */
export async function decideSandboxTransfer(
  pool: Pool,
  now: Clock,
  transferId: string,
  outcome: SandboxOutcome,
): Promise<boolean> {
  const [row] = await query(
    pool,
    `update sandbox_transfers set status = case when ${open[outcome]} then $3 else status end
     where transfer_id = $1 returning status, settles_at`,
    [transferId, now(), outcome],
  );
  return row?.status === outcome;
}

async function query(pool: Pool, text: string, values: unknown[]): Promise<Row[]> {
  const { rows } = await pool.query<Row>(text, values);
  return rows;
}
