/** How fast something goes on, over the last seconds: an average from the start would hide that it has come to a halt. */
import type { JobProgress, JobStep } from './job';

const windowMs = 10_000;
/** Before so much time has passed a rate would be an accident. */
const rateAfterMs = 500;
const sampleMs = 100;

export type Measure = {
  /** Of a step of the same phase, and of fewer done, only the total counts. */
  step(step: JobStep, atMs: number): void;
  now(atMs: number): JobProgress;
};

export function measure(): Measure {
  let phase: string | null = null;
  let total: number | null = null;
  let samples: { readonly atMs: number; readonly done: number }[] = [];
  return {
    step(step, atMs) {
      if (step.phase !== phase) {
        ({ phase } = step);
        total = null;
        samples = [{ atMs, done: 0 }];
      }
      if (step.total !== undefined) ({ total } = step);
      if (step.done === undefined) return;
      const { done } = step;
      const last = samples.at(-1);
      // Often told is kept seldom; the first sample is the begin of the phase and stays.
      if (samples.length > 1 && last !== undefined && atMs - last.atMs < sampleMs)
        samples[samples.length - 1] = { atMs: last.atMs, done };
      else samples.push({ atMs, done });
    },
    now(atMs) {
      const done = samples.at(-1)?.done ?? 0;
      const recent = samples.findIndex((sample) => sample.atMs >= atMs - windowMs);
      // The last sample before the window stays, so that what happened at its edge counts.
      samples = samples.slice(Math.max(0, (recent === -1 ? samples.length : recent) - 1));
      const first = samples[0];
      const elapsedMs = first === undefined ? 0 : atMs - first.atMs;
      const ratePerSecond =
        first === undefined || elapsedMs < rateAfterMs ? null : ((done - first.done) * 1e3) / elapsedMs;
      return { phase, done, total, ratePerSecond };
    },
  };
}

/** Seconds to the end of the phase at that rate, or null when it cannot be told. */
export function etaSeconds({ done, total, ratePerSecond }: JobProgress): number | null {
  if (total === null || ratePerSecond === null || ratePerSecond <= 0) return null;
  return Math.ceil(Math.max(0, total - done) / ratePerSecond);
}
