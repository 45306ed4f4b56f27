import fc from 'fast-check';
import { followedClock } from './database-clock';

describe('a clock that is followed', () => {
  test('is not known before the first look', () => {
    expect(followedClock().at(5)).toBeUndefined();
  });

  test('is never ahead after the first look, and behind by no more than the look took', () => {
    const clock = followedClock();
    clock.looked(100, 1_000_050, 180);
    expect(clock.at(180)).toBe(1_000_050);
  });

  test('is moved by a look that contradicts it, and by no other', () => {
    const clock = followedClock();
    clock.looked(0, 1_000, 20);
    expect(clock.at(20)).toBe(1_000);
    clock.looked(100, 1_100, 300);
    expect(clock.at(300)).toBe(1_280);
    clock.looked(400, 1_399, 401);
    expect(clock.at(401)).toBe(1_399);
    // The other clock was set back, and then forward.
    clock.looked(500, 1_000, 501);
    expect(clock.at(501)).toBe(1_001);
    clock.looked(600, 90_000, 602);
    expect(clock.at(602)).toBe(90_000);
  });

  test('with looks of any length at a clock that runs evenly, is never ahead and never further behind than before', () => {
    const looks = fc.array(fc.tuple(fc.nat(1_000), fc.nat(500), fc.nat(500)), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.nat(10_000), looks, (ahead, each) => {
        const clock = followedClock();
        let [monotonic, worst] = [0, Infinity];
        for (const [pause, there, back] of each) {
          const before = monotonic + pause;
          const seen = before + there;
          monotonic = seen + back;
          clock.looked(before, seen + ahead, monotonic);
          const behind = monotonic + ahead - clock.at(monotonic)!;
          expect(behind).toBeGreaterThanOrEqual(0);
          expect(behind).toBeLessThanOrEqual(Math.min(worst, back));
          worst = behind;
        }
      }),
    );
  });
});
