import type { Component } from '@daybook/runtime';
import type { Pool } from 'pg';

/** The next number of a transaction: unique for ever, in the order of asking. One that is not used leaves a gap. */
export function transactionNumbers(pool: Pool): () => Promise<number> {
  return async () => {
    const { rows } = await pool.query<{ number: string }>(`select nextval('transaction_numbers') as number`);
    return parseInt(rows[0]?.number ?? '', 10);
  };
}

/**
 * Before any request: no number that stands in an event may be given again. After a restore of the log into an empty
 * database the sequence would start anew; here the read model has caught up with the log.
 */
export function skipUsedNumbers(pool: Pool, caughtUp: () => Promise<void>): Component {
  return {
    name: 'numbers of transactions',
    async start() {
      await caughtUp();
      await pool.query(
        `select setval('transaction_numbers', used.number) from (select max(number) as number from transactions_v1) used
         where used.number > (select last_value from transaction_numbers)`,
      );
    },
    stop: async () => undefined,
  };
}
