import fc from 'fast-check';
import { noUserNumbers, userNumberOf, withNextNumber } from './user-numbers';

test('holds what a plain map holds, and leaves what it extends as it was', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 200 }), (credentials) => {
      const states = [noUserNumbers];
      for (const credentialId of credentials) states.push(withNextNumber(states.at(-1)!, credentialId));
      // Also two that extend the same.
      for (const state of states) withNextNumber(state, 'another');
      for (const [count, state] of states.entries()) {
        expect(state.count).toBe(count);
        const found = credentials.map((credentialId) => userNumberOf(state, credentialId));
        expect(found).toEqual(credentials.map((_, index) => (index < count ? index + 1 : undefined)));
      }
    }),
    { numRuns: 30 },
  );
});

test('a long history copies each number a few times, not once for each that follows', () => {
  const count = 20_000;
  const layersMax = Math.ceil(Math.log2(count));
  const copiesMax = count * layersMax;
  let numbers = noUserNumbers;
  let copies = 0;
  // It stops at too many: to go on with them takes minutes.
  while (numbers.count < count && copies <= copiesMax) {
    const before = new Set(numbers.layers);
    numbers = withNextNumber(numbers, `key_${numbers.count}`);
    for (const layer of numbers.layers) if (!before.has(layer)) copies += layer.size;
  }
  expect(copies).toBeLessThanOrEqual(copiesMax);
  expect(numbers.layers.length).toBeLessThanOrEqual(layersMax);
});
