import { join } from 'node:path';
import { createGenerations, eventStoreMigrations, migrate, postgresEventStore } from '@daybook/event-store';
import { uuidFrom } from '@daybook/runtime';
import { expectBooksBalance, testDatabase, testLogger, type TestDatabase } from '@daybook/testing';
import { Pool } from 'pg';
import { bookJournal } from '../src/adapters/book-journal';
import { bookEventCodec } from '../src/adapters/stored-events';
import { streamOf } from '../src/app/books';
import type { AccountFields, Entry } from '../src/domain/account';
import type { BookEvent } from '../src/domain/book-events';
import { ledgerReadModels } from '../src/projections/read-models';
import { posted as postedOnce, type Posted } from './check-history';

export const alice = uuidFrom(['tenant', 'alice']);
export const bob = uuidFrom(['tenant', 'bob']);

/**
 * The read models over books that tests write themselves. No service runs, so nothing else is recorded. With `owner`, a role
 * that may log in, all is made and run by it.
 */
export async function auditRig(owner?: string) {
  const database = await testDatabase();
  const pool = owner === undefined ? database.pool('ledger') : await ownersPool(database, owner);
  await migrate(pool, 'ledger', [
    eventStoreMigrations,
    { name: 'ledger', directory: join(__dirname, '../migrations') },
  ]);
  const store = postgresEventStore(pool);
  const { logger } = testLogger();
  const fatal: unknown[] = [];
  const projections = createGenerations({
    ...ledgerReadModels,
    pool,
    store,
    codec: bookEventCodec,
    logger,
    onFatal: (error) => fatal.push(error),
  });
  await projections.start();
  const journals = { sandbox: bookJournal(store, streamOf('sandbox')), live: bookJournal(store, streamOf('live')) };
  return {
    pool,
    url: database.url,
    /** Records events in one append, and waits until the read models show them. */
    async record(events: readonly BookEvent[], mode: 'sandbox' | 'live' = 'sandbox'): Promise<void> {
      const sealed = journals[mode].begin();
      for (const [index, event] of events.entries())
        journals[mode].add([event], { correlationId: `request-${index}`, causationId: `cause-${index}` }, sealed);
      await journals[mode].append(sealed);
      await projections.caughtUp();
    },
    async close(): Promise<void> {
      try {
        await expectBooksBalance({ ledger: pool });
      } finally {
        await projections.stop();
        await store.close();
        if (owner !== undefined) await pool.end();
        await database.drop();
      }
      expect(fatal).toEqual([]);
    },
  };
}

/** Its password is its name. */
async function ownersPool(database: TestDatabase, owner: string): Promise<Pool> {
  await database
    .pool('public')
    .query(`grant create on database ${new URL(database.url).pathname.slice(1)} to ${owner}`);
  const connectionString = Object.assign(new URL(database.url), { username: owner, password: owner }).href;
  return new Pool({ connectionString, max: 8, options: '-c search_path=ledger -c timezone=UTC' });
}
export type AuditRig = Awaited<ReturnType<typeof auditRig>>;

export function opened(accountId: string, at: string, more: Partial<AccountFields> = {}): BookEvent {
  const fields: AccountFields = {
    accountId,
    tenantId: null,
    asset: 'TXC',
    accountType: 'liability',
    floor: null,
    ceiling: null,
    metadata: null,
    ...more,
  };
  return { type: 'AccountOpened', rule: null, actor: null, ...fields, at };
}

export const posted = (id: string, entries: readonly Entry[], at: string, more: Partial<Posted> = {}): Posted => ({
  ...postedOnce(id, entries, { effectiveAt: at, ...more }),
  at,
});

export function moved(debit: string, credit: string, amount: bigint): readonly Entry[] {
  return [
    { accountId: debit, asset: 'TXC', direction: 'debit', amount },
    { accountId: credit, asset: 'TXC', direction: 'credit', amount },
  ];
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
