/** G2 and G3: against a ledger in SQL, and one hot account against many. */
import type { BenchOptions, Goal } from './goals';
import { all, closedLoad } from './load';
import { interleave, roundsOf, type Side } from './measure';
import { openSqlLedger, type SqlLedger } from './sql-ledger';
import { openSubject, type Subject } from './subject';
import { createWorkload } from './workload';

const inFlight = 4_096;

async function engineSides(
  subject: Subject,
  { accounts, seconds }: BenchOptions,
): Promise<{ hot: Side; uniform: Side }> {
  const uniform = createWorkload({ seed: 11, accounts });
  const hot = createWorkload({ seed: 12, accounts, hot: true });
  await all(subject, uniform.accounts);
  const side = (command: typeof uniform.transfer) => async () =>
    (await closedLoad(subject, { command, inFlight, seconds })).rate;
  return { uniform: side(uniform.transfer), hot: side(hot.transfer) };
}

function sqlSides(sql: SqlLedger, seconds: number, hot: boolean): Record<'one' | 'eight' | 'many', Side> {
  const side = (connections: number) => () => sql.transfers({ connections, hot, seconds });
  return { one: side(1), eight: side(8), many: side(32) };
}

export const againstSql: Goal = async (options) => {
  const subject = await openSubject(options.server, 'daybook_bench_g2');
  const sql = await openSqlLedger(subject.database.url);
  try {
    const engine = await engineSides(subject, options);
    const results = [];
    for (const hot of [true, false]) {
      const measured = await interleave(options.rounds, {
        ...sqlSides(sql, options.seconds, hot),
        ours: hot ? engine.hot : engine.uniform,
      });
      const best = measured.one.map((one, round) => Math.max(one, measured.eight[round]!, measured.many[round]!));
      const what = `transfers, ${hot ? 'one hot account' : `${options.accounts} accounts`}`;
      const result = { goal: 'g2', what, unit: '/s' };
      const best40 = { atLeast: hot ? 40 : 20 };
      results.push({ ...result, yardstick: 'best SQL', rounds: roundsOf(measured.ours, best), bar: best40 });
      const many = { ...result, yardstick: 'SQL, 32 connections', rounds: roundsOf(measured.ours, measured.many) };
      results.push(hot ? { ...many, bar: { atLeast: 100 } } : many);
    }
    await subject.verify();
    return results;
  } finally {
    await sql.close();
    await subject.close();
  }
};

export const contention: Goal = async (options) => {
  const subject = await openSubject(options.server, 'daybook_bench_g3');
  try {
    const { hot, uniform } = await engineSides(subject, options);
    const measured = await interleave(options.rounds, { uniform, hot });
    await subject.verify();
    const what = `transfers, one hot account, ${options.accounts} accounts`;
    const rounds = roundsOf(measured.hot, measured.uniform);
    return [{ goal: 'g3', what, unit: '/s', yardstick: 'uniform', rounds, bar: { atLeast: 0.95 } }];
  } finally {
    await subject.close();
  }
};
