/** The books check that every test which moves money ends with. */
import { auditSubscriptions, start, type EventStore } from '@daybook/event-store';
import { Pool, type PoolClient } from 'pg';
import { compareDeposits, type ChainEvent, type WalletEvent } from './books-deposits';
import { compareIntents, type IntentEvent } from './books-intents';
import type { Book, BooksRule, RawEvent, Violation } from './books-fold';
import { foldBook } from './books-journal';
import { bookTableQueries, compareTables, type BookTables, type Row } from './books-tables';
import { eventually } from './eventually';

export type BooksReport = {
  readonly books: readonly Book[];
  /** Empty when everything balances. */
  readonly violations: readonly Violation[];
};

/**
 * Pools whose search path is the service's schema. With `intents`, what intents received is checked too; with
 * `chainWatcher`, that they received what the chains say, and with `settlement` that hot wallets did.
 */
export type BooksPools = {
  readonly ledger: Pool;
  readonly intents?: Pool;
  readonly chainWatcher?: Pool;
  readonly settlement?: Pool;
};

/** The pools, or the database that has the services' schemas, as the standalone's has, and maybe not their events. */
export type BooksSource =
  BooksPools | { readonly databaseUrl: string; readonly eventsOf?: ((service: string) => EventStore) | undefined };

const modes = ['sandbox', 'live'];

/** Rules about what follows the journal after a moment. */
const following: readonly BooksRule[] = ['projection', 'intent', 'deposit'];

/** One consistent look at the books: all violations, none when they balance. */
export async function checkBooks(source: BooksSource): Promise<BooksReport> {
  if ('ledger' in source) return check(source, () => undefined);
  const poolOf = (schema: string) =>
    new Pool({ connectionString: source.databaseUrl, max: 1, options: `-c search_path=${schema}` });
  const pools = {
    ledger: poolOf('ledger'),
    intents: poolOf('intents'),
    chainWatcher: poolOf('chain_watcher'),
    settlement: poolOf('settlement'),
  };
  try {
    const { rows } = await pools.ledger.query<{ name: string }>(
      `select nspname as name from pg_namespace where nspname in ('chain_watcher', 'settlement')`,
    );
    const { chainWatcher, settlement, ...others } = pools;
    const there = rows.map(({ name }) => name);
    const present = {
      ...(there.includes('chain_watcher') ? { chainWatcher } : {}),
      ...(there.includes('settlement') ? { settlement } : {}),
    };
    return await check({ ...others, ...present }, stores(pools, source.eventsOf));
  } finally {
    await Promise.all(Object.values(pools).map((pool) => pool.end()));
  }
}

/** Where the events of a schema are, if not beside its tables. */
type StoreOf = (pool: Pool) => EventStore | undefined;

function stores(
  { ledger, intents, chainWatcher, settlement }: Required<BooksPools>,
  eventsOf: ((service: string) => EventStore) | undefined,
): StoreOf {
  const services = new Map([
    [ledger, 'ledger'],
    [intents, 'intents'],
    [chainWatcher, 'chain-watcher'],
    [settlement, 'settlement'],
  ]);
  return (pool) => eventsOf?.(services.get(pool)!);
}

async function check(
  { ledger, intents, chainWatcher, settlement }: BooksPools,
  storeOf: StoreOf,
): Promise<BooksReport> {
  // Before the ledger: what intents have by now, the ledger may have booked, or will in a moment.
  const chain = chainWatcher && (await snapshot(chainWatcher, storeOf, withReaders(readDeposits)));
  const received = intents && (await snapshot(intents, storeOf, withReaders(readIntents)));
  const wallets = settlement && (await snapshot(settlement, storeOf, withReaders(readWallets)));
  return snapshot(ledger, storeOf, async (client, store) => {
    const books: Book[] = [];
    const violations = [
      ...(chain?.violations ?? []),
      ...(received?.violations ?? []),
      ...(wallets?.violations ?? []),
      ...(await readReaders(client, store)),
    ];
    for (const mode of modes) {
      const stream = `book-${mode}`;
      const { rows } = await client.query<RawRow>(
        'select id, revision::text, type, payload from events where stream = $1 order by events.revision',
        [stream],
      );
      const book = foldBook(stream, rows.map(rawEvent));
      books.push(book);
      violations.push(...book.violations, ...compareTables(book, await readTables(client, mode)));
    }
    if (received) violations.push(...compareIntents(books, received.events));
    if (chain && received) violations.push(...compareDeposits(chain.events, received.events, wallets?.events));
    return { books, violations };
  });
}

/**
 * Fails with every violation. Read models and services follow the journal, so they are given `timeoutMs` to agree with
 * it; what is wrong in the journal itself fails at once.
 */
export async function expectBooksBalance(source: BooksSource, options = { timeoutMs: 15_000 }): Promise<void> {
  let final: Error | undefined;
  await eventually(async () => {
    const { violations } = await checkBooks(source);
    if (violations.length === 0) return;
    const error = new Error(describeViolations(violations));
    if (violations.every(({ rule }) => following.includes(rule))) throw error;
    final = error;
  }, options);
  if (final) throw final;
}

function describeViolations(violations: readonly Violation[]): string {
  const lines = violations.map(({ rule, where, sequence, message }) => {
    return `  ${rule}: ${where}${sequence === undefined ? '' : ` at ${sequence}`}: ${message}`;
  });
  return [`the books do not balance (${violations.length})`, ...lines].join('\n');
}

type RawRow = { readonly id: string; readonly revision: string; readonly type: string; readonly payload: Buffer };

function rawEvent({ id, revision, type, payload }: RawRow): RawEvent {
  return { id, revision: BigInt(revision), type, payload };
}

async function readTables(client: PoolClient, mode: string): Promise<BookTables> {
  const read = async (table: keyof BookTables) => (await client.query<Row>(bookTableQueries[table], [mode])).rows;
  return {
    accounts: await read('accounts'),
    transfers: await read('transfers'),
    transactions: await read('transactions'),
    entries: await read('entries'),
    holds: await read('holds'),
  };
}

/** Every reader of a log has applied exactly the events up to its place: by count and by exclusive or of their ids. */
async function readReaders(client: PoolClient, store: EventStore | undefined): Promise<readonly Violation[]> {
  if (store !== undefined) return auditReaders(client, store);
  const { rows } = await client.query<{ where: string; name: string; applied: string; there: string }>(
    `select current_schema() as "where", s.name, s.applied_count::text as applied, log.there::text
     from subscriptions s cross join lateral (
       select count(*) as there,
              coalesce(bit_xor(('x' || replace(id::text, '-', ''))::bit(128)), repeat('0', 128)::bit(128)) as hash
       from events where (tx, events.position) <= (
         (case s.position when 'start' then null else split_part(s.position, ':', 1) end)::xid8,
         (case s.position when 'start' then null else split_part(s.position, ':', 2) end)::bigint)) log
     where s.applied_count <> log.there or s.applied_hash <> log.hash`,
  );
  return rows.map(({ where, name, applied, there }) => {
    const message = `${name} has applied ${applied} events, and its place is behind ${there}; or they are not the same`;
    return { rule: 'reader', where, message } as const;
  });
}

async function auditReaders(client: PoolClient, store: EventStore): Promise<readonly Violation[]> {
  const audits = await auditSubscriptions(client, store);
  return audits
    .filter(({ agrees }) => !agrees)
    .map(({ name, applied, log }) => {
      const message = `${name} has applied ${applied.count} events, and its place is behind ${log.count}; or they are not the same`;
      return { rule: 'reader', where: 'EventStoreDB', message } as const;
    });
}

function withReaders<T>(read: (client: PoolClient) => Promise<T>) {
  return async (client: PoolClient, store: EventStore | undefined) => ({
    events: await read(client),
    violations: await readReaders(client, store),
  });
}

async function readDeposits(client: PoolClient): Promise<readonly ChainEvent[]> {
  return (await client.query<ChainEvent>("select payload from events where type = 'DepositConfirmed'")).rows;
}

async function readIntents(client: PoolClient): Promise<readonly IntentEvent[]> {
  const text = "select stream, type, payload from events where type = 'DepositConfirmed'";
  return (await client.query<IntentEvent>(text)).rows;
}

async function readWallets(client: PoolClient): Promise<readonly WalletEvent[]> {
  const text = "select type, payload from events where type in ('WalletFunded', 'SweepReceived', 'TransactionClaimed')";
  return (await client.query<WalletEvent>(text)).rows;
}

/** Everything that is read belongs to one moment; events from elsewhere to one after it. */
async function snapshot<T>(
  pool: Pool,
  storeOf: StoreOf,
  work: (client: PoolClient, store: EventStore | undefined) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  const store = storeOf(pool);
  try {
    if (store !== undefined) await expectNoEvents(client);
    if (store !== undefined) await client.query(eventsElsewhereSql);
    await client.query('begin isolation level repeatable read read only');
    if (store !== undefined) await loadEvents(client, store);
    return await work(client, store);
  } finally {
    await client.query('rollback').catch(() => undefined);
    client.release();
    await store?.close();
  }
}

async function expectNoEvents(client: PoolClient): Promise<void> {
  const { rows } = await client.query('select from events limit 1');
  if (rows.length > 0) throw new Error('there are events in Postgres, though the log is elsewhere');
}

/** A temporary table is found before the schema's own. */
const eventsElsewhereSql = `create temporary table events
  (stream text not null, revision bigint not null, id uuid not null, type text not null, payload bytea not null)`;
const pageSize = 1_000;

async function loadEvents(client: PoolClient, store: EventStore): Promise<void> {
  // The first statement of the transaction fixes its moment: what the tables have seen by then, the log has too.
  await client.query('select count(*) from subscriptions');
  for (let position = start, page; (page = await store.readAll(position, pageSize)).length > 0;) {
    position = page.at(-1)!.position;
    await client.query(
      `insert into events select * from unnest($1::text[], $2::bigint[], $3::uuid[], $4::text[], $5::bytea[])`,
      [
        page.map(({ stream }) => stream),
        page.map(({ revision }) => revision),
        page.map(({ id }) => id),
        page.map(({ type }) => type),
        page.map(({ payload }) => payload),
      ],
    );
  }
}
