/** G1: durable transfers a second of the engine, against inserting the same events as rows. */
import { memoryEventStore } from '@daybook/event-store';
import { bookJournal } from '../adapters/book-journal';
import { decide } from '../domain/book';
import type { Journaled } from '../ports';
import type { BenchOptions, Goal } from './goals';
import { closedLoad } from './load';
import { interleave, median, roundsOf } from './measure';
import { openSubject, stream } from './subject';
import { createWorkload, type Workload } from './workload';
import { openYardsticks } from './yardsticks';

const sampleEvents = 32_000;
const inFlight = 4_096;

/** What the book would store for the first transfers. */
export function eventsOf(workload: Workload, count: number): Journaled[] {
  const journal = bookJournal(memoryEventStore(), stream);
  const events: Journaled[] = [];
  while (events.length < count) {
    const command = workload.transfer();
    const verdict = decide(journal.state, command, '2026-01-01T00:00:00.000Z');
    if (verdict.type !== 'recorded') throw new Error(verdict.type);
    const id = 'transactionId' in command ? command.transactionId : '';
    const added: Journaled[] = [];
    journal.add(verdict.events, { correlationId: id, causationId: id }, added);
    events.push(...added.filter(({ type }) => type === 'TransactionPosted'));
  }
  return events;
}

export const throughput: Goal = async (options: BenchOptions) => {
  const { server, rounds, seconds, accounts } = options;
  const subject = await openSubject(server, 'daybook_bench_g1');
  const sample = eventsOf(createWorkload({ seed: 1, accounts, hot: false }), sampleEvents);
  const yardsticks = await openYardsticks(subject.database.url, sample);
  const workload = createWorkload({ seed: 2, accounts, hot: false });
  let p99 = 0;
  try {
    const { ours, rows, packed } = await interleave(rounds, {
      rows: () => yardsticks.rows(seconds),
      ours: async () => {
        const load = await closedLoad(subject.engine, { command: () => workload.transfer(), inFlight, seconds });
        p99 = load.p99;
        options.tell(`  ${Math.round(load.rate)}/s, p50 ${load.p50.toFixed(1)} ms, p99 ${load.p99.toFixed(1)} ms`);
        return load.rate;
      },
      packed: () => yardsticks.packed(seconds),
    });
    const events = await subject.verify();
    const bytes = Math.round(median(sample.map(({ payload }) => payload.length)));
    const notes = { events, payloadBytes: bytes, p99Ms: p99 };
    const what = `transfers, ${inFlight} in flight, ${accounts} accounts`;
    const result = { goal: 'g1', what, unit: '/s', notes };
    return [
      { ...result, yardstick: 'L_row', rounds: roundsOf(ours, rows), bar: { atLeast: 0.9 } },
      { ...result, yardstick: 'packed insert', rounds: roundsOf(ours, packed) },
    ];
  } finally {
    await yardsticks.close();
    await subject.close();
  }
};
