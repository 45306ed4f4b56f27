import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeData, defineEvent, encodeData, envelope, eventContracts, minorUnits } from '@daybook/contracts';
import { z } from 'zod';

const fixtures = join(__dirname, '../fixtures');

describe('event contracts', () => {
  test('no two share a type', () => {
    expect(new Set(eventContracts.map(({ type }) => type)).size).toBe(eventContracts.length);
  });

  test('every fixture belongs to a contract', () => {
    const known = eventContracts.flatMap(({ type, version }) =>
      Array.from({ length: version }, (_, i) => `${type}.v${i + 1}.json`),
    );
    expect(readdirSync(fixtures).toSorted()).toEqual(known.toSorted());
  });

  for (const contract of eventContracts) {
    for (let version = 1; version <= contract.version; version++) {
      test(`${contract.type} v${version} still decodes, has a key, and encodes to the same JSON if current`, () => {
        const golden: unknown = JSON.parse(readFileSync(join(fixtures, `${contract.type}.v${version}.json`), 'utf8'));
        const data = decodeData(contract, version, golden);
        expect(contract.key(data)).toMatch(/./);
        if (version === contract.version) expect(encodeData(contract, data)).toEqual(golden);
      });
    }
  }
});

describe('a contract of two versions', () => {
  const upcast = { 1: (raw: unknown) => ({ ...(raw as object), asset: 'TXC' }) };
  const contract = defineEvent({
    type: 'Moved',
    version: 2,
    topic: 'tests.moves',
    summary: 'Something moved.',
    key: (data) => data.id,
    data: z.object({ id: z.string(), amount: minorUnits, asset: z.string() }),
    upcast,
  });

  test('lifts an old event to the current shape', () => {
    expect(decodeData(contract, 1, { id: 'a', amount: '5' })).toEqual({ id: 'a', amount: 5n, asset: 'TXC' });
  });

  test('refuses a version newer than this build', () => {
    expect(() => decodeData(contract, 3, {})).toThrow('Moved v3 is newer than this build');
  });

  test('cannot be defined without its upcast', () => {
    expect(() => defineEvent({ ...contract, upcast: {} })).toThrow('Moved: no upcast from version 1');
  });

  test('ignores a field that a newer writer added', () => {
    expect(decodeData(contract, 2, { id: 'a', amount: '5', asset: 'TXC', added: true })).toEqual({
      id: 'a',
      amount: 5n,
      asset: 'TXC',
    });
  });
});

describe('the envelope', () => {
  const id = 'abcdef00-1111-4111-8111-abcdefabcdef';
  const written = {
    id: id.toUpperCase(),
    type: 'Moved',
    version: 1,
    occurredAt: '2026-01-01T00:00:00.000Z',
    stream: 's',
    streamVersion: '0',
    correlationId: 'C',
    causationId: 'C',
    data: {},
  };

  test('has its id in lower case, however it was written: whoever compares it finds it', () => {
    expect(envelope.parse(written)).toEqual({ ...written, id });
  });

  test('refuses an id that is none', () => {
    expect(envelope.safeParse({ ...written, id: id.slice(1) }).success).toBe(false);
  });
});

describe('minorUnits', () => {
  test.each(['0', '1', '9007199254740993', '9'.repeat(38)])('carries %s exactly', (digits) => {
    expect(minorUnits.encode(minorUnits.decode(digits))).toBe(digits);
  });

  test.each(['', '-1', '01', '1.5', '1e3', '9'.repeat(39)])('refuses %j', (digits) => {
    expect(minorUnits.safeDecode(digits).success).toBe(false);
  });
});
