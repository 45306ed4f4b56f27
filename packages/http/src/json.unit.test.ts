import fc from 'fast-check';
import { isLosslessNumber } from 'lossless-json';
import { JsonError, jsonInteger, jsonNumber, parseJson, stringifyJson, decimalToken } from './json';

const numberOf = (text: string) => decimalToken.parse((parseJson(`{"a":${text}}`) as { a: unknown }).a);

describe('parseJson', () => {
  test.each(['99.50', '19.99', '9007199254740993', '1e400', '0.10', '-0', '123456789012345678901234567890.10'])(
    'keeps the number %s as it was sent',
    (token) => {
      expect(numberOf(token)).toBe(token);
    },
  );

  test('reads what JSON.parse reads, but for its numbers', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false, maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        const keys = [...text.matchAll(/"(__proto__|constructor|prototype)"/g)];
        fc.pre(keys.length === 0 && !/\\ud[89a-f]/.test(text));
        expect(JSON.parse(stringifyJson(parseJson(text)))).toEqual(JSON.parse(text));
      }),
    );
  });

  test('reads canonical text as it reads the same with a blank before it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value);
        const read = (from: string) => {
          try {
            return parseJson(from);
          } catch (error) {
            return (error as Error).name;
          }
        };
        expect(read(text)).toEqual(read(` ${text}`));
      }),
    );
  });

  test.each([
    ['a repeated key', '{"a":1,"a":2}'],
    ['a key repeated with an equal value', '{"a":1,"a":1}'],
    ['a key repeated in an inner object', '[{"b":{"a":1,"a":1}}]'],
    ['a key repeated in another spelling', '{"a":1,"\\u0061":1}'],
    ['a key repeated after spaces', '{"a" :1,"a"\t:1}'],
    ['a prototype', '{"__proto__":{"polluted":true}}'],
    ['a prototype of a primitive', '{"__proto__":1}'],
    ['a prototype inside', '{"a":[{"__proto__":null}]}'],
    ['a prototype in another spelling', '{"\\u005f_proto__":{}}'],
    ['a constructor', '{"constructor":{"prototype":{"polluted":true}}}'],
    ['a byte order mark', '\ufeff{}'],
    ['a lone high surrogate', '{"a":"\\ud800"}'],
    ['a lone low surrogate', '["\\udc00"]'],
    ['surrogates in the wrong order', '["\\udc00\\ud800"]'],
    ['a lone surrogate in a key', '{"\\ud800":1}'],
    ['21 levels', '['.repeat(21) + ']'.repeat(21)],
    ['a million levels', '['.repeat(1_000_000)],
    ['a trailing comma', '{"a":1,}'],
    ['a comment', '{/**/}'],
    ['single quotes', "{'a':1}"],
    ['NaN', '{"a":NaN}'],
    ['Infinity', '[-Infinity]'],
    ['hex', '[0x10]'],
    ['a leading zero', '[01]'],
    ['a leading point', '[.5]'],
    ['a trailing point', '[5.]'],
    ['a plus sign', '[+1]'],
    ['an underscore', '[1_000]'],
    ['two values', '{}{}'],
    ['nothing', ''],
    ['an open string', '{"a'],
    ['a raw line break in a string', '["a\nb"]'],
    ['a bad escape in a key', '{"\\x":1}'],
  ])('refuses %s', (_name, text) => {
    expect(() => parseJson(text)).toThrow(JsonError);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test.each([
    ['20 levels', '['.repeat(20) + ']'.repeat(20)],
    ['brackets in a string', JSON.stringify({ a: '[{'.repeat(50) })],
    ['a quote in a string', '{"a":"\\"b\\":1,\\"b\\":1"}'],
    ['equal keys of different objects', '[{"a":1},{"a":1},{"b":{"a":1}}]'],
    ['a value equal to a key', '{"a":"a","b":["a","a"]}'],
    ['a pair of surrogates', '{"a":"\\ud83d\\ude00"}'],
    ['the word __proto__ as a value', '{"a":"__proto__"}'],
  ])('takes %s', (_name, text) => {
    expect(JSON.parse(stringifyJson(parseJson(text)))).toEqual(JSON.parse(text));
  });
});

test('writes a number token as it stands', () => {
  expect(stringifyJson({ amount: jsonNumber('150.00') })).toBe('{"amount":150.00}');
});

test('decimalToken takes a number or a string and nothing else', () => {
  expect(numberOf('"99.50"')).toBe('99.50');
  for (const text of ['null', 'true', '[]', '["1"]', '{}', '{"value":"1"}'])
    expect(() => numberOf(text)).toThrow('must be a decimal number');
});

test('jsonInteger takes whole numbers of up to fifteen digits', () => {
  const parse = (text: string) => jsonInteger.safeParse(parseJson(text));
  expect(parse('999999999999999').data).toBe(999_999_999_999_999);
  for (const text of ['1000000000000000', '1.0', '1e3', '"1"', 'null']) expect(parse(text).success).toBe(false);
  expect(isLosslessNumber(parseJson('1'))).toBe(true);
});
