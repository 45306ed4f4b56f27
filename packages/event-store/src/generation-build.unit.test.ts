import { pauseAfterMs } from './generation-build';

test('after a switch that failed the log and the views are free for ten times as long as it tried, at most 5 s', () => {
  expect([0, 1, 2, 3, 100, 499, 500, 501, 30_000].map(pauseAfterMs)).toEqual([
    20, 20, 20, 30, 1_000, 4_990, 5_000, 5_000, 5_000,
  ]);
});
