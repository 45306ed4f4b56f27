/** What is told of an append that failed. */
import { OperationalError } from '@daybook/core';
import type { Pool, PoolClient } from 'pg';
import { withConnection } from './database';
import { isConnectionLoss } from './operational';

/** Lends a connection to an append. When that is lost after it was sent, it may stand or not: `outcome_unknown`. */
export async function sendAppend<T>(pool: Pool, send: (client: PoolClient) => Promise<T>): Promise<T> {
  let sent = false;
  try {
    return await withConnection(pool, async (client) => {
      sent = true;
      return send(client);
    });
  } catch (error) {
    if (sent && isConnectionLoss(error)) throw new OperationalError('outcome_unknown', true, { cause: error });
    throw error;
  }
}
