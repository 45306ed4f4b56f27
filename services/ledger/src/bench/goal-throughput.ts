/** G1: durable transfers a second of the engine, against inserting the same events as rows. */
import { assert } from '@daybook/core';
import { memoryEventStore, type NewEvent } from '@daybook/event-store';
import { bookJournal } from '../adapters/book-journal';
import { decide } from '../domain/book';
import type { BookCommand } from '../domain/book-commands';
import type { SealedEvents } from '../ports';
import type { BenchOptions, Goal } from './goals';
import { all, closedLoad } from './load';
import { interleave, median, roundsOf } from './measure';
import { openSubject, stream } from './subject';
import { createWorkload, type WorkloadOptions } from './workload';
import { openYardsticks } from './yardsticks';

const sampleEvents = 32_000;
const inFlight = 4_096;

/** What the book would store for the first transfers. */
export function eventsOf(options: WorkloadOptions, count: number): NewEvent[] {
  const workload = createWorkload(options);
  const journal = bookJournal(memoryEventStore(), stream);
  const at = '2026-01-01T00:00:00.000Z';
  const run = (command: BookCommand, id: string, into: SealedEvents) => {
    const verdict = decide(journal.state, command, at);
    assert(verdict.type === 'recorded', `${command.type} is ${verdict.type}`);
    journal.add(verdict.events, { correlationId: id, causationId: id }, into);
  };
  for (const command of workload.accounts) run(command, 'setup', journal.begin());
  const events = journal.begin();
  while (events.hashes.length < count) {
    const command = workload.transfer();
    run(command, 'transactionId' in command ? command.transactionId : '', events);
  }
  return [...events.columns];
}

export const throughput: Goal = async (options: BenchOptions) => {
  const { server, rounds, seconds, accounts } = options;
  const subject = await openSubject(server, 'daybook_bench_g1');
  const sample = eventsOf({ seed: 1, accounts }, sampleEvents);
  const yardsticks = await openYardsticks(subject.database.url, sample);
  const workload = createWorkload({ seed: 2, accounts });
  await all(subject, workload.accounts);
  let p99 = 0;
  try {
    const { ours, rows, packed } = await interleave(rounds, {
      rows: () => yardsticks.rows(seconds),
      ours: async () => {
        const load = await closedLoad(subject, { command: () => workload.transfer(), inFlight, seconds });
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
