/**
 * A fresh system: a database of its own, empty topics, new processes. Some runs follow each other on one, each with a tenant
 * of its own, as on a system that has been up for a while; what one run leaves behind, the next one stands on.
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startFleet, type Fleet } from './fleet';
import type { Lab } from './lab';
import { openReceivers, type Receivers } from './people';

export type System = {
  /** Of the first run on it. */
  readonly firstSeed: number;
  readonly databaseUrl: string;
  readonly fleet: Fleet;
  /** For one tenant. They stay open for as long as the system: what is told late is told to somebody. */
  receivers(): Promise<Receivers>;
  /** With the logs of the services kept in the directory. */
  close(keep?: string): Promise<void>;
};

export async function openSystem(lab: Lab, firstSeed: number): Promise<System> {
  const database = `faults_${firstSeed}`;
  await lab.prepare(database);
  const fleet = startFleet(lab, database);
  const opened: Receivers[] = [];
  return {
    firstSeed,
    databaseUrl: lab.postgres.url(database),
    fleet,
    async receivers() {
      const receivers = await openReceivers();
      opened.push(receivers);
      return receivers;
    },
    async close(keep) {
      await fleet.stop();
      await Promise.all(opened.flatMap(({ transfers, intents }) => [transfers.close(), intents.close()]));
      if (keep !== undefined) cpSync(fleet.directory, join(keep, database), { recursive: true });
      rmSync(fleet.directory, { recursive: true, force: true });
      await lab.drop(database);
    },
  };
}
