/**
 * G9: events a second that the read models take in, against transfers a second of the engine in the same round: some of
 * them, all of them as the service follows, and all of them built anew beside those. What was built anew is compared with
 * what followed, byte for byte, before it is dropped.
 */
import { assert } from '@daybook/core';
import {
  createGenerations,
  createIndexesSql,
  createTableProjections,
  createTableSql,
  tablesOf,
  type Projections,
  type TableProjection,
} from '@daybook/event-store';
import { createLogger } from '@daybook/runtime';
import { bookEventCodec, type SealedEvent } from '../adapters/stored-events';
import { accountsProjection } from '../projections/accounts';
import { entriesProjection } from '../projections/entries';
import { ledgerReadModels } from '../projections/read-models';
import type { Goal } from './goals';
import { all, closedLoad } from './load';
import { interleave, median, roundsOf } from './measure';
import { openSubject, type Subject } from './subject';
import { createWorkload } from './workload';

const inFlight = 4_096;

export const projections: Goal = async ({ server, rounds, seconds, accounts, tell }) => {
  const subject = await openSubject(server, 'daybook_bench_g9');
  const workload = createWorkload({ seed: 9, accounts });
  const balances = await follower(subject, 'bench_balances', [accountsProjection]);
  const entries = await follower(subject, 'bench_entries', [accountsProjection, entriesProjection]);
  const everything = generations(subject);
  try {
    await all(subject, workload.accounts);
    for (const one of [balances, entries, everything]) await one.catchUp();
    const measured = await interleave(rounds, {
      engine: async () => (await closedLoad(subject, { command: () => workload.transfer(), inFlight, seconds })).rate,
      balances: balances.catchUp,
      entries: entries.catchUp,
      all: everything.catchUp,
    });
    for (const [name, rates] of Object.entries(measured))
      tell(`  ${name}: ${rates.map((rate) => Math.round(rate)).join(' ')}/s`);
    // Once: it reads what all rounds have written.
    const rebuilt = await everything.rebuild();
    tell(`  rebuilt: ${Math.round(rebuilt)}/s`);
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
      { ...result, what: 'all of them, rebuilt', rounds: roundsOf([rebuilt], [median(measured.engine)]) },
    ];
  } finally {
    await subject.close();
  }
};

/** Some of the read models in a schema of their own. */
async function follower(subject: Subject, schema: string, some: readonly TableProjection<SealedEvent>[]) {
  const { pool } = subject.database;
  await pool.query(`create schema ${schema}`);
  for (const table of tablesOf(some)) {
    for (const statement of [createTableSql(schema, table), ...createIndexesSql(schema, table)])
      await pool.query(statement);
  }
  return {
    /** Events a second, from its last place to the end of the log. */
    async catchUp(): Promise<number> {
      const runner = createTableProjections({ ...depsOf(subject), name: schema, schema, projections: some });
      return rateOf(subject, schema, runner);
    },
    verify: () => verifyAccounts(subject, schema),
  };
}

/** All of them, as the service has them. */
function generations(subject: Subject) {
  const open = () => createGenerations({ ...ledgerReadModels, ...depsOf(subject) });
  return {
    catchUp: () => rateOf(subject, 'ledger_g1', open()),
    /** Events a second, from the first one to the end of the log. The comparison is not in it. */
    async rebuild(): Promise<number> {
      const began = performance.now();
      let built: number | undefined;
      const { events, compared } = await open().rebuild({
        signal: new AbortController().signal,
        switch: 'never',
        progress({ phase }) {
          if (phase === 'comparing') built ??= performance.now();
        },
      });
      assert(built !== undefined && compared.length > 0, 'nothing was compared');
      for (const { table, equal } of compared) assert(equal, `${table} is not what it was rebuilt to`);
      return (Number(events) / (built - began)) * 1_000;
    },
    verify: () => verifyAccounts(subject, 'ledger_g1'),
  };
}

function depsOf({ store, database: { pool } }: Subject) {
  return {
    pool,
    store,
    codec: bookEventCodec,
    logger: createLogger({ service: 'bench', level: 'error' }),
    onFatal(error: unknown) {
      throw error;
    },
  };
}

/** Events a second, from the checkpoint's last place to the end of the log. */
async function rateOf({ database: { pool } }: Subject, checkpoint: string, runner: Projections): Promise<number> {
  const applied = async () => {
    const { rows } = await pool.query<{ count: string }>(
      'select coalesce(max(applied_count), 0) as count from subscriptions where name = $1',
      [checkpoint],
    );
    return Number(rows[0]!.count);
  };
  const before = await applied();
  const began = performance.now();
  await runner.start();
  await runner.caughtUp();
  const elapsed = performance.now() - began;
  await runner.stop();
  return (((await applied()) - before) / elapsed) * 1_000;
}

/** Every account as the engine has it. */
async function verifyAccounts({ engine, database: { pool } }: Subject, schema: string): Promise<void> {
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
}
