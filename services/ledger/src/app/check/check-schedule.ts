/**
 * Checks that nobody asks for. Time is divided into intervals, the same for all processes, and each has one check: its id
 * derives from the interval, so that whoever comes second finds it there. Every so many intervals it is a full one.
 */
import { isOperationalError } from '@daybook/core';
import { createAlarm, uuidFrom, type Clock, type Component, type Logger, type OnFatal } from '@daybook/runtime';
import type { Jobs } from '../jobs';

export type ScheduleDeps = {
  readonly jobs: Pick<Jobs, 'request'>;
  /** 0 for never. */
  readonly intervalS: number;
  readonly fullEvery: number;
  readonly now: Clock;
  readonly logger: Logger;
  readonly onFatal: OnFatal;
};

/** Operators of live see the report; all of its findings are in the log. */
const mode = 'live';

export function checkSchedule({ jobs, intervalS, fullEvery, now, logger, onFatal }: ScheduleDeps): Component {
  const alarm = createAlarm();
  const intervalMs = intervalS * 1_000;
  let run: { stopped: boolean; readonly ended: Promise<void> } | undefined;

  const request = async (interval: number) => {
    const parameters = { incremental: interval % fullEvery !== 0 };
    const jobId = uuidFrom(['scheduled check', `${intervalS}`, `${interval}`]);
    const asked = await jobs.request({ jobId, kind: 'check', mode, parameters, requestedBy: 'schedule' });
    if (asked === undefined) logger.warn('no check was scheduled: too many jobs are waiting');
  };
  const keep = async (stopped: () => boolean) => {
    while (!stopped()) {
      const time = now().getTime();
      const next = Math.floor(time / intervalMs) + 1;
      await alarm.wait(Math.min(next * intervalMs - time, waitMaxMs));
      if (stopped() || now().getTime() < next * intervalMs) continue;
      await request(next).catch((error: unknown) => {
        if (!isOperationalError(error)) throw error;
        logger.warn({ error }, 'no check was scheduled');
      });
    }
  };
  return {
    name: 'check schedule',
    async start() {
      if (intervalS === 0) return;
      const state = { stopped: false };
      run = Object.assign(state, { ended: keep(() => state.stopped).catch(onFatal) });
    },
    async stop() {
      if (run === undefined) return;
      run.stopped = true;
      alarm.ring();
      await run.ended;
      run = undefined;
    },
  };
}

/** Timers take no more than 24 days; and a clock that was set is noticed. */
const waitMaxMs = 3_600_000;
