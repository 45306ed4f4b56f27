/**
 * How often and when a call is sent again. Callers that failed together must not come back together, and while a service
 * is down its callers must not ask it four times as often as when it is well.
 */

/** The wait before each repeat is drawn evenly between nothing and this, so that it spreads over all of the time. */
const retryWithinMs = [100, 500, 2_000];

/** What each call earns for repeats, of itself or of others. */
const earnedByCall = 0.1;
/** And what each second does, so that a client that calls rarely may repeat every time. */
const earnedBySecond = 1;
const budgetMax = 10;

/** How long to wait before repeating after `failed` attempts; undefined when it was the last. `random` is in [0, 1). */
export function retryAfterMs(failed: number, random: number): number | undefined {
  const withinMs = retryWithinMs[failed - 1];
  return withinMs === undefined ? undefined : Math.ceil(withinMs * random);
}

export type RetryBudget = {
  /** A call is made. */
  called(): void;
  /** Whether a failed one may be repeated now; yes takes one repeat away. */
  mayRepeat(): boolean;
};

/** `nowMs` counts evenly, from anywhere. */
export function retryBudget(nowMs: () => number = () => performance.now()): RetryBudget {
  let [left, countedAt] = [budgetMax, nowMs()];
  const earn = (more: number) => {
    const now = nowMs();
    left = Math.min(budgetMax, left + more + ((now - countedAt) / 1_000) * earnedBySecond);
    countedAt = now;
  };
  return {
    called: () => earn(earnedByCall),
    mayRepeat() {
      earn(0);
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
}
