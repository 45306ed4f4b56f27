/** G6: reading a book back into memory, against reading the same events and parsing them. */
import { assert } from '@daybook/core';
import { refoldBook } from '../adapters/book-refold';
import type { Goal } from './goals';
import { eventsOf } from './goal-throughput';
import { all } from './load';
import { interleave, roundsOf } from './measure';
import { openSubject, stream } from './subject';
import { createWorkload } from './workload';
import { openYardsticks } from './yardsticks';

const sampleEvents = 32_000;
const eventsMax = 300_000;

export const replay: Goal = async ({ server, rounds, accounts, events }) => {
  const subject = await openSubject(server, 'daybook_bench_g6');
  const yardsticks = await openYardsticks(subject.database.url, eventsOf({ seed: 31, accounts }, sampleEvents));
  const workload = createWorkload({ seed: 32, accounts });
  try {
    await all(subject, workload.accounts);
    const count = Math.min(events, eventsMax);
    for (let made = 0; made < count; made += 20_000) {
      await all(
        subject,
        Array.from({ length: 20_000 }, () => workload.transfer()),
      );
    }
    await yardsticks.fillRows(count);
    const length = await subject.verify();
    const measured = await interleave(rounds, {
      read: () => yardsticks.read(),
      ours: async () => {
        const begun = performance.now();
        const { state } = await refoldBook(subject.store, stream, length);
        const rate = (state.length / (performance.now() - begun)) * 1_000;
        assert(state.length === length, `${state.length} of ${length} events were read`);
        return rate;
      },
    });
    const what = 'events folded, chain verified';
    const compared = roundsOf(measured.ours, measured.read);
    return [{ goal: 'g6', what, unit: '/s', yardstick: 'L_read', rounds: compared, bar: { atLeast: 0.6 } }];
  } finally {
    await yardsticks.close();
    await subject.close();
  }
};
