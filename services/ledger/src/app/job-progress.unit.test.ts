import { etaSeconds, measure } from './job-progress';

test('the rate is that of the last seconds, and the time that is left follows from it', () => {
  const measured = measure();
  measured.step({ phase: 'reading', done: 0, total: 1_000 }, 0);
  expect(measured.now(100)).toEqual({ phase: 'reading', done: 0, total: 1_000, ratePerSecond: null });
  measured.step({ phase: 'reading', done: 100 }, 1_000);
  expect(measured.now(1_000)).toMatchObject({ done: 100, ratePerSecond: 100 });
  for (let second = 2; second <= 40; second++)
    measured.step({ phase: 'reading', done: 90 + second * 10 }, second * 1_000);
  const recent = measured.now(40_000);
  expect(recent).toMatchObject({ done: 490, ratePerSecond: 10 });
  expect(etaSeconds(recent)).toBe(51);
});

test('what has come to a halt has no rate, and no end in sight', () => {
  const measured = measure();
  measured.step({ phase: 'reading', done: 50, total: 100 }, 1_000);
  const halted = measured.now(60_000);
  expect(halted).toMatchObject({ done: 50, ratePerSecond: 0 });
  expect(etaSeconds(halted)).toBeNull();
});

test('a new phase begins anew, and no step is lost when many come at once', () => {
  const measured = measure();
  measured.step({ phase: 'reading', done: 50, total: 100 }, 0);
  for (let done = 0; done <= 5_000; done++) measured.step({ phase: 'comparing', done }, 1_000 + done / 100);
  expect(measured.now(2_000)).toEqual({ phase: 'comparing', done: 5_000, total: null, ratePerSecond: 5_000 });
});
