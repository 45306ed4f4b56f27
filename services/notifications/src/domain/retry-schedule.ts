const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

/** Wait before each attempt of a round: about three days in all. */
export const attemptDelaysMs = [
  0,
  5 * secondMs,
  5 * minuteMs,
  30 * minuteMs,
  2 * hourMs,
  5 * hourMs,
  10 * hourMs,
  14 * hourMs,
  20 * hourMs,
  24 * hourMs,
] as const;

/** A wait varies by a tenth either way, so that deliveries that failed together do not come back together. */
const jitter = 0.1;

/**
 * When to try again after `failed` attempts of a round, the last of them at `at`; undefined when the round is over.
 * `random` is in [0, 1).
 */
export function nextAttemptAt(failed: number, at: string, random: number): string | undefined {
  const delayMs = attemptDelaysMs[failed];
  if (delayMs === undefined) return undefined;
  const factor = 1 - jitter + 2 * jitter * random;
  return new Date(Date.parse(at) + Math.round(delayMs * factor)).toISOString();
}
