import { tablesOf } from '@daybook/event-store';
import { bookEventCodec } from '../../adapters/stored-events';
import { ledgerProjections } from '../../projections';
import { tablePasses } from './passes';
import { refold, UnknownEvent } from './refold';

const tables = tablesOf(ledgerProjections);

test('every table of the projections has a pass, and every pass a table', () => {
  const known = tablePasses.map(({ table }) => table);
  const without = tables
    .filter(({ name }) => !known.includes(name))
    .map(({ name }) => `${name}: write in app/check/passes which rows the journal makes, and list it in passes.ts`);
  expect(without).toEqual([]);
  expect(known.filter((table) => !tables.some(({ name }) => name === table))).toEqual([]);
  expect(new Set(known).size).toBe(known.length);
});

test.each(tablePasses.map((pass) => [pass.table, pass] as const))(
  'the pass of %s compares every column by the key',
  (name, pass) => {
    const table = tables.find((one) => one.name === name);
    expect(pass.key).toEqual(table?.key);
    expect([...pass.columns].toSorted()).toEqual(Object.keys(table?.columns ?? {}).toSorted());
  },
);

test.each(tablePasses.filter(({ kind }) => kind === 'log').map((pass) => [pass.table, pass] as const))(
  'rows of %s are found by their sequence',
  (name, pass) => {
    // Compared while the journal goes by: each range of sequences must be a range of the key.
    expect([name, ...pass.key.slice(0, 2)]).toEqual([name, 'mode', 'sequence']);
  },
);

test('every stored event is known to the fold of the check', () => {
  const unknown = bookEventCodec.types.filter((type) => {
    try {
      const place = { sequence: 0, reference: '', metadata: { correlationId: '', causationId: '' } };
      refold(() => undefined).apply({ type } as never, place);
    } catch (error) {
      // An event without its fields fails somewhere; one that is not known fails by name.
      return error instanceof UnknownEvent;
    }
    return false;
  });
  expect(unknown).toEqual([]);
});
