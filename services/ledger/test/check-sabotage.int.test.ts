import type { BookEvent } from '../src/domain/book-events';
import { ownedAccount } from '../src/domain/account';
import {
  accepted,
  alice,
  bob,
  confirmed,
  dated,
  entriesOf,
  hashOf,
  opened,
  posted,
  transferOf,
  wallet,
} from './check-history';
import { checkRig, dirty, violationsOf, type CheckRig } from './check-rig';

/** Each invariant is broken on purpose, and the check names it. */
let rig: CheckRig;
beforeAll(async () => {
  rig = await checkRig();
});
afterAll(() => rig?.close());

const after = (...events: Parameters<typeof dated>[0]) => dated(events, rig.events);

/** What the check says of events behind the book that no ledger would have recorded. */
async function saidOf(events: readonly BookEvent[], id: string) {
  const report = await rig.forged(events, () => rig.check());
  expect(report.status).toBe('DIFFERENCES');
  expect(dirty(report).invariants).toContain(id);
  return violationsOf(report, id);
}

const of = (payload: string, n: number) => `payloads[${n + 1}] = ${payload}`;
/** Changes one event of the sandbox, wherever its append is. */
async function altered(sequence: number, assignment: (n: number) => string, id: string) {
  const place = `stream = 'book-sandbox' and first_revision <= ${sequence} and last_revision >= ${sequence}`;
  const { rows } = await rig.pool.query<{ n: number }>(
    `select (${sequence} - first_revision)::int as n from appends where ${place}`,
  );
  const n = rows[0]!.n;
  await rig.pool.query(`create table kept as select * from appends where ${place}`);
  const columns = 'tx, position, first_revision, recorded_at, count, stream, ids, types, versions, payloads, metadata';
  const undo = `delete from appends where ${place};
    insert into appends (${columns}) overriding system value select ${columns} from kept; drop table kept`;
  const report = await rig.sabotage(`update appends set ${assignment(n)} where ${place}`, undo, () => rig.check());
  expect(dirty(report).invariants).toContain(id);
  return { report, violations: violationsOf(report, id) };
}

const text = (payload: string, from: string, to: string) =>
  `convert_to(replace(convert_from(${payload}, 'UTF8'), '${from}', '${to}'), 'UTF8')`;

test('I1: entries that do not balance', async () => {
  const uneven = [...entriesOf('wallet-alice', 'wallet-bob', 5n)];
  uneven[1] = { ...uneven[1]!, amount: 6n };
  expect(await saidOf(after(posted('uneven', uneven, { ceilingBreaches: ['wallet-bob'] })), 'I1')).toMatchObject([
    { mode: 'sandbox', sequence: rig.events, where: 'TXC', actual: '-1 more debits' },
    { sequence: null, where: 'TXC', actual: '-1' },
  ]);
});

test('I1: an entry of nothing, and one in another asset', async () => {
  const none = posted('none', entriesOf('wallet-alice', 'issuance:TXC', 0n));
  expect(await saidOf(after(none), 'I1')).toMatchObject([{ expected: 'a positive amount' }, { actual: '0' }]);
  const other = posted('other', entriesOf('wallet-alice', 'issuance:TXC', 5n, 'SOL'));
  expect(await saidOf(after(other), 'I1')).toContainEqual(expect.objectContaining({ actual: 'an entry in SOL' }));
});

test('I2: a movement below a floor, above a ceiling, and a breach that is none', async () => {
  const overdrawn = posted('overdrawn', entriesOf('wallet-alice', 'issuance:TXC', 1_000_000n));
  expect(await saidOf(after(overdrawn), 'I2')).toMatchObject([
    { sequence: rig.events, where: 'wallet-alice', expected: expect.stringContaining('at least 0 available') },
  ]);
  const over = posted('over', entriesOf('wallet-alice', 'wallet-bob', 500n));
  expect(await saidOf(after(over), 'I2')).toMatchObject([
    { where: 'wallet-bob', expected: expect.stringContaining('at most 100 posted') },
  ]);
  const said = posted('said', entriesOf('wallet-alice', 'issuance:TXC', 1n), { floorBreaches: ['wallet-alice'] });
  expect(await saidOf(after(said), 'I2')).toMatchObject([{ where: 'wallet-alice' }]);
  const unknown = posted('unknown', entriesOf('wallet-alice', 'nobody', 1n));
  expect(await saidOf(after(unknown), 'I2')).toMatchObject([{ where: 'nobody', actual: 'none' }]);
});

test('I3: an event that was altered, removed, or stored as another', async () => {
  const amount = await altered(6, (n) => of(text(`payloads[${n + 1}]`, '10000', '20000'), n), 'I3');
  expect(amount.violations).toMatchObject([{ mode: 'sandbox', sequence: 7, expected: /^previousHash/ }].map(withText));
  // The book that was not touched is not accused, and what the tables hold differs from what the journal now says.
  expect(amount.report.passes.find(({ table }) => table === 'entries_v1')?.differences).toBeGreaterThan(0);

  const renamed = await altered(18, (n) => `types[${n + 1}] = 'AccountFrozen'`, 'I3');
  expect(renamed.violations).toMatchObject([{ sequence: 18, actual: 'AccountFrozen' }]);
  expect(renamed.report.passes.every(({ status }) => status !== 'CLEAN')).toBe(true);

  const shift = (column: string, n: number) => `${column} = ${column}[1:${n}] || ${column}[${n + 2}:]`;
  const arrays = ['ids', 'types', 'versions', 'payloads', 'metadata'];
  const removed = await altered(20, (n) => [...arrays.map((one) => shift(one, n)), 'count = count - 1'].join(), 'I3');
  expect(removed.violations).toMatchObject([{ sequence: 20, expected: expect.stringContaining('previousHash') }]);
  expect(dirty(removed.report).invariants).toContain('I7');
});

function withText<T extends { expected: RegExp }>(one: T) {
  return { ...one, expected: expect.stringMatching(one.expected) as string };
}

test('I3: an id that two events have', async () => {
  const { violations } = await altered(9, (n) => `ids[${n + 1}] = ids[1]`, 'I3');
  expect(violations).toMatchObject([{ sequence: 9, expected: 'an id of its own' }]);
});

test('I4: a row that a replay would not make', async () => {
  const copy = await rig.copy('accounts_v1');
  await rig.pool.query(`update ${copy.name} set frozen = true where mode = 'live' and account_id = 'wallet-bob'`);
  const report = await rig.check();
  await copy.drop();
  expect(dirty(report)).toEqual({ tables: ['accounts_v1'], invariants: ['I4'] });
});

test('I5: an id that is answered twice, a transfer out of order, more taken than there is', async () => {
  const refused = after({
    type: 'CommandRejected',
    commandId: 'refused',
    commandType: 'AcceptTransfer',
    contentHash: hashOf('refused'),
    rejection: 'insufficient_balance',
    about: null,
    tenantId: alice,
    actor: null,
    request: {},
  });
  expect(await saidOf(refused, 'I5')).toMatchObject([
    { sequence: rig.events, where: 'refused', actual: 'another one' },
  ]);
  const again = after(confirmed(transferOf('t-confirmed')));
  expect(await saidOf(again, 'I5')).toMatchObject([{ where: 't-confirmed', actual: 'after TransferConfirmed' }]);
  const capture = {
    type: 'HoldCaptured',
    captureId: 'c-2',
    contentHash: hashOf('c-2'),
    holdId: 'h-captured',
    tenantId: alice,
    accountId: 'wallet-alice',
    asset: 'TXC',
    amount: 1n,
    released: 0n,
    remaining: 0n,
    rule: 'hold-capture@1',
    entries: entriesOf('wallet-alice', 'wallet-bob', 1n),
    actor: 'alice',
  } as const;
  expect(await saidOf(after(capture), 'I5')).toMatchObject(
    [{ where: 'h-captured', expected: /left of 0/ }].map(withText),
  );
  const reversal = {
    type: 'TransactionReversed',
    reversalId: 'r-2',
    contentHash: hashOf('r-2'),
    transactionId: 'issue',
    reversed: `0x${hashOf('issue')}`,
    tenantId: null,
    amount: 9_001n,
    remaining: 0n,
    rule: 'reversal@1',
    entries: entriesOf('wallet-alice', 'issuance:TXC', 9_001n),
    actor: 'operator',
  } as const;
  expect(await saidOf(after(reversal), 'I5')).toMatchObject([{ where: 'issue', expected: 'at most 9000 reversed' }]);
});

test('I5: an event without a cause', async () => {
  const { violations } = await altered(8, (n) => `metadata[${n + 1}] = '{"correlationId":"","causationId":"x"}'`, 'I5');
  expect(violations).toMatchObject([{ sequence: 8, expected: 'a correlationId' }]);
});

test('I6: an id that is answered again for another content', async () => {
  const reused = posted('issue', entriesOf('issuance:TXC', 'wallet-alice', 1n), { contentHash: hashOf('other') });
  expect(await saidOf(after(reused), 'I6')).toMatchObject([{ where: 'issue', actual: hashOf('other') }]);
});

test('I7: a subscriber that has skipped an event, or counted it twice', async () => {
  const skipped = `update subscriptions set applied_count = applied_count - 1 where name = 'ledger_g1'`;
  const undo = skipped.replace('- 1', '+ 1');
  const report = await rig.sabotage(skipped, undo, () => rig.check());
  expect(dirty(report)).toEqual({ tables: [], invariants: ['I7'] });
  expect(violationsOf(report, 'I7')).toMatchObject([{ where: 'ledger_g1' }]);
  const twice = `update subscriptions set applied_hash = applied_hash # b'1'::bit(128) where name = 'ledger_g1'`;
  expect(dirty(await rig.sabotage(twice, twice, () => rig.check()))).toEqual({ tables: [], invariants: ['I7'] });
});

test('I16: more owed than held', async () => {
  const expense = { ...wallet('expense:gifts', bob), tenantId: null, accountType: 'expense', floor: null } as const;
  const gift = posted('gift', entriesOf('expense:gifts', 'wallet-alice', 7n));
  expect(await saidOf(after(opened(expense), gift), 'I16')).toMatchObject([
    { mode: 'sandbox', where: 'TXC', expected: 'at most 9000 owed', actual: '9007' },
  ]);
});

test('I17: money that stands on a clearing account for too long', async () => {
  const stuck = posted(
    'stuck',
    entriesOf('custody:sim:SOL', ownedAccount('clearing', alice, 'SOL').accountId, 9n, 'SOL'),
    {
      cause: { type: 'intent_payment', id: 'stuck', subject: 'intent-2' },
    },
  );
  const forged = after(stuck);
  expect(await saidOf(forged, 'I17')).toMatchObject([
    { sequence: rig.events, where: `clearing:${alice}:SOL`, expected: expect.stringContaining('intent-2') },
  ]);
  const inTime = await rig.forged(forged, () => rig.check({ clearingDeadlineS: 30 * 86_400 }));
  expect(dirty(inTime).invariants).toEqual([]);
});

test('I18: more on a rounding account than its operations can have left', async () => {
  const rounding = { ...wallet('rounding:TXC', bob), tenantId: null, accountType: 'income', floor: null } as const;
  const two = posted('two', entriesOf('wallet-alice', 'rounding:TXC', 2n));
  expect(await saidOf(after(opened(rounding), two), 'I18')).toMatchObject([{ where: 'rounding:TXC', actual: '2' }]);
});

test("I19: another tenant's account in a transaction, a transfer, or under an id", async () => {
  const own = posted('own', entriesOf('wallet-alice', 'wallet-bob', 1n), {
    tenantId: alice,
    ceilingBreaches: ['wallet-bob'],
  });
  expect(await saidOf(after(own), 'I19')).toMatchObject([{ where: 'wallet-bob', actual: `one of ${bob}` }]);
  const stolen = { ...transferOf('t-stolen', 1n), debitTenantId: bob };
  expect(await saidOf(after(accepted(stolen)), 'I19')).toMatchObject([{ where: 'wallet-alice' }]);
  const named = opened({ ...ownedAccount('merchant', bob, 'TXC'), tenantId: alice });
  expect(await saidOf(after(named), 'I19')).toMatchObject([{ where: `merchant:${bob}:TXC` }]);
});

test('I21: a time that goes back', async () => {
  expect(await saidOf(dated([opened(wallet('late', bob))]), 'I21')).toMatchObject([{ sequence: rig.events }]);
});
