/** G4: how long one durable transfer takes, alone and at a fifth of what the machine can insert. */
import { assert } from '@daybook/core';
import type { Goal } from './goals';
import { eventsOf } from './goal-throughput';
import { all, closedLoad, openLoad } from './load';
import { interleave, median, roundsOf } from './measure';
import { openSubject } from './subject';
import { createWorkload } from './workload';
import { openYardsticks } from './yardsticks';

const sampleEvents = 32_000;
const share = 0.2;

export const latency: Goal = async ({ server, rounds, seconds, accounts, tell }) => {
  const subject = await openSubject(server, 'daybook_bench_g4');
  const yardsticks = await openYardsticks(subject.database.url, eventsOf({ seed: 21, accounts }, sampleEvents));
  const workload = createWorkload({ seed: 22, accounts });
  try {
    await all(subject, workload.accounts);
    const rows = await yardsticks.rows(seconds);
    const perSecond = Math.round(rows * share);
    let dropped = 0;
    const measured = await interleave(rounds, {
      commit: () => yardsticks.commit(seconds),
      alone: async () => (await closedLoad(subject, { command: workload.transfer, inFlight: 1, seconds })).p50,
      loaded: async () => {
        const send = async () => assert((await subject.engine.submit(workload.transfer())).ok, 'refused');
        const load = await openLoad({ send, perSecond, seconds });
        subject.acknowledge(load.acknowledged);
        dropped += load.dropped;
        tell(`  at ${perSecond}/s: p50 ${load.p50.toFixed(2)} ms, p99 ${load.p99.toFixed(2)} ms`);
        return load.p99;
      },
      rows: () => yardsticks.open(perSecond, seconds),
    });
    await subject.verify();
    if (dropped > 0) throw new Error(`${dropped} commands were dropped: the latency says nothing`);
    const notes = { perSecond, rowsPerSecond: Math.round(rows), c1Ms: median(measured.commit) };
    const open = 'p99, open loop at 0.2 L_row';
    const result = { goal: 'g4', unit: 'ms', yardstick: 'C1', notes };
    return [
      { ...result, what: 'p50, alone', rounds: roundsOf(measured.alone, measured.commit), bar: { atMost: 1.5 } },
      { ...result, what: open, rounds: roundsOf(measured.loaded, measured.commit), bar: { atMost: 15 } },
      // The disk and the machine make a load of bare rows wait, too.
      { ...result, what: open, yardstick: 'rows by COPY', rounds: roundsOf(measured.loaded, measured.rows) },
    ];
  } finally {
    await yardsticks.close();
    await subject.close();
  }
};
