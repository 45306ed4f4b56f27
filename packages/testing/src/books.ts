/** The books check that every test which moves money ends with. */
import { Pool, type PoolClient } from 'pg';
import { compareIntents, type IntentEvent } from './books-intents';
import { foldBook, type Book, type BooksRule, type RawEvent, type Violation } from './books-journal';
import { bookTableQueries, compareTables, type BookTables, type Row } from './books-tables';
import { eventually } from './eventually';

export type BooksReport = {
  readonly books: readonly Book[];
  /** Empty when everything balances. */
  readonly violations: readonly Violation[];
};

/** Pools whose search path is the service's schema. With `intents`, what intents received is checked too. */
export type BooksPools = { readonly ledger: Pool; readonly intents?: Pool };

/** The pools, or the database that has both services' schemas, as the standalone's has. */
export type BooksSource = BooksPools | { readonly databaseUrl: string };

const modes = ['sandbox', 'live'];

/** Rules about what follows the journal after a moment. */
const following: readonly BooksRule[] = ['projection', 'intent'];

/** One consistent look at the books: all violations, none when they balance. */
export async function checkBooks(source: BooksSource): Promise<BooksReport> {
  if ('ledger' in source) return check(source);
  const poolOf = (schema: string) =>
    new Pool({ connectionString: source.databaseUrl, max: 1, options: `-c search_path=${schema}` });
  const pools = { ledger: poolOf('ledger'), intents: poolOf('intents') };
  try {
    return await check(pools);
  } finally {
    await Promise.all([pools.ledger.end(), pools.intents.end()]);
  }
}

async function check({ ledger, intents }: BooksPools): Promise<BooksReport> {
  // Before the ledger: what intents have by now, the ledger may have booked, or will in a moment.
  const intentEvents = intents && (await snapshot(intents, readIntents));
  return snapshot(ledger, async (client) => {
    const books: Book[] = [];
    const violations: Violation[] = [];
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
    if (intentEvents) violations.push(...compareIntents(books, intentEvents));
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
  };
}

async function readIntents(client: PoolClient): Promise<readonly IntentEvent[]> {
  const text = "select stream, type, payload from events where type = 'DepositConfirmed'";
  return (await client.query<IntentEvent>(text)).rows;
}

/** Everything that is read belongs to one moment. */
async function snapshot<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    return await work(client);
  } finally {
    await client.query('rollback').catch(() => undefined);
    client.release();
  }
}
