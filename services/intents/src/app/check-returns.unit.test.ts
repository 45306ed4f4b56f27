/** When providers are asked what went back of money that they took. */
import { OperationalError } from '@daybook/core';
import { fakeClock, testLogger } from '@daybook/testing';
import type { ReturnCheck, ReturnChecks } from '../ports';
import { checkReturns } from './check-returns';

const dayMs = 86_400_000;
const start = '2026-03-01T10:00:00.000Z';

/** One payment that was taken at the start, and a process for each look at the table at once. */
function rig(answer: (day: number) => void = () => undefined) {
  const now = fakeClock(start);
  const since = now();
  let row: ReturnCheck | null = { transactionId: 'TX1', since, checkAt: new Date(since.getTime() + dayMs) };
  const dayOf = (time: Date) => (time.getTime() - since.getTime()) / dayMs;
  const checks: ReturnChecks = {
    due: async (until) => (row !== null && row.checkAt <= until ? [row] : []),
    next: async () => row?.checkAt ?? null,
    async claim(check, until) {
      if (row?.checkAt.getTime() !== check.checkAt.getTime()) return false;
      row = { ...row, checkAt: until };
      return true;
    },
    async done(_, next) {
      row = next === null || row === null ? null : { ...row, checkAt: next };
    },
  };
  const asked: number[] = [];
  const { logger, lines } = testLogger();
  const ask = async () => {
    asked.push(dayOf(now()));
    await new Promise(setImmediate);
    answer(dayOf(now()));
    return { stage: 'none' } as const;
  };
  const pass = checkReturns({ checks, ask, now, logger });
  /** Until there is nothing more to do, by so many processes that wake at the same moment. */
  async function run(processes = 1) {
    while (row !== null) {
      now.advance(Math.max(0, row.checkAt.getTime() - now().getTime()));
      await Promise.all(Array.from({ length: processes }, () => pass()));
    }
  }
  return { run, pass, asked, lines, now };
}

const days = [1, 3, 7, 15, 31, 63, 127, 255];

test.each([1, 4])(
  'by %d processes together it is asked for on the days that were said, once each',
  async (processes) => {
    const { run, asked, lines } = rig();
    await run(processes);
    expect(asked).toEqual(days);
    expect(lines).toEqual([]);
  },
);

test('a look that is late makes the next one no later, and what was missed is one look', async () => {
  const { run, asked, now } = rig();
  now.advance(10 * dayMs);
  await run();
  expect(asked).toEqual([10, ...days.slice(3)]);
});

test('a look that failed is made again each day until it succeeds, and is given up in the end', async () => {
  const failing = (from: number, to: number) =>
    rig((day) => {
      if (day >= from && day < to) throw new OperationalError('upstream_unavailable', true);
    });
  const { run, asked, lines } = failing(7, 10);
  await run();
  expect(asked).toEqual([1, 3, 7, 8, 9, 10, ...days.slice(3)]);
  expect(lines.map(({ level }) => level)).toEqual(['warn', 'warn', 'warn']);
  const never = failing(0, Infinity);
  await never.run();
  expect(never.asked.at(-1)).toBe(255 + 90 + 1);
});
