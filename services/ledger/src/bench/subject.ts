/** The engine on an empty database, to be loaded and verified. */
import { assert } from '@daybook/core';
import { postgresEventStore, type EventStore } from '@daybook/event-store';
import { createLogger } from '@daybook/runtime';
import { bookJournal } from '../adapters/book-journal';
import { bookMemory } from '../adapters/book-memory';
import { keepCommandsYoung } from '../adapters/process-heap';
import { createEngine, type Engine } from '../app/engine';
import { loadConfig } from '../config';
import type { Loaded } from './load';
import { verifyBook } from './verify';
import { openLedgerDatabase, type LedgerDatabase, type Server } from './server';

export const stream = 'book-sandbox';

/** What the service does without any setting of its own. */
const defaults = loadConfig({
  DATABASE_URL: 'postgres://localhost/none',
  INTERNAL_TOKEN: 'no-service-is-called-with-this-token',
  PERSONAL_DATA_KEY: Buffer.alloc(32).toString('base64'),
});

export type Subject = Loaded & {
  readonly store: EventStore;
  readonly database: LedgerDatabase;
  /** Another engine on the same book, ready. */
  open(): Promise<Engine>;
  /** Waits until what is written in the background is written. */
  settled(): Promise<void>;
  /** Compares the journal with what was acknowledged, and with the engine's state account by account. Returns its length. */
  verify(): Promise<number>;
  close(): Promise<void>;
};

export async function openSubject(server: Server, name: string): Promise<Subject> {
  keepCommandsYoung();
  const database = await openLedgerDatabase(server, name);
  const store = postgresEventStore(database.pool);
  const logger = createLogger({ service: 'bench', level: 'error' });
  const { RECORDS_MAX: recordsMax, SNAPSHOT_EVENTS: snapshotEvery, RECORD_FILTER_MIB: mebibytes } = defaults;
  const open = async () => {
    // As the service does it, with a filter of its own.
    const settings = { pool: database.pool, recordsMax, snapshotEvery, filterBytes: mebibytes * 1_048_576, logger };
    const memory = bookMemory(stream, settings);
    const engine = createEngine({
      stream,
      openJournal: (of) => bookJournal(store, of, memory),
      now: () => new Date(),
      logger,
      onFatal: (error) => {
        throw error;
      },
    });
    await engine.start();
    return engine;
  };
  const engine = await open();
  let acknowledged = 0;
  return {
    engine,
    acknowledge: (commands) => void (acknowledged += commands),
    store,
    database,
    open,
    async settled() {
      // Snapshots and the record index are written one statement after the other; none for a while means that all are.
      for (let idle = 0; idle < 5;) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        idle = database.pool.idleCount === database.pool.totalCount ? idle + 1 : 0;
      }
    },
    async verify() {
      const { events, balances } = await verifyBook(store, stream, acknowledged);
      await engine.read((state) => {
        assert(state.length === events, `${state.length} events in memory, ${events} in the journal`);
        for (const [accountId, balance] of balances) {
          const { posted, accountType } = state.accounts.get(accountId)!;
          const signed = accountType === 'asset' || accountType === 'expense' ? -balance : balance;
          if (posted !== signed) throw new Error(`${accountId}: ${posted} in memory, ${signed} in the journal`);
        }
      });
      return events;
    },
    async close() {
      await engine.stop();
      await store.close();
      await database.close();
    },
  };
}
