import fc from 'fast-check';
import { emptyMap, mapValues, valueAt, valuesOf, withValue } from './layered-map';

test('holds what a plain map holds, in its order, and leaves the map that it extends as it was', () => {
  const sets = fc.array(fc.tuple(fc.nat(150).map(String), fc.nat()), { maxLength: 400 });
  fc.assert(
    fc.property(sets, (given) => {
      const plain = new Map<string, number>();
      let layered = emptyMap<number>();
      for (const [key, value] of given) {
        const before = { map: layered, values: valuesOf(layered) };
        plain.set(key, value);
        layered = withValue(layered, key, value);
        expect(valuesOf(before.map)).toEqual(before.values);
      }
      expect(valuesOf(layered)).toEqual([...plain.values()]);
      for (const key of [...plain.keys(), 'absent']) expect(valueAt(layered, key)).toBe(plain.get(key));
      expect(valuesOf(mapValues(layered, (value) => value + 1))).toEqual([...plain.values()].map((value) => value + 1));
    }),
    { numRuns: 50 },
  );
});
