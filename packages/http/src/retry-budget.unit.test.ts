import { seededRandom } from '@daybook/testing';
import { retryAfterMs, retryBudget } from './retry-budget';

/** A service that is down for ten minutes: requests that it meets in each second, and how many calls were given up. */
function outage(callsASecond: number): { readonly attempts: readonly number[]; readonly failed: number } {
  const random = seededRandom(7);
  const draw = () => random.below(1_000_000) / 1_000_000;
  const [downFromS, downToS, endS] = [20, 620, 660];
  let nowMs = 0;
  const budget = retryBudget(() => nowMs);
  const attempts = Array.from({ length: endS + 5 }, () => 0);
  const tickMs = 10;
  /** Attempts that are due, by tick. */
  const due = new Map<number, number[]>();
  const at = (afterMs: number, failed: number) => {
    const tick = nowMs + Math.max(1, Math.ceil(afterMs / tickMs)) * tickMs;
    due.set(tick, [...(due.get(tick) ?? []), failed]);
  };
  let failedCalls = 0;
  for (; nowMs < endS * 1_000; nowMs += tickMs) {
    const calls = Math.floor(((nowMs + tickMs) * callsASecond) / 1_000) - Math.floor((nowMs * callsASecond) / 1_000);
    const now = [...Array.from({ length: calls }, () => 0), ...(due.get(nowMs) ?? [])];
    due.delete(nowMs);
    const second = Math.floor(nowMs / 1_000);
    const isDown = second >= downFromS && second < downToS;
    for (const failed of now) {
      if (failed === 0) budget.called();
      attempts[second]!++;
      if (!isDown) continue;
      const afterMs = retryAfterMs(failed + 1, draw());
      if (afterMs === undefined || !budget.mayRepeat()) failedCalls++;
      else at(afterMs, failed + 1);
    }
  }
  return { attempts: attempts.slice(0, endS), failed: failedCalls };
}

describe('repeats of calls', () => {
  test.each([50, 500])('at %d calls a second, ten minutes of failure never ask 1.5 times as often', (calls) => {
    const { attempts, failed } = outage(calls);
    expect(Math.max(...attempts)).toBeLessThanOrEqual(calls * 1.5);
    const during = attempts.slice(30, 610).reduce((sum, each) => sum + each, 0);
    // A tenth more, and one a second.
    expect(during).toBeLessThanOrEqual(580 * (calls * 1.1 + 1) + 10);
    expect(during).toBeGreaterThan(580 * calls * 1.05);
    expect(failed).toBeGreaterThanOrEqual(600 * calls * 0.95);
  });

  test('come at any moment of their time, and end', () => {
    const random = seededRandom(3);
    for (const [failed, withinMs] of [
      [1, 100],
      [2, 500],
      [3, 2_000],
    ] as const) {
      const waits = Array.from({ length: 1_000 }, () => retryAfterMs(failed, random.below(1_000) / 1_000)!);
      const tenths = new Set(waits.map((wait) => Math.floor((10 * wait) / (withinMs + 1))));
      expect(tenths.size).toBe(10);
      expect(Math.max(...waits)).toBeLessThanOrEqual(withinMs);
    }
    expect(retryAfterMs(4, 0.5)).toBeUndefined();
  });

  test('are always allowed to one who calls rarely', () => {
    let nowMs = 0;
    const budget = retryBudget(() => nowMs);
    for (let call = 0; call < 100; call++) {
      budget.called();
      for (let repeat = 0; repeat < 3; repeat++) expect(budget.mayRepeat()).toBe(true);
      nowMs += 3_000;
    }
  });
});
