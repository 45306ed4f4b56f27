import type { ColumnType } from '@daybook/event-store';
import { accountsPass } from '../src/app/check/passes/accounts';
import { columnTypesOf, mutated, textOf } from './check-mutants';
import { checkRig, differencesOf, dirty, ledgerTables, passOf, type CheckRig } from './check-rig';

let rig: CheckRig;
beforeAll(async () => {
  rig = await checkRig();
});
afterAll(() => rig?.close());

test('a ledger that is in order is clean, and the report says what was looked at', async () => {
  const report = await rig.check();
  expect(report.passes.flatMap(({ listed }) => listed)).toEqual([]);
  expect(report.invariants.flatMap(({ listed }) => listed)).toEqual([]);
  expect(dirty(report)).toEqual({ tables: [], invariants: [] });
  expect(report).toMatchObject({ status: 'CLEAN', scope: 'full', incomplete: [] });
  expect(report.watermarks?.live).toMatchObject({ tables: rig.events, journal: rig.events });
  // Every table has rows of both books: a pass over nothing would say little.
  for (const { table, rows } of report.passes) expect([table, rows % 2, rows > 0]).toEqual([table, 0, true]);
  expect(report.invariants.map(({ id }) => id)).toEqual([
    'I1',
    'I2',
    'I3',
    'I4',
    'I5',
    'I6',
    'I7',
    'I16',
    'I17',
    'I18',
    'I19',
    'I21',
  ]);
});

test('a journal that is read in parts gives the same, and finds the same', async () => {
  const whole = await rig.check();
  const parts = await rig.check({ idsMax: 7 });
  expect(parts).toEqual(whole);
  const copy = await rig.copy('transfers_v1');
  await rig.pool.query(`delete from ${copy.name} where transfer_id = 't-failed'`);
  await rig.pool.query(`update ${copy.name} set amount = 7 where transfer_id = 't-open'`);
  const [found, again] = [await rig.check(), await rig.check({ idsMax: 7 })];
  await copy.drop();
  const sorted = (report: typeof found) =>
    differencesOf(report, 'transfers_v1')
      .map((one) => JSON.stringify(one))
      .toSorted();
  expect(sorted(found)).toHaveLength(4);
  expect(sorted(again)).toEqual(sorted(found));
});

const isTime = (type: ColumnType) => type === 'timestamptz' || type === 'date';

describe.each(ledgerTables.map((table) => [table.name, table] as const))('%s', (name, table) => {
  const key = table.key.join(', ');
  const one = (copied: string) => `ctid = (select ctid from ${copied} where mode = 'live' order by ${key} limit 1)`;
  const rowOf = async (copied: string) => {
    const columns = Object.entries(table.columns).map(([column, { type }]) => textOf(column, type));
    const { rows } = await rig.pool.query<Record<string, string | null>>(
      `select ${columns.join(', ')} from ${copied} where ${one(copied)}`,
    );
    const row = rows[0]!;
    return { row, named: Object.fromEntries(table.key.map((column) => [column, row[column]])) };
  };

  test('a row that was altered is told by its key, with each column, what it should be and what it is', async () => {
    const copy = await rig.copy(name);
    const before = await rowOf(copy.name);
    const others = Object.entries(table.columns).filter(([column]) => !table.key.includes(column));
    const changes = others.map(([column, { type }]) => `${column} = ${mutated(column, type)}`);
    await rig.pool.query(`update ${copy.name} set ${changes.join(', ')} where ${one(copy.name)}`);
    const after = await rowOf(copy.name);
    const report = await rig.check();
    await copy.drop();
    expect(dirty(report)).toEqual({ tables: [name], invariants: ['I4'] });
    expect(differencesOf(report, name)).toEqual(
      others.map(([column]) => ({
        mode: 'live',
        key: before.named,
        problem: 'different',
        column,
        expected: before.row[column],
        actual: after.row[column],
      })),
    );
  });

  const times = Object.entries(table.columns).filter(
    ([column, { type }]) => isTime(type) && !table.key.includes(column),
  );
  if (times.length > 0)
    test.each([
      ['as long before Christ', (column: string) => `coalesce(${column}, now())::text || ' BC'`],
      ['infinite, also where there was none', () => `'infinity'`],
      ['infinitely long ago', () => `'-infinity'`],
    ])('a time that is made %s is told, although no event can say it', async (_name, far) => {
      const copy = await rig.copy(name);
      const changes = times.map(([column, { type }]) => `${column} = (${far(column)})::${type}`);
      await rig.pool.query(`update ${copy.name} set ${changes.join(', ')} where ${one(copy.name)}`);
      const report = await rig.check();
      await copy.drop();
      expect(differencesOf(report, name).map(({ problem, column }) => [problem, column])).toEqual(
        times.map(([column]) => ['different', column]),
      );
    });

  test('a row that was deleted is told by its key, and what it should be', async () => {
    const copy = await rig.copy(name);
    const { row, named } = await rowOf(copy.name);
    await rig.pool.query(`delete from ${copy.name} where ${one(copy.name)}`);
    const report = await rig.check();
    await copy.drop();
    expect(dirty(report).tables).toEqual([name]);
    expect(differencesOf(report, name)).toEqual([
      { mode: 'live', key: named, problem: 'missing', column: null, expected: row, actual: null },
    ]);
  });

  test('a row that was inserted is told by its key, and what it is', async () => {
    const copy = await rig.copy(name);
    const last = table.key.at(-1)!;
    const columns = Object.keys(table.columns);
    const values = columns.map((column) => (column === last ? mutated(column, columnTypesOf(table, column)) : column));
    const where = one(copy.name);
    await rig.pool.query(
      `insert into ${copy.name} (${columns.join()}) select ${values.join()} from ${copy.name} where ${where}`,
    );
    const report = await rig.check();
    await copy.drop();
    expect(dirty(report).tables).toEqual([name]);
    const [difference, ...more] = differencesOf(report, name);
    expect(more).toEqual([]);
    expect(difference).toMatchObject({ problem: 'unexpected', column: null, expected: null });
    expect(difference?.actual).toMatchObject(difference?.key ?? {});
  });

  test('a row that is there twice is told by its key, and what it is', async () => {
    const copy = await rig.copy(name);
    const { row, named } = await rowOf(copy.name);
    await rig.pool.query(`insert into ${copy.name} select * from ${copy.name} where ${one(copy.name)}`);
    const report = await rig.check();
    await copy.drop();
    expect(dirty(report)).toEqual({ tables: [name], invariants: ['I4'] });
    expect(differencesOf(report, name)).toEqual([
      { mode: 'live', key: named, problem: 'unexpected', column: null, expected: null, actual: row },
    ]);
  });

  test.each(table.key)('a row without %s is told', async (without) => {
    const copy = await rig.copy(name);
    const columns = Object.keys(table.columns);
    const values = columns.map((column) => (column === without ? 'null' : column));
    await rig.pool.query(
      `insert into ${copy.name} (${columns.join()}) select ${values.join()} from ${copy.name} where ${one(copy.name)}`,
    );
    const report = await rig.check();
    await copy.drop();
    expect(dirty(report)).toEqual({ tables: [name], invariants: ['I4'] });
    expect(differencesOf(report, name)).toMatchObject([
      { key: { [without]: null }, problem: 'unexpected', column: null, expected: null, actual: { [without]: null } },
    ]);
  });
});

test('more differences than are listed are counted', async () => {
  const copy = await rig.copy('entries_v1');
  await rig.pool.query(`insert into ${copy.name} select t.* from ${copy.name} t, generate_series(1, 20)`);
  await rig.pool.query(`update ${copy.name} set sequence = sequence + 1000`);
  const pass = passOf(await rig.check(), 'entries_v1');
  await copy.drop();
  expect(pass.listed).toHaveLength(50);
  expect(pass.differences).toBeGreaterThan(200);
});

test('what else is made from the journal is examined too, by a full check', async () => {
  const about = { id: 'snapshots', rule: 'r', checked: 'c', elsewhere: '' };
  const violation = { mode: 'live', sequence: 3, where: 'snapshot', expected: 'a', actual: 'b' };
  const found = await rig.check({ examinations: [{ ...about, examine: async () => [violation] }] });
  expect(dirty(found)).toEqual({ tables: [], invariants: ['snapshots'] });
  expect(found.invariants.at(-1)).toMatchObject({ id: 'snapshots', violations: 1, listed: [violation] });
  const broken = await rig.check({ examinations: [{ ...about, examine: () => Promise.reject(new Error('no')) }] });
  expect(broken).toMatchObject({ status: 'INCOMPLETE' });
  expect(broken.invariants.at(-1)).toMatchObject({ status: 'INCOMPLETE', incomplete: ['it broke off: no'] });
});

describe('what could not be looked at makes the check incomplete', () => {
  test('a table that is missing', async () => {
    const report = await rig.check({ passes: [{ ...accountsPass, table: 'accounts_v1_gone' }] });
    expect(report.status).toBe('INCOMPLETE');
    expect(report.passes).toMatchObject([{ status: 'INCOMPLETE', incomplete: ['there is no table accounts_v1_gone'] }]);
  });

  test('a column that no pass compares', async () => {
    const copy = await rig.copy('transfers_v1');
    await rig.pool.query(`alter table ${copy.name} add column colour text`);
    const report = await rig.check();
    await copy.drop();
    expect(report.status).toBe('INCOMPLETE');
    expect(passOf(report, 'transfers_v1')).toMatchObject({
      differences: 0,
      incomplete: [expect.stringContaining('colour')],
    });
  });

  test('an event that cannot be read', async () => {
    const place = `stream = 'book-sandbox' and first_revision = 0`;
    const swap = (from: string, to: string) =>
      `update appends set versions[12] = ${to} where ${place} and versions[12] = ${from}`;
    const report = await rig.sabotage(swap('1', '9'), swap('9', '1'), () => rig.check());
    expect(report.status).toBe('INCOMPLETE');
    for (const { status, incomplete } of report.passes) {
      expect(status).toBe('INCOMPLETE');
      expect(incomplete).toEqual([expect.stringContaining('event 11 of book-sandbox cannot be read')]);
    }
  });

  test('a check that was stopped', async () => {
    const stop = new AbortController();
    const report = await rig.check({ signal: stop.signal, progress: () => stop.abort() });
    expect(report).toMatchObject({ status: 'INCOMPLETE', watermarks: null, incomplete: ['it was stopped'] });
    expect(report.passes.every(({ status }) => status === 'INCOMPLETE')).toBe(true);
  });

  test('a database that goes away', async () => {
    const report = await rig.check({
      source: {
        ...rig.source,
        events: () => {
          throw new Error('gone');
        },
      },
    });
    expect(report).toMatchObject({ status: 'INCOMPLETE', incomplete: ['it broke off: gone'] });
  });
});

test('rows of events that the tables do not show yet are not expected, and not allowed', async () => {
  const behind = `update subscriptions set position = 'start' where name = 'ledger_g1'`;
  const { rows } = await rig.pool.query<{ position: string }>(
    `select position from subscriptions where name = 'ledger_g1'`,
  );
  const undo = `update subscriptions set position = '${rows[0]!.position}' where name = 'ledger_g1'`;
  const report = await rig.sabotage(behind, undo, () => rig.check());
  expect(report.watermarks?.live).toMatchObject({ tables: 0, journal: rig.events });
  expect(differencesOf(report, 'accounts_v1').every(({ problem }) => problem === 'unexpected')).toBe(true);
  expect(dirty(report).tables.toSorted()).toEqual(ledgerTables.map(({ name }) => name).toSorted());
});
