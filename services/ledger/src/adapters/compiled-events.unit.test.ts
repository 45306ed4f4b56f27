import { isDeepStrictEqual } from 'node:util';
import { minorUnits, signedMinorUnits } from '@daybook/contracts';
import fc from 'fast-check';
import type { z } from 'zod';
import type { BookEvent } from '../domain/book-events';
import { completed } from './implied-fields';
import { authorOf, identify, seal, sealedPool } from './sealed-events';
import {
  compiledOf,
  decodeBookEvent,
  decodeChecked,
  encodeBookEvent,
  encodeChecked,
  genesisHash,
  referenceOf,
  storedForms,
} from './stored-events';

type Def = {
  readonly type: string;
  readonly format?: string;
  readonly checks?: readonly {
    readonly _zod: { readonly def: { readonly pattern?: RegExp; readonly minimum?: number } };
  }[];
  readonly values?: readonly unknown[];
  readonly entries?: Readonly<Record<string, string>>;
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly valueType?: z.ZodType;
};

/** Every value that a definition takes. */
function valuesOf(schema: z.ZodType): fc.Arbitrary<unknown> {
  const most = 10n ** 38n - 1n;
  if (schema === minorUnits) return fc.bigInt({ min: 0n, max: most });
  if (schema === signedMinorUnits) return fc.bigInt({ min: -most, max: most });
  const def = (schema as unknown as { readonly def: Def }).def;
  switch (def.type) {
    case 'string':
      return stringsOf(def);
    case 'boolean':
      return fc.boolean();
    case 'number':
      return fc.nat();
    case 'literal':
      return fc.constant(def.values![0]);
    case 'enum':
      return fc.constantFrom(...Object.values(def.entries!));
    case 'optional':
      return fc.option(valuesOf(def.innerType!), { nil: undefined });
    case 'array':
      return fc.array(valuesOf(def.element!), { minLength: 2, maxLength: 4 });
    case 'object':
      return objectsOf(def.shape!);
    case 'record':
      // zod leaves out a field of this name, so none comes in with a request.
      return fc.dictionary(
        fc.string().filter((name) => name !== '__proto__'),
        valuesOf(def.valueType!),
      );
    default:
      throw new Error(`a field of type ${def.type}: teach this test its values`);
  }
}

const plainText = fc.string({ unit: fc.constantFrom(...'az09-_:@/ {}[],é€😀') });

const escapedText = fc.string({ unit: fc.constantFrom(...'a"\\\n\t\0\u001f\u007f\u2028', '\ud800', '\udc00') });

function stringsOf({ format, checks = [] }: Def): fc.Arbitrary<string> {
  if (format === 'datetime')
    return fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map((d) => d.toISOString());
  if (format === 'uuid') return fc.uuid({ version: 4 });
  const pattern = checks.find(({ _zod }) => _zod.def.pattern !== undefined)?._zod.def.pattern;
  if (pattern !== undefined) return fc.stringMatching(pattern);
  // Most texts of a book have nothing to escape.
  return fc.oneof({ weight: 9, arbitrary: plainText }, escapedText, fc.string({ unit: 'binary' }));
}

function objectsOf(shape: Readonly<Record<string, z.ZodType>>): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, valuesOf(field)]));
  // An optional field that is undefined is left out.
  return fc
    .record(fields)
    .map((object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)));
}

function eventsOf(type: BookEvent['type']): fc.Arbitrary<BookEvent> {
  const { event: _type, previousHash: _hash, ...fields } = storedForms[type].data.shape;
  // What is left out of the stored form is there in the event.
  return objectsOf(fields).map((data) => ({ type, ...completed(fields, data) }) as unknown as BookEvent);
}

const pool = sealedPool();

/** As they are written where they are sent from. */
function sealedBytes(event: BookEvent, previousHash: string): Buffer {
  const sealed = pool.begin();
  seal(sealed, event, previousHash, { correlationId: 'é', causationId: 'c' });
  const hash = seal(sealed, event, sealed.hashes[0]!, { correlationId: 'c', causationId: 'c' });
  identify(sealed, authorOf('somebody'));
  const [first, second] = [...sealed.columns];
  pool.done(sealed);
  expect(`0x${hash}`).toBe(referenceOf(second!.payload));
  return first!.payload;
}

const types = Object.keys(storedForms) as BookEvent['type'][];

test.each(types)('%s is written byte for byte, and read value for value, as its definition says', (type) => {
  fc.assert(
    fc.property(eventsOf(type), fc.stringMatching(/^[0-9a-f]{64}$/), (event, previousHash) => {
      const stored = encodeBookEvent(event, previousHash);
      const checked = encodeChecked(event, previousHash);
      expect({ ...stored, payload: stored.payload.toString() }).toEqual({
        ...checked,
        payload: checked.payload.toString(),
      });
      expect(sealedBytes(event, previousHash)).toEqual(stored.payload);
      const decoded = decodeBookEvent(stored);
      expect(decoded).toEqual(decodeChecked(stored));
      expect(decoded).toEqual({ event, previousHash });
    }),
    { numRuns: 50 },
  );
});

test.each(types)(
  '%s that was stored with ids of tenants in capitals is read with them as they are spelled now',
  (type) => {
    fc.assert(
      fc.property(eventsOf(type), (event) => {
        const stored = encodeBookEvent(event, genesisHash);
        const capitals = stored.payload
          .toString()
          .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => id.toUpperCase());
        const before = { ...stored, payload: Buffer.from(capitals) };
        expect(decodeBookEvent(before)).toEqual({ event, previousHash: genesisHash });
        expect(decodeChecked(before)).toEqual({ event, previousHash: genesisHash });
      }),
      { numRuns: 50 },
    );
  },
);

const readByPosition = types.filter((type) => compiledOf(type)?.readPlain !== undefined);

test('what a book consists of is read by position', () => {
  const others = types.filter((type) => !readByPosition.includes(type));
  expect(others).toEqual(['AccountOpened', 'HoldPlaced', 'CheckpointSigned']);
});

test.each(readByPosition)(
  '%s whose text is not quite what the encoder writes is read as JSON reads it, or left',
  (type) => {
    const { readPlain, decode, encodePlain } = compiledOf(type)!;
    const parse = (text: string) => {
      const data = JSON.parse(text) as { readonly event: string; readonly previousHash: string };
      return { event: decode(data), previousHash: data.previousHash };
    };
    const isPlain = (event: BookEvent) => encodePlain(event, genesisHash) !== undefined;
    const [event] = fc.sample(eventsOf(type).filter(isPlain), { numRuns: 1, seed: 5 });
    const text = encodeBookEvent(event!, genesisHash).payload.toString();
    expect(readPlain!(text)).toEqual({ event, previousHash: genesisHash });
    const differing: string[] = [];
    for (let at = 0; at <= text.length; at++) {
      for (const put of ['', ...'",:{}[]\\ 0a-']) {
        for (const edited of [text.slice(0, at) + put + text.slice(at + 1), text.slice(0, at) + put + text.slice(at)]) {
          const read = attempt(() => readPlain!(edited));
          const said = attempt(() => parse(edited));
          // Far quicker than an expectation, of which there would be thousands.
          if (read !== undefined && !isDeepStrictEqual(read, said)) differing.push(edited);
        }
      }
    }
    expect(differing).toEqual([]);
  },
);

function attempt<Value>(work: () => Value): Value | 'fails' {
  try {
    return work();
  } catch {
    return 'fails';
  }
}

test('a field that says nothing takes no bytes', () => {
  const at = '2026-01-01T00:00:00.000Z';
  const event: BookEvent = {
    type: 'TransactionPosted',
    transactionId: 't',
    contentHash: genesisHash,
    tenantId: null,
    cause: { type: 'posting', id: 't', subject: 't' },
    rule: 'posting@1',
    entries: [],
    floorBreaches: [],
    ceilingBreaches: [],
    description: null,
    metadata: null,
    actor: null,
    adjustmentFor: null,
    effectiveAt: at,
    at,
  };
  const toldOf = (one: BookEvent) =>
    Object.keys(JSON.parse(encodeBookEvent(one, genesisHash).payload.toString()) as object).join(' ');
  expect(toldOf(event)).toBe('event transactionId contentHash rule entries at previousHash');
  const other = {
    ...event,
    cause: { type: 'settlement', id: 's', subject: 't' },
    effectiveAt: '2025-12-31T00:00:00.000Z',
  } as const;
  expect(toldOf(other)).toBe('event transactionId contentHash cause rule entries effectiveAt at previousHash');
});

test.each(types)('%s is compiled', (type) => {
  expect(compiledOf(type)).toBeDefined();
});

test('an amount of more digits than fit is refused as the definition refuses it', () => {
  const at = '2026-01-01T00:00:00.000Z';
  const event = {
    type: 'AccountOpened',
    accountId: 'a',
    tenantId: null,
    asset: 'TXC',
    ceiling: null,
    metadata: null,
    rule: null,
    at,
  } as const;
  const opened = (floor: bigint) => ({ ...event, accountType: 'liability', floor }) as unknown as BookEvent;
  const most = 10n ** 38n - 1n;
  expect(() => encodeBookEvent(opened(-most), genesisHash)).not.toThrow();
  expect(() => encodeBookEvent(opened(most + 1n), genesisHash)).toThrow('floor');
  expect(() => encodeBookEvent(opened(-most - 1n), genesisHash)).toThrow('floor');
});
