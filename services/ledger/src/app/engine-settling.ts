/** What became of an append that failed: asked, and tried again, until it is known. */
import { isOperationalError, type OperationalError } from '@daybook/core';

/** Attempts to settle an append before those who wait behind it are sent away, and before stopping gives up. */
export const patientAttempts = 6;
const retryDelaysMsDefault = [20, 50, 100, 250, 500, 1_000];

type Settling = {
  /** Pauses between attempts; the last one repeats. */
  readonly delaysMs: readonly number[] | undefined;
  /** Another writer was first: begins again from what it wrote. */
  reload(): Promise<void>;
  /** Appends the same again unless it is there. */
  repeat(): Promise<void>;
  /** So many attempts have failed. Throws to give up. */
  failed(attempts: number, error: OperationalError): void;
};

export async function settleAppend(
  cause: OperationalError,
  { delaysMs = retryDelaysMsDefault, reload, repeat, failed }: Settling,
): Promise<void> {
  let reason = cause;
  for (let attempt = 0; ; attempt++) {
    try {
      if (reason.code === 'version_conflict') await reload();
      else await repeat();
      return;
    } catch (error) {
      if (!isOperationalError(error)) throw error;
      failed(attempt + 1, error);
      // A conflict says for certain that the batch is not stored; trouble after it is only trouble in reading.
      if (reason.code !== 'version_conflict') reason = error;
    }
    await new Promise((resolve) => setTimeout(resolve, delaysMs[attempt] ?? delaysMs.at(-1)));
  }
}
