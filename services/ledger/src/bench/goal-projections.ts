/** G9: events a second that the read models take in, against transfers a second of the engine in the same round. */
import { assert } from '@daybook/core';
import {
  createIndexesSql,
  createTableProjections,
  createTableSql,
  tablesOf,
  type TableProjection,
} from '@daybook/event-store';
import { createLogger } from '@daybook/runtime';
import { bookEventCodec, type SealedEvent } from '../adapters/stored-events';
import { ledgerProjections } from '../projections';
import { accountsProjection } from '../projections/accounts';
import { entriesProjection } from '../projections/entries';
import type { Goal } from './goals';
import { all, closedLoad } from './load';
import { interleave, roundsOf } from './measure';
import { openSubject, type Subject } from './subject';
import { createWorkload } from './workload';

const inFlight = 4_096;

export const projections: Goal = async ({ server, rounds, seconds, accounts, tell }) => {
  const subject = await openSubject(server, 'daybook_bench_g9');
  const workload = createWorkload({ seed: 9, accounts });
  const balances = await follower(subject, 'bench_balances', [accountsProjection]);
  const entries = await follower(subject, 'bench_entries', [accountsProjection, entriesProjection]);
  const everything = await follower(subject, 'bench_all', ledgerProjections);
  try {
    await all(subject.engine, workload.accounts);
    for (const one of [balances, entries, everything]) await one.catchUp();
    const measured = await interleave(rounds, {
      engine: async () =>
        (await closedLoad(subject.engine, { command: () => workload.transfer(), inFlight, seconds })).rate,
      balances: balances.catchUp,
      entries: entries.catchUp,
      all: everything.catchUp,
    });
    for (const [name, rates] of Object.entries(measured))
      tell(`  ${name}: ${rates.map((rate) => Math.round(rate)).join(' ')}/s`);
    const events = await subject.verify();
    for (const one of [balances, entries, everything]) await one.verify();
    const yardstick = `the engine, ${inFlight} in flight`;
    const result = { goal: 'g9', unit: ' events/s', yardstick, notes: { events, accounts } };
    return [
      {
        ...result,
        what: 'balances',
        rounds: roundsOf(measured.balances, measured.engine),
        bar: { atLeast: 1 },
      },
      {
        ...result,
        what: 'balances and entries',
        rounds: roundsOf(measured.entries, measured.engine),
        bar: { atLeast: 0.5 },
      },
      { ...result, what: 'all read models', rounds: roundsOf(measured.all, measured.engine) },
    ];
  } finally {
    await subject.close();
  }
};

/** Some of the read models in a schema of their own. */
async function follower(subject: Subject, schema: string, some: readonly TableProjection<SealedEvent>[]) {
  const { store, database, engine } = subject;
  const { pool } = database;
  await pool.query(`create schema ${schema}`);
  for (const table of tablesOf(some)) {
    for (const statement of [createTableSql(schema, table), ...createIndexesSql(schema, table)])
      await pool.query(statement);
  }
  const applied = async () =>
    Number(
      (await pool.query('select applied_count from subscriptions where name = $1', [schema])).rows[0]?.applied_count ??
        0,
    );
  return {
    /** Events a second, from its last place to the end of the log. */
    async catchUp(): Promise<number> {
      const runner = createTableProjections({
        pool,
        store,
        codec: bookEventCodec,
        name: schema,
        schema,
        projections: some,
        logger: createLogger({ service: 'bench', level: 'error' }),
        onFatal(error) {
          throw error;
        },
      });
      const before = await applied();
      const began = performance.now();
      await runner.start();
      await runner.caughtUp();
      const elapsed = performance.now() - began;
      await runner.stop();
      return (((await applied()) - before) / elapsed) * 1_000;
    },
    /** Every account as the engine has it. */
    async verify(): Promise<void> {
      const { rows } = await pool.query<{ account_id: string; posted: string; version: string }>(
        `select account_id, posted, version from ${schema}.accounts_v1`,
      );
      await engine.read((state) => {
        assert(rows.length === state.accounts.size, `${schema} has ${rows.length} accounts`);
        for (const { account_id: id, posted, version } of rows) {
          const account = state.accounts.get(id);
          assert(account && `${account.posted} ${account.version}` === `${posted} ${version}`, `${schema}: ${id}`);
        }
      });
    },
  };
}
