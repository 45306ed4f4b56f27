import fc from 'fast-check';
import { codeFrom, uuidFrom, uuidv7 } from './ids';

const parts = fc.array(fc.string(), { minLength: 1, maxLength: 4 });

test('uuidFrom gives equal ids for equal parts only', () => {
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      const equal = a.length === b.length && a.every((part, index) => part === b[index]);
      expect(uuidFrom(a) === uuidFrom(b)).toBe(equal);
    }),
  );
});

test('uuidFrom keeps parts apart that read the same when joined', () => {
  expect(uuidFrom(['ab', 'c'])).not.toBe(uuidFrom(['a', 'bc']));
});

test('uuidFrom can look like a version 4 UUID', () => {
  expect(uuidFrom(['a'], 4)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('uuidv7 sorts by time', () => {
  const ids = [0, 1, 255, 256, 1e12].map((ms) => uuidv7(new Date(ms)));
  expect(ids.toSorted()).toEqual(ids);
});

test('codeFrom has the prefix and twenty unambiguous characters', () => {
  expect(codeFrom('TX', ['a', 'b'])).toMatch(/^TX[0-9A-HJKMNP-TV-Z]{20}$/);
});
