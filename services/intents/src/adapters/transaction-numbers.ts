import type { Pool } from 'pg';

/** The next number of a transaction: unique for ever, in the order of asking. One that is not used leaves a gap. */
export function transactionNumbers(pool: Pool): () => Promise<number> {
  return async () => {
    const { rows } = await pool.query<{ number: string }>(`select nextval('transaction_numbers') as number`);
    return parseInt(rows[0]?.number ?? '', 10);
  };
}

/**
 * After a restore of the log into an empty database the sequence would start anew. Called when the read model has caught up:
 * numbers that stand in events are never given again.
 */
export async function skipUsedNumbers(pool: Pool): Promise<void> {
  await pool.query(
    `select setval('transaction_numbers', used.number) from (select max(number) as number from payments_v1) used
     where used.number > (select last_value from transaction_numbers)`,
  );
}
