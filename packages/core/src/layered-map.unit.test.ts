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

test('a long history copies each value a few times, not once for each that follows', () => {
  const count = 20_000;
  const layersMax = Math.ceil(Math.log2(count));
  const copiesMax = count * layersMax;
  let map = emptyMap<number>();
  let copies = 0;
  // It stops at too many: to go on with them takes minutes.
  for (let n = 0; n < count && copies <= copiesMax; n++) {
    const before = new Set(map.layers);
    map = withValue(map, `key ${n}`, n);
    for (const layer of map.layers) if (!before.has(layer)) copies += layer.size;
  }
  expect(copies).toBeLessThanOrEqual(copiesMax);
  expect(map.layers.length).toBeLessThanOrEqual(layersMax);
});
