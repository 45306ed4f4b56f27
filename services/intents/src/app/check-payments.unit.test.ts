/** When providers are asked about payments that are not decided. */
import { OperationalError } from '@daybook/core';
import { fakeClock, testLogger } from '@daybook/testing';
import type { PaymentChecks } from '../ports';
import { checkPayments } from './check-payments';

const secondMs = 1_000;
const dayMs = 86_400_000;

/** Payments that are never decided, because `answer` says nothing. */
function checksOf(count: number, answer: () => void = () => undefined) {
  const now = fakeClock('2026-03-01T10:00:00.000Z');
  const start = now().getTime();
  const rows = Array.from({ length: count }, (_, n) => ({ transactionId: `TX${n}`, attempts: 0, at: start }));
  const asked: { transactionId: string; at: number }[] = [];
  const checks: PaymentChecks = {
    due: async (until, limit) => rows.filter(({ at }) => at <= until.getTime()).slice(0, limit),
    next: async () => (rows.length === 0 ? null : new Date(Math.min(...rows.map(({ at }) => at)))),
    again: async (transactionId, at) => {
      const row = rows.find((each) => each.transactionId === transactionId)!;
      Object.assign(row, { attempts: row.attempts + 1, at: at.getTime() });
    },
    end: async (transactionId) => {
      const place = rows.findIndex((each) => each.transactionId === transactionId);
      rows.splice(place, 1);
    },
  };
  const { logger, lines } = testLogger();
  const ask = async (transactionId: string) => {
    asked.push({ transactionId, at: now().getTime() - start });
    answer();
    return { stage: 'none' } as const;
  };
  return { pass: checkPayments({ checks, ask, now, logger }), now, asked, lines };
}

test('a payment is asked about at pauses that double up to a day and stay there, for more than a year', async () => {
  const { pass, now, asked } = checksOf(1);
  for (let next = await pass(); next !== null; next = await pass()) now.advance(next.getTime() - now().getTime());
  expect(asked).toHaveLength(400);
  expect(asked.at(-1)!.at).toBeGreaterThan(366 * dayMs);
  const pauses = asked.slice(1).map(({ at }, n) => at - asked[n]!.at);
  expect(pauses.slice(0, 4)).toEqual([15, 30, 60, 120].map((seconds) => seconds * secondMs));
  for (const [n, pause] of pauses.entries()) expect(pause).toBe(Math.min(dayMs, 15 * secondMs * 2 ** n));
});

test('a pass asks about each that is due once, in batches, and goes on after those whose provider does not answer', async () => {
  const { pass, asked, lines } = checksOf(50, () => {
    throw new OperationalError('upstream_unavailable', true);
  });
  expect(await pass()).not.toBeNull();
  expect(new Set(asked.map(({ transactionId }) => transactionId)).size).toBe(50);
  expect(asked).toHaveLength(50);
  expect(new Set(lines.map(({ level, msg }) => `${level} ${msg}`))).toEqual(
    new Set(['warn the provider did not answer']),
  );
});
