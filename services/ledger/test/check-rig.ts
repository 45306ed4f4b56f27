import { createGenerations, eventStoreMigrations, migrate, postgresEventStore, tablesOf } from '@daybook/event-store';
import { testDatabase, testLogger } from '@daybook/testing';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { checkSource } from '../src/adapters/check-source';
import { bookJournal } from '../src/adapters/book-journal';
import { bookEventCodec, encodeBookEvent, genesisHash, referenceOf } from '../src/adapters/stored-events';
import { streamOf } from '../src/app/books';
import { checkLedger, type CheckOptions } from '../src/app/check/check';
import type { CheckReport, Difference, Violation } from '../src/app/check/findings';
import type { BookEvent } from '../src/domain/book-events';
import { ledgerProjections } from '../src/projections';
import { ledgerReadModels } from '../src/projections/read-models';
import { validHistory } from './check-history';

/** A schema in front of the ledger's: what is copied there is what the check reads. */
const scratch = 'scratch';
export const ledgerTables = tablesOf(ledgerProjections);

/** Books with every kind of event, their tables, and a check over them. No service runs, so nothing moves meanwhile. */
export async function checkRig() {
  const database = await testDatabase();
  const pool = database.pool('ledger');
  await migrate(pool, 'ledger', [
    eventStoreMigrations,
    { name: 'ledger', directory: join(__dirname, '../migrations') },
  ]);
  await pool.query(`create schema ${scratch}`);
  const { logger } = testLogger();
  const store = postgresEventStore(pool);
  const history = validHistory();
  for (const mode of ['sandbox', 'live'] as const) {
    const journal = bookJournal(store, streamOf(mode));
    const sealed = journal.begin();
    for (const event of history) journal.add([event], { correlationId: 'test', causationId: 'test' }, sealed);
    await journal.append(sealed);
  }
  const fatal: unknown[] = [];
  const onFatal = (error: unknown) => fatal.push(error);
  const projections = createGenerations({ ...ledgerReadModels, pool, store, codec: bookEventCodec, logger, onFatal });
  await projections.start();
  await projections.caughtUp();
  await projections.stop();
  expect(fatal).toEqual([]);
  const source = checkSource({ pool: database.pool(`${scratch},ledger`), store });

  return {
    pool,
    store,
    source,
    events: history.length,
    check: (options: Partial<CheckOptions> = {}) =>
      checkLedger({
        source,
        now: new Date('2026-02-03T00:00:00.000Z'),
        clearingDeadlineS: 86_400,
        signal: new AbortController().signal,
        progress: () => undefined,
        ...options,
      }),
    /** A copy of the table in front of it, without its constraints; `drop` takes it away. */
    async copy(table: string) {
      const copied = `${scratch}.${table}`;
      await pool.query(`create table ${copied} as select * from ledger.${table}`);
      return { name: copied, drop: () => pool.query(`drop table ${copied}`) };
    },
    /** Does something to the log that is forbidden, for the time of `work`; `undo` makes it good again. */
    async sabotage<T>(sql: string, undo: string, work: () => Promise<T>): Promise<T> {
      await pool.query('alter table appends disable trigger user');
      try {
        await pool.query(sql);
        return await work();
      } finally {
        await pool.query(undo);
        await pool.query('alter table appends enable trigger user');
      }
    },
    /** Appends what no book would have recorded, sealed as if it had, for the time of `work`. */
    async forged<T>(events: readonly BookEvent[], work: () => Promise<T>): Promise<T> {
      const stream = streamOf('sandbox');
      const last = (await store.readStream(stream)).at(-1);
      let head = last === undefined ? genesisHash : referenceOf(last.payload).slice(2);
      const sealed = events.map((event) => {
        const encoded = encodeBookEvent(event, head);
        head = referenceOf(encoded.payload).slice(2);
        return { ...encoded, id: randomUUID(), metadata: { correlationId: 'test', causationId: 'test' } };
      });
      await store.append(stream, sealed, BigInt(history.length) - 1n);
      const undo = `delete from appends where stream = '${stream}' and first_revision >= ${history.length}`;
      return this.sabotage('select 1', undo, work);
    },
    async close() {
      const last = await this.check();
      await store.close();
      await database.drop();
      expect(last).toMatchObject({ status: 'CLEAN' });
    },
  };
}
export type CheckRig = Awaited<ReturnType<typeof checkRig>>;

export function passOf(report: CheckReport, table: string) {
  const pass = report.passes.find((one) => one.table === table);
  if (pass === undefined) throw new Error(`no pass of ${table}`);
  return pass;
}

/** What is not clean: by table and by invariant. */
export function dirty(report: CheckReport) {
  return {
    tables: report.passes
      .filter(({ status }) => status !== 'CLEAN')
      .map(({ table }) => table)
      .toSorted(),
    invariants: report.invariants.filter(({ status }) => status !== 'CLEAN').map(({ id }) => id),
  };
}

export function differencesOf(report: CheckReport, table: string): readonly Difference[] {
  return passOf(report, table).listed;
}

export function violationsOf(report: CheckReport, id: string): readonly Violation[] {
  return report.invariants.find((one) => one.id === id)?.listed ?? [];
}
