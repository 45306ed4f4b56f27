import { z } from 'zod';
import { defineStoredEvents } from './codec';

const units = z.codec(z.string(), z.bigint(), {
  decode: (digits) => BigInt(digits),
  encode: (value) => value.toString(),
});

const codec = defineStoredEvents({
  Moved: {
    version: 3,
    data: z.object({ amount: units, asset: z.string(), memo: z.string().nullable() }),
    upcast: {
      1: (data) => ({ ...(data as object), asset: 'USDC' }),
      2: (data) => ({ ...(data as object), memo: null }),
    },
  },
  Closed: { version: 1, data: z.object({}) },
});

const stored = (type: string, version: number, data: unknown) => ({
  type,
  version,
  payload: Buffer.from(JSON.stringify(data)),
});

describe('defineStoredEvents', () => {
  test('decodes what it encoded, at the current version', () => {
    const event = { type: 'Moved' as const, amount: 10n ** 30n, asset: 'ETH', memo: 'é😀' };
    const encoded = codec.encode(event);
    expect(encoded).toMatchObject({ type: 'Moved', version: 3 });
    expect(codec.decode(encoded)).toEqual(event);
    expect(codec.decode(codec.encode({ type: 'Closed' }))).toEqual({ type: 'Closed' });
  });

  test.each([
    [1, { amount: '5' }, { type: 'Moved', amount: 5n, asset: 'USDC', memo: null }],
    [2, { amount: '5', asset: 'SOL' }, { type: 'Moved', amount: 5n, asset: 'SOL', memo: null }],
    [3, { amount: '5', asset: 'SOL', memo: 'm' }, { type: 'Moved', amount: 5n, asset: 'SOL', memo: 'm' }],
  ])('lifts version %i to the current one', (version, data, event) => {
    expect(codec.decode(stored('Moved', version, data))).toEqual(event);
  });

  test('drops fields that it does not know', () => {
    expect(codec.decode(stored('Closed', 1, { later: true }))).toEqual({ type: 'Closed' });
  });

  test.each([
    ['an unknown type', stored('Opened', 1, {}), 'unknown event type Opened'],
    ['a type named like something every object has', stored('toString', 1, {}), 'unknown event type toString'],
    [
      'a version newer than this build',
      stored('Moved', 4, { amount: '5', asset: 'SOL', memo: null }),
      'Moved v4 is newer',
    ],
    [
      'a payload that is not the shape of its type',
      stored('Moved', 3, { amount: 5, asset: 'SOL', memo: null }),
      'expected string',
    ],
    ['a payload that is not JSON', { type: 'Closed', version: 1, payload: Buffer.from('{') }, 'JSON'],
  ])('refuses %s', (_name, event, message) => {
    expect(() => codec.decode(event)).toThrow(message);
  });

  test('refuses to write what its schema does not accept', () => {
    expect(() => codec.encode({ type: 'Moved', amount: 1n, asset: 7, memo: null } as never)).toThrow('expected string');
  });

  test('refuses a definition with a version that nothing lifts', () => {
    expect(() => defineStoredEvents({ Moved: { version: 2, data: z.object({}) } })).toThrow('no upcast from version 1');
  });
});
