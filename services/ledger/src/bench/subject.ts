/** The engine on an empty database, to be loaded and verified. */
import { postgresEventStore, type EventStore } from '@daybook/event-store';
import { createLogger } from '@daybook/runtime';
import { bookJournal } from '../adapters/book-journal';
import { createEngine, type Engine } from '../app/engine';
import { verifyBook } from './verify';
import { openLedgerDatabase, type LedgerDatabase, type Server } from './server';

export const stream = 'book-sandbox';

export type Subject = {
  readonly engine: Engine;
  readonly store: EventStore;
  readonly database: LedgerDatabase;
  /** Compares the journal with the engine's state, account by account. */
  verify(): Promise<number>;
  close(): Promise<void>;
};

export async function openSubject(server: Server, name: string): Promise<Subject> {
  const database = await openLedgerDatabase(server, name);
  const store = postgresEventStore(database.pool);
  const engine = createEngine({
    stream,
    openJournal: (of) => bookJournal(store, of),
    now: () => new Date(),
    logger: createLogger({ service: 'bench', level: 'error' }),
    onFatal: (error) => {
      throw error;
    },
  });
  await engine.start();
  return {
    engine,
    store,
    database,
    async verify() {
      const length = await engine.read((state) => state.length);
      const { events, balances } = await verifyBook(store, stream, length);
      await engine.read((state) => {
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
