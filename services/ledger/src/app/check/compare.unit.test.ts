import { compareRows } from './compare';
import { findings, type Difference } from './findings';

const shape = { table: 'log_v1', key: ['mode', 'sequence'], columns: ['mode', 'sequence', 'amount'] };
const row = (sequence: string, amount: string) => ({ mode: 'live', sequence, amount });

function differences(expected: ReturnType<typeof row>[], actual: ReturnType<typeof row>[]) {
  const into = findings<Difference>();
  compareRows(shape, 'live', { expected, actual }, into);
  return into.listed;
}

test('rows that are there as they should be are no difference, in any order', () => {
  expect(differences([row('1', '5'), row('2', '6')], [row('2', '6'), row('1', '5')])).toEqual([]);
});

const second = { mode: 'live', key: { mode: 'live', sequence: '1' }, problem: 'unexpected', column: null } as const;

test('each further row of a key is unexpected', () => {
  const copies = [row('1', '5'), row('1', '5'), row('1', '5')];
  const told = { ...second, expected: null, actual: row('1', '5') };
  expect(differences([row('1', '5')], copies)).toEqual([told, told]);
  expect(differences([], copies)).toEqual([told, told, told]);
});

test.each([
  ['before', [row('1', '7'), row('1', '5')]],
  ['behind', [row('1', '5'), row('1', '7')]],
])('one of a key that says something else is told %s the right one', (_name, actual) => {
  const told = differences([row('1', '5')], actual);
  expect(told).toContainEqual({ ...second, expected: null, actual: actual[1] });
  expect(JSON.stringify(told)).toContain('"7"');
});
