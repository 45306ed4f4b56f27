import fc from 'fast-check';
import { createQueue } from './queue';

const step = fc.oneof(
  fc.record({ type: fc.constant('push' as const), count: fc.nat(3_000) }),
  fc.record({ type: fc.constant('shift' as const), count: fc.nat(3_000) }),
  fc.record({ type: fc.constant('drain' as const) }),
);

test('what was pushed first comes first, however many wait', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), fc.nat(20), (steps, some) => {
      const queue = createQueue<number>();
      let expected: number[] = [];
      let next = 0;
      for (const one of steps) {
        if (one.type === 'push') {
          for (let n = 0; n < one.count; n++) {
            queue.push(next);
            expected.push(next++);
          }
        } else if (one.type === 'shift') {
          for (let n = Math.min(one.count, expected.length); n > 0; n--) {
            expect(queue.peek()).toBe(expected[0]);
            expect(queue.shift()).toBe(expected.shift());
          }
        } else {
          expect(queue.drain()).toEqual(expected);
          expected = [];
        }
        expect(queue.size()).toBe(expected.length);
        expect(queue.first(some)).toEqual(expected.slice(0, some));
      }
    }),
    { numRuns: 50 },
  );
});
