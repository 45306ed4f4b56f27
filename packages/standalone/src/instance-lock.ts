import { Client } from 'pg';
import type { Component } from '@daybook/runtime';
import { StartRefusal } from './start-refusal';

/** Any number; it stands for "the standalone of this database". */
const lockKey = 7_204_311_905;
const waitMs = 5_000;
const retryMs = 100;

/**
 * Lets one standalone at a time run on a database. The lock belongs to a connection, so it ends with its process
 * however that ends; a start right after a crash waits a moment for the server to notice.
 */
export function instanceLock(databaseUrl: () => string): Component {
  let client: Client | undefined;
  return {
    name: 'instance lock',
    async start() {
      client = new Client({ connectionString: databaseUrl() });
      client.on('error', () => undefined);
      await client.connect();
      const deadline = performance.now() + waitMs;
      for (;;) {
        const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [
          lockKey,
        ]);
        if (rows[0]?.locked) return;
        if (performance.now() > deadline)
          throw new StartRefusal('another Daybook runs on this DAYBOOK_HOME or DATABASE_URL; stop it first');
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    },
    async stop() {
      await client?.end();
    },
  };
}
