import { eventually, testLogger } from '@daybook/testing';
import type { Jobs } from '../jobs';
import { checkSchedule } from './check-schedule';

type Asked = Parameters<Jobs['request']>[0];

/** Two processes whose clocks stand just before the end of an interval, and pass it. */
async function asked(interval: number, fullEvery: number): Promise<Asked[]> {
  const requests: Asked[] = [];
  const jobs = { request: async (job: Asked) => void requests.push(job) as never };
  const { logger } = testLogger();
  const fatal: unknown[] = [];
  const schedules = [0, 1].map(() => {
    let looks = 0;
    return checkSchedule({
      jobs,
      intervalS: 3_600,
      fullEvery,
      now: () => new Date(interval * 3_600_000 + (looks++ === 0 ? -1 : 0)),
      logger,
      onFatal: (error) => fatal.push(error),
    });
  });
  for (const schedule of schedules) await schedule.start();
  await eventually(() => expect(requests).toHaveLength(2), { timeoutMs: 5_000 });
  for (const schedule of schedules) await schedule.stop();
  expect(fatal).toEqual([]);
  return requests;
}

test('each interval has one check, whichever process asks for it', async () => {
  const [first, second] = await asked(7, 24);
  expect(first).toEqual(second);
  expect(first).toMatchObject({ kind: 'check', parameters: { incremental: true }, requestedBy: 'schedule' });
  expect((await asked(8, 24))[0]?.jobId).not.toBe(first?.jobId);
});

test('every so manieth of them is a full one', async () => {
  expect((await asked(48, 24))[0]?.parameters).toEqual({ incremental: false });
  expect((await asked(49, 24))[0]?.parameters).toEqual({ incremental: true });
});

test('an interval of 0 asks for none', async () => {
  const never = { request: () => Promise.reject(new Error('asked')) };
  const { logger } = testLogger();
  const onFatal = (error: unknown) => expect(error).toBeUndefined();
  const schedule = checkSchedule({ jobs: never, intervalS: 0, fullEvery: 1, now: () => new Date(0), logger, onFatal });
  await schedule.start();
  await schedule.stop();
});
