/** G7 and G8: what a long history costs at the start, in writing and in reading. */
import { assert } from '@daybook/core';
import { createGenerations } from '@daybook/event-store';
import { createLogger } from '@daybook/runtime';
import { bookEventCodec } from '../adapters/stored-events';
import { auditBalances } from '../projections/audit-balances';
import { ledgerReadModels } from '../projections/read-models';
import type { BenchOptions, Goal } from './goals';
import { all, closedLoad } from './load';
import { interleave, percentile, roundsOf } from './measure';
import { openSubject, type Subject } from './subject';
import { createWorkload, type Workload } from './workload';

const shortHistory = 100_000;
const portion = 20_000;
const inFlight = 4_096;
const reads = 2_000;

type Grown = {
  readonly subject: Subject;
  readonly workload: Workload;
  /** When its first and its last event were recorded, in milliseconds. */
  readonly from: number;
  readonly to: number;
};

async function grow(options: BenchOptions, name: string, events: number, seed: number): Promise<Grown> {
  const subject = await openSubject(options.server, name);
  const workload = createWorkload({ seed, accounts: options.accounts });
  const from = Date.now();
  await all(subject, workload.accounts);
  for (let made = workload.accounts.length; made < events; made += portion) {
    const commands = Array.from({ length: Math.min(portion, events - made) }, () => workload.transfer());
    await all(subject, commands);
  }
  await subject.settled();
  return { subject, workload, from, to: Date.now() };
}

/**
 * Milliseconds until an engine on the stored book is ready. What the one before it reads and writes in the background is
 * waited for: its filter is warmed on the same thread.
 */
async function startOf({ subject }: Grown): Promise<number> {
  const begun = performance.now();
  const engine = await subject.open();
  const took = performance.now() - begun;
  await engine.stop();
  await subject.settled();
  return took;
}

async function rateOf({ subject, workload }: Grown, seconds: number): Promise<number> {
  return (await closedLoad(subject, { command: workload.transfer, inFlight, seconds })).rate;
}

/** p99 of strong reads of a balance, one after the other, in milliseconds. */
async function readOf({ subject, workload }: Grown): Promise<number> {
  const times: number[] = [];
  for (let read = 0; read < reads; read++) {
    const command = workload.accounts[(read * 7_919) % workload.accounts.length]!;
    const accountId = 'accountId' in command ? command.accountId : '';
    const asked = performance.now();
    const posted = await subject.engine.read(({ accounts }) => accounts.get(accountId)?.posted);
    assert(posted !== undefined, `${accountId} is not there`);
    times.push(performance.now() - asked);
  }
  return percentile(times, 0.99);
}

/** The read models, as the service follows with them. Events a second. */
async function project({ subject: { store, database } }: Grown): Promise<number> {
  const { pool } = database;
  const models = createGenerations({
    ...ledgerReadModels,
    pool,
    store,
    codec: bookEventCodec,
    logger: createLogger({ service: 'bench', level: 'error' }),
    onFatal(error) {
      throw error;
    },
  });
  await models.start();
  const begun = performance.now();
  const behind = async () => {
    const { rows } = await pool.query<{ behind: string }>(
      `select (select sum(count) from appends) - coalesce(max(applied_count), 0) as behind
         from subscriptions where name like 'ledger_g%'`,
    );
    return Number(rows[0]?.behind);
  };
  const events = await behind();
  while ((await behind()) > 0) await new Promise((resolve) => setTimeout(resolve, 200));
  await models.stop();
  // As autovacuum does it sooner or later.
  await pool.query('vacuum analyze');
  return (events / (performance.now() - begun)) * 1_000;
}

/** p99 of balances as of moments all over the history, one after the other, in milliseconds. */
async function asOfReadOf({ subject: { database }, workload, from, to }: Grown): Promise<number> {
  const { findBalance } = auditBalances(database.pool);
  const times: number[] = [];
  for (let read = 0; read < reads; read++) {
    const command = workload.accounts[(read * 7_919) % workload.accounts.length]!;
    const accountId = 'accountId' in command ? command.accountId : '';
    const moment = new Date(from + ((to - from) * ((read * 1_543) % reads)) / reads).toISOString();
    const asked = performance.now();
    const found = await findBalance({ mode: 'sandbox', tenantId: null, accountId, asOf: moment, knownAt: moment });
    times.push(performance.now() - asked);
    assert(found !== undefined, `${accountId} is not in the read models`);
  }
  return percentile(times, 0.99);
}

export const history: Goal = async (options) => {
  const { rounds, seconds, events, tell } = options;
  const short = await grow(options, 'daybook_bench_short', shortHistory, 41);
  tell(`  growing a book to ${events} events`);
  const long = await grow(options, 'daybook_bench_long', events, 42);
  try {
    // After this there is a snapshot of all of it, as after a stop.
    for (const grown of [short, long]) await startOf(grown);
    const ready = await interleave(rounds, { short: () => startOf(short), long: () => startOf(long) });
    const read = await interleave(rounds, { short: () => readOf(short), long: () => readOf(long) });
    for (const grown of [short, long]) tell(`  read models: ${Math.round(await project(grown))} events/s`);
    const asOf = await interleave(rounds, { short: () => asOfReadOf(short), long: () => asOfReadOf(long) });
    const rate = await interleave(rounds, {
      short: async () => {
        const fresh = await grow(options, 'daybook_bench_fresh', shortHistory, 43);
        const measured = await rateOf(fresh, seconds);
        await fresh.subject.verify();
        await fresh.subject.close();
        return measured;
      },
      long: () => rateOf(long, seconds),
    });
    const notes = { events: await long.subject.verify() };
    const at = `at ${events} events`;
    const yardstick = `at ${shortHistory} events`;
    const of = (goal: string, what: string, unit: string) => ({ goal, what: `${what} ${at}`, unit, yardstick, notes });
    return [
      { ...of('g7', 'time to ready', 'ms'), rounds: roundsOf(ready.long, ready.short), bar: { atMost: 1.5 } },
      { ...of('g8', 'append rate', '/s'), rounds: roundsOf(rate.long, rate.short), bar: { atLeast: 0.95 } },
      { ...of('g8', 'balance read, p99', 'ms'), rounds: roundsOf(read.long, read.short), bar: { atMost: 1.3 } },
      { ...of('g8', 'as-of read, p99', 'ms'), rounds: roundsOf(asOf.long, asOf.short), bar: { atMost: 1.3 } },
    ];
  } finally {
    await short.subject.close();
    await long.subject.close();
  }
};
