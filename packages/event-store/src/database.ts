import type { Socket } from 'node:net';
import { isOperationalError } from '@daybook/core';
import { reasonOf, StartRefusal } from '@daybook/runtime';
import { Pool, type ClientBase, type PoolClient, type QueryConfig, type QueryResult } from 'pg';
import { asOperational, isConnectionLoss } from './operational';

/** A connection inside a transaction. Only `inTransaction` can make one. */
export type Tx = PoolClient & { readonly __tx: unique symbol };

/** A statement and its values. */
export type Sql = { readonly text: string; readonly values: readonly unknown[] };

/** No statement or forgotten transaction may hold back the readers of the log for longer. */
const statementTimeoutMs = 30_000;
const idleInTransactionTimeoutMs = 30_000;
/** Whoever waits so long for a lock gives way: it may hold others itself. */
const lockTimeoutMs = 10_000;

/**
 * Silence of the server after which a connection is taken for lost. A way that swallows what is sent closes nothing, and
 * whoever waits for an answer would wait for ever. The server ends a statement before.
 */
const answerTimeoutMsDefault = 40_000;
/** For connections that nobody waits on, such as those that listen: the other machine may have gone. */
const keepAliveAfterMs = 10_000;

/** Bounds both connecting and waiting for a free connection: callers get an answer while the database is away. */
const connectTimeoutMs = 10_000;

/**
 * Connections to a service's own schema. int8 and numeric arrive as text; callers turn them into bigint. What is asked of the
 * pool fails with OperationalError `store_unavailable` when the database is away.
 */
export function openDatabase(options: {
  readonly url: string;
  readonly schema: string;
  readonly poolMax: number;
  onError(error: Error): void;
  /** Less than the default in tests only: a statement that takes longer is not known to have ended. */
  readonly answerTimeoutMs?: number;
}): Pool {
  const { answerTimeoutMs = answerTimeoutMsDefault } = options;
  const url = new URL(options.url);
  // The driver prefers what the URL says, so options given there are extended; the last one of a name counts.
  const settings = [
    url.searchParams.get('options'),
    `-c search_path=${options.schema}`,
    `-c statement_timeout=${statementTimeoutMs}`,
    `-c lock_timeout=${lockTimeoutMs}`,
    `-c idle_in_transaction_session_timeout=${idleInTransactionTimeoutMs}`,
    '-c timezone=UTC',
  ];
  url.searchParams.set('options', settings.filter((setting) => setting !== null).join(' '));
  const pool = new Pool({
    connectionString: url.href,
    max: options.poolMax,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveAfterMs,
    query_timeout: answerTimeoutMs,
    // For `queryAll` and `together`; whoever awaits each statement notices nothing of it.
    pipeline: true,
    application_name: `daybook ${options.schema}`,
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', options.onError);
  pool.on('release', (_error, client) => (waitingOf(client).query_timeout = answerTimeoutMs));
  failOperationally(pool);
  return pool;
}

/** Asked first when a program starts. Throws StartRefusal where the server is away, or does not let us in. */
export async function assertDatabase(pool: Pool): Promise<void> {
  await pool.query('select 1').catch((error: unknown) => {
    throw asNoDatabase(error);
  });
}

/** Turns such an error into the refusal of a start; any other stays what it is. */
export function asNoDatabase(error: unknown): unknown {
  const failure = asOperational(error);
  if (!isOperationalError(failure) && !isConnectionLoss(error)) return error;
  const reason = reasonOf(isOperationalError(failure) ? failure.cause : error);
  return new StartRefusal(`the database of DATABASE_URL cannot be used: ${reason}`, { cause: error });
}

/** So that no caller takes an outage for a fault of the program, which would end the process. */
function failOperationally(pool: Pool): void {
  const query = pool.query.bind(pool) as unknown as (...asked: unknown[]) => Promise<unknown>;
  const connect = pool.connect.bind(pool) as (callback?: unknown) => Promise<unknown>;
  pool.query = ((...asked: unknown[]) => query(...asked).catch(operationally)) as Pool['query'];
  // The pool itself asks with a callback.
  pool.connect = ((callback?: unknown) =>
    callback === undefined ? connect().catch(operationally) : connect(callback)) as Pool['connect'];
}

/** The driver's own parameters of one connection. */
function waitingOf(client: ClientBase): { query_timeout: number } {
  return (client as unknown as { connectionParameters: { query_timeout: number } }).connectionParameters;
}

/**
 * For statements that may take as long as they need: from here on the answers of this connection are waited for without
 * end, until it goes back to its pool. The server's own limits are its caller's to lift.
 */
export function waitForAnswers(client: ClientBase): void {
  waitingOf(client).query_timeout = 0;
}

/**
 * Lends a connection to `work`. One that broke meanwhile, or that `work` discards, is closed instead of going back to
 * the pool. Failures of the database surface as OperationalError.
 */
export async function withConnection<T>(
  pool: Pool,
  work: (client: PoolClient, discard: (reason: Error) => void) => Promise<T>,
): Promise<T> {
  const client = await pool.connect().catch(operationally);
  let broken: Error | undefined;
  const discard = (reason: Error) => (broken = reason);
  // The pool listens to idle connections only; a lent one that breaks between statements would end the process.
  client.on('error', discard);
  try {
    return await work(client, discard);
  } catch (error) {
    if (isConnectionLoss(error)) discard(error as Error);
    return operationally(error);
  } finally {
    client.off('error', discard);
    client.release(broken);
  }
}

function operationally(error: unknown): never {
  throw asOperational(error);
}

/** Commits when `work` returns, rolls back when it throws. Failures of the database surface as OperationalError. */
export async function inTransaction<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  return inTransactionAfter(pool, nothing, work);
}

const nothing = async () => undefined;

/**
 * As `inTransaction`, which `read` begins: its first statements go out together with the begin. It must do no harm outside of
 * a transaction, because it is run even where the begin has failed.
 */
export async function inTransactionAfter<Read, T>(
  pool: Pool,
  read: (tx: Tx) => Promise<Read>,
  work: (tx: Tx, read: Read) => Promise<T>,
): Promise<T> {
  return withConnection(pool, async (client, discard) => {
    const tx = client as Tx;
    try {
      const [, found] = await together(tx, [() => tx.query('begin'), () => read(tx)]);
      const result = await work(tx, found);
      await client.query('commit');
      return result;
    } catch (error) {
      // On a connection that is lost nobody answers to it.
      if (!isConnectionLoss(error)) await client.query('rollback').catch(discard);
      throw error;
    }
  });
}

/**
 * Asks for both at once where the connection can, in one write and one round trip: the second must not depend on the
 * first. Throws what the first fails with rather than the second, which the server refuses because of it.
 */
export async function together<First, Second>(
  tx: Tx,
  [first, second]: readonly [() => Promise<First>, () => Promise<Second>],
): Promise<[First, Second]> {
  if (!tx.pipeline) return [await first(), await second()];
  const [one, other] = await inOneWrite(tx, () => Promise.allSettled([first(), second()]));
  if (one.status === 'rejected') throw one.reason;
  if (other.status === 'rejected') throw other.reason;
  return [one.value, other.value];
}

/** What is written to the connection meanwhile goes out when it returns. */
function inOneWrite<T>(tx: Tx, ask: () => T): T {
  const { stream } = (tx as unknown as { readonly connection: { readonly stream: Socket } }).connection;
  stream.cork();
  try {
    return ask();
  } finally {
    stream.uncork();
  }
}

/**
 * Runs statements in order without waiting for each answer, where the connection can: a batch costs its work, not its
 * round trips. Throws the first failure; in a transaction those behind it have no effect.
 */
export async function runAll(tx: Tx, statements: readonly Sql[]): Promise<void> {
  await queryAll(tx, statements);
}

/** As `runAll`, with the answers. Rows are objects, or arrays for a statement that says so. */
export async function queryAll(
  tx: Tx,
  statements: readonly (Sql & { readonly rowMode?: 'array' })[],
): Promise<readonly QueryResult[]> {
  const run = async ({ text, values, ...how }: Sql) => tx.query({ ...prepared(text, values), ...how });
  const results: QueryResult[] = [];
  if (!tx.pipeline) {
    for (const statement of statements) results.push(await run(statement));
    return results;
  }
  for (const answer of await inOneWrite(tx, () => Promise.allSettled(statements.map(run)))) {
    if (answer.status === 'rejected') throw answer.reason;
    results.push(answer.value);
  }
  return results;
}

/** A statement that each connection parses and plans once: for fixed texts that are asked often. */
export function prepared(text: string, values: readonly unknown[]): QueryConfig {
  return { ...namedStatement(text), values: [...values] };
}

/** Texts that are built from data would fill the memory of every connection. */
const preparedStatementsMax = 400;
const statementNames = new Map<string, string>();
let namesGiven = 0;

/** With a name, so that the server parses and plans it once a connection; the first texts seen get one. */
function namedStatement(text: string): { text: string; name?: string } {
  const known = statementNames.get(text);
  if (known !== undefined) return { text, name: known };
  if (statementNames.size >= preparedStatementsMax) return { text };
  // Never one that another text had: connections keep what they parsed under it.
  const name = `run_all_${namesGiven++}`;
  statementNames.set(text, name);
  return { text, name };
}

/** For texts that nobody asks any more: others get names in their place. */
export function forgetPrepared(texts: readonly string[]): void {
  for (const text of texts) statementNames.delete(text);
}
