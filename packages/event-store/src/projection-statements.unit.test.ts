import { prepared } from './database';
import { forgetStatements, loadStatement } from './projection-statements';
import { defineTable } from './projection-table';

const table = defineTable({ name: 'sums', kind: 'kept', columns: { account: { type: 'text' } }, key: ['account'] });
const nameOf = (text: string) => prepared(text, []).name;

test('a schema that goes gives back the names of its statements: others have them prepared, under names of their own', () => {
  const known = nameOf(loadStatement('gone', table, []).text);
  const names = Array.from({ length: 1_000 }, (_, n) => nameOf(`select ${n}`));
  expect(known).toBeDefined();
  expect(nameOf('select now()')).toBeUndefined();
  forgetStatements('gone');
  const fresh = nameOf('select now()');
  expect(fresh).toBeDefined();
  expect([known, ...names]).not.toContain(fresh);
  expect(nameOf('select now()')).toBe(fresh);
  expect(nameOf('select 1')).toBe(names[1]);
});
