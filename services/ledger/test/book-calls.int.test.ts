import { randomUUID } from 'node:crypto';
import {
  closePeriod,
  getBalance,
  getBookAccount,
  getBookTransaction,
  getHold,
  getOpenPeriod,
  getTrialBalance,
  listAccounts,
  listHolds,
  openAccount,
  openBookAccount,
  operateBook,
  operateBookInBulk,
  searchTransactions,
  setAccountFrozen,
  setAccountLimits,
  type BookOperation,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import { callClient } from '@daybook/http';
import { Secret } from '@daybook/runtime';
import { eventually } from '@daybook/testing';
import { alice, bob, ledgerRig, must, token, type LedgerRig } from './ledger-rig';

let rig: LedgerRig;
let call: ReturnType<typeof callClient>;
beforeAll(async () => {
  rig = await ledgerRig();
  call = callClient({ baseUrl: rig.calls.url, token: new Secret(token) });
});
afterAll(async () => {
  await call.stop();
  await rig.close();
});

const mode = 'sandbox';
const asked = { mode, tenantId: alice, actor: 'user', dryRun: false } as const;
const own = (name: string, tenantId = alice) => `acct:${tenantId}:${name}`;

type Opened = Partial<CallRequest<typeof openBookAccount>>;
const open = (accountId: string, more: Opened = {}) =>
  call(openBookAccount, {
    ...asked,
    accountId,
    ownerId: alice,
    asset: 'TXC',
    type: 'liability',
    floor: 0n,
    ceiling: null,
    metadata: null,
    ...more,
  });

type Single = Partial<Omit<CallRequest<typeof operateBook>, 'operation'>>;
const operate = (operation: BookOperation, more: Single = {}) => call(operateBook, { ...asked, operation, ...more });
const inBulk = (operations: BookOperation[], atomic: boolean, more: Single = {}) =>
  call(operateBookInBulk, { ...asked, atomic, operations, ...more });

type Post = Extract<BookOperation, { type: 'post' }>;
const move = (from: string, to: string, amount: bigint, more: Partial<Post> = {}): Post => ({
  type: 'post',
  transactionId: randomUUID(),
  mode: 'authorizing',
  entries: [
    { accountId: from, asset: 'TXC', direction: 'debit', amount },
    { accountId: to, asset: 'TXC', direction: 'credit', amount },
  ],
  effectiveAt: null,
  closedPeriod: 'refuse',
  description: null,
  metadata: null,
  ...more,
});

/** A pair of own accounts: what is owed, with so much on it, and the cash against it. */
async function funded(amount: bigint, tenantId = alice): Promise<{ cash: string; owed: string }> {
  const name = randomUUID();
  const [cash, owed] = [own(`${name}-cash`, tenantId), own(`${name}-owed`, tenantId)];
  await must<typeof openBookAccount>(open(cash, { type: 'asset', floor: null, tenantId, ownerId: tenantId }));
  await must<typeof openBookAccount>(open(owed, { tenantId, ownerId: tenantId }));
  if (amount > 0n) await must<typeof operateBook>(operate(move(cash, owed, amount), { tenantId }));
  return { cash, owed };
}

const account = (accountId: string, tenantId: string | null = alice) =>
  must<typeof getBookAccount>(call(getBookAccount, { mode, tenantId, accountId }));
const refusal = (outcome: CallOutcome<typeof operateBook>) => (outcome.ok ? null : outcome.rejection);

test('one of 50 concurrent captures of 60 on a hold of 100 gets it', async () => {
  const { cash, owed } = await funded(100n);
  const holdId = randomUUID();
  await must<typeof operateBook>(
    operate({ type: 'hold', holdId, accountId: owed, asset: 'TXC', amount: 100n, expiresAt: null, metadata: null }),
  );
  expect(await account(owed)).toMatchObject({ posted: 100n, held: 100n, available: 0n });
  const capture = (captureId: string) =>
    operate({ type: 'capture', captureId, holdId, amount: 60n, creditAccountId: cash, final: false });
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => capture(randomUUID())));
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
  expect(new Set(outcomes.map(refusal))).toEqual(new Set([null, 'amount_exceeds_remaining']));
  const hold = await must<typeof getHold>(call(getHold, { mode, tenantId: alice, holdId }));
  expect(hold).toMatchObject({ remaining: 40n, captured: 60n, status: 'open' });
  await must<typeof operateBook>(operate({ type: 'release', releaseId: randomUUID(), holdId }));
  expect(await account(owed)).toMatchObject({ posted: 40n, held: 0n, available: 40n });
});

test('500 transactions reversed twice at once: 500 succeed and 500 are refused', async () => {
  const { cash, owed } = await funded(500n);
  const posts = Array.from({ length: 500 }, () => move(owed, cash, 1n));
  const posted = await must<typeof operateBookInBulk>(inBulk(posts, false));
  expect(posted.outcomes.every(({ ok }) => ok)).toBe(true);
  expect(await account(owed)).toMatchObject({ posted: 0n });
  const reversals = [...posts, ...posts].map(({ transactionId }) =>
    operate({ type: 'reverse', reversalId: randomUUID(), transactionId, amount: null }),
  );
  const outcomes = (await Promise.all(reversals)).map(refusal);
  expect(outcomes.filter((each) => each === null)).toHaveLength(500);
  expect(outcomes.filter((each) => each === 'transaction_already_reversed')).toHaveLength(500);
  expect(await account(owed)).toMatchObject({ posted: 500n });
});

test('a transaction is taken back in parts, and no more than it moved', async () => {
  const { cash, owed } = await funded(100n);
  const { transactionId, ...post } = move(owed, cash, 100n);
  await must<typeof operateBook>(operate({ ...post, transactionId }));
  const reverse = (amount: bigint | null) =>
    operate({ type: 'reverse', reversalId: randomUUID(), transactionId, amount }).then(refusal);
  expect([await reverse(60n), await reverse(60n), await reverse(null), await reverse(null)]).toEqual([
    null,
    'amount_exceeds_remaining',
    null,
    'transaction_already_reversed',
  ]);
  const read = await must<typeof getBookTransaction>(
    call(getBookTransaction, { mode, tenantId: alice, transactionId }),
  );
  expect(read).toMatchObject({ transactionId, reversed: 100n });
});

test('a dry run answers as the request would be answered, and records nothing', async () => {
  const { cash, owed } = await funded(10n);
  const before = (await rig.events()).length;
  const dryRun = { dryRun: true };
  const fits = move(owed, cash, 10n);
  const asRun = await operate(fits, dryRun);
  expect(asRun).toMatchObject({ ok: true, value: { ledgerReference: null, replayed: false } });
  expect(refusal(await operate(move(owed, cash, 11n), dryRun))).toBe('insufficient_balance');
  const bulk = await must<typeof operateBookInBulk>(inBulk([fits, fits, move(owed, cash, 1n)], false, dryRun));
  expect(bulk.outcomes).toMatchObject([
    { ok: true, replayed: false },
    { ok: true, replayed: true },
    { ok: false, rejection: 'insufficient_balance' },
  ]);
  expect(await open(own('new'), dryRun)).toMatchObject({ ok: true });
  expect((await rig.events()).length).toBe(before);
  expect(await operate(fits)).toMatchObject({ ok: true, value: { replayed: false } });
  expect(await operate(fits)).toMatchObject({ ok: true, value: { replayed: true } });
});

test('an atomic bulk is recorded as a whole, or its refusal alone is', async () => {
  const { cash, owed } = await funded(10n);
  const posts = [move(owed, cash, 4n), move(owed, cash, 5n)];
  const tooMuch = move(owed, cash, 2n);
  const before = (await rig.events()).length;
  const refused = await must<typeof operateBookInBulk>(inBulk([...posts, tooMuch], true));
  expect(refused).toEqual({
    outcomes: [],
    failed: { index: 2, rejection: 'insufficient_balance', about: owed, replayed: false },
  });
  const recorded = (await rig.events()).slice(before);
  expect(recorded.map(({ type }) => type)).toEqual(['CommandRejected']);
  const again = await must<typeof operateBookInBulk>(inBulk([...posts, tooMuch], true));
  expect(again.failed).toMatchObject({ index: 2, replayed: true });
  // What is reversed was posted a moment before, in the same append.
  const back = {
    type: 'reverse',
    reversalId: randomUUID(),
    transactionId: posts[0]!.transactionId,
    amount: null,
  } as const;
  const { outcomes, failed } = await must<typeof operateBookInBulk>(inBulk([...posts, back], true));
  expect(failed).toBeNull();
  const references = outcomes.map((outcome) => outcome.ok && outcome.ledgerReference);
  expect(new Set(references).size).toBe(3);
  const events = (await rig.events()).slice(before + 1).map(({ payload }) => JSON.parse(payload.toString()) as object);
  expect(events).toMatchObject([{}, {}, { event: 'TransactionReversed', reversed: references[0] }]);
  expect(await account(owed)).toMatchObject({ posted: 5n });
});

test('a bulk of 10,000 in one request', async () => {
  const { cash, owed } = await funded(10_000n);
  const posts = Array.from({ length: 10_000 }, () => move(owed, cash, 1n));
  const { outcomes } = await must<typeof operateBookInBulk>(inBulk(posts, true));
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(10_000);
  expect(await account(owed)).toMatchObject({ posted: 0n, version: 10_001 });
});

test('a hold expires by the clock of the ledger, and what is captured before stays captured', async () => {
  const { cash, owed } = await funded(100n);
  const holdId = randomUUID();
  const expiresAt = new Date(Date.now() + 1_500).toISOString();
  await must<typeof operateBook>(
    operate({ type: 'hold', holdId, accountId: owed, asset: 'TXC', amount: 100n, expiresAt, metadata: null }),
  );
  await must<typeof operateBook>(
    operate({ type: 'capture', captureId: randomUUID(), holdId, amount: 30n, creditAccountId: cash, final: false }),
  );
  await eventually(
    async () => {
      const hold = await must<typeof getHold>(call(getHold, { mode, tenantId: alice, holdId }));
      expect(hold).toMatchObject({ status: 'expired', remaining: 0n, captured: 30n });
    },
    { timeoutMs: 15_000 },
  );
  expect(await account(owed)).toMatchObject({ posted: 70n, held: 0n });
  const [expired] = (await rig.events()).filter(({ type }) => type === 'HoldExpired');
  expect((JSON.parse(expired!.payload.toString()) as { at: string }).at >= expiresAt).toBe(true);
});

describe('a hold that an operator placed on the account of a tenant', () => {
  const operator = { tenantId: null, actor: 'settlement' };
  const hold = (holdId: string, accountId: string, metadata: Record<string, string>) =>
    ({ type: 'hold', holdId, accountId, asset: 'TXC', amount: 10n, expiresAt: null, metadata }) as const;
  const read = (tenantId: string | null, holdId: string) => call(getHold, { mode, tenantId, holdId });
  const listed = async (tenantId: string | null, accountId: string, metadata: Record<string, string> = {}) => {
    const asks = { mode, tenantId, accountId, status: null, metadata, limit: 10, cursor: null } as const;
    const { holds } = await must<typeof listHolds>(call(listHolds, asks));
    return holds.map(({ holdId, actor, metadata: shown }) => ({ holdId, actor, metadata: shown }));
  };

  test('is read by whose account it is, under the id that its list shows, without what the operator noted', async () => {
    const { owed } = await funded(100n);
    const [name, own] = [randomUUID(), randomUUID()];
    await must<typeof operateBook>(operate(hold(name, owed, { send: 'secret' }), operator));
    await must<typeof operateBook>(operate(hold(own, owed, { order: '17', region: 'eu' })));
    const ofOwn = { holdId: `${alice}/${own}`, actor: 'user', metadata: { order: '17', region: 'eu' } };
    const ofOps = { holdId: `ops/${name}`, actor: 'settlement', metadata: { send: 'secret' } };
    const hidden = { holdId: `ops/${name}`, actor: null, metadata: {} };

    expect(await listed(alice, owed)).toEqual([ofOwn, hidden]);
    expect(await listed(null, owed)).toEqual([ofOwn, ofOps]);
    expect(await listed(bob, owed)).toEqual([]);
    for (const [tenantId, shown] of [
      [alice, hidden],
      [null, ofOps],
    ] as const)
      expect(await read(tenantId, `ops/${name}`)).toMatchObject({
        ok: true,
        value: { ...shown, placedBy: null, accountId: owed, remaining: 10n, status: 'open' },
      });
    expect(await read(alice, own)).toMatchObject({ value: { ...ofOwn, holdId: own, placedBy: alice } });
    for (const id of [`ops/${name}`, own, `${alice}/${own}`])
      expect(await read(bob, id)).toMatchObject({ ok: false, rejection: 'hold_not_found' });
  });

  test('is found by its metadata by the side that placed it, when all of it is there', async () => {
    const { owed } = await funded(100n);
    const [name, own] = [randomUUID(), randomUUID()];
    await must<typeof operateBook>(operate(hold(name, owed, { order: '17' }), operator));
    await must<typeof operateBook>(operate(hold(own, owed, { order: '17', region: 'eu' })));
    const found = async (tenantId: string | null, metadata: Record<string, string>) =>
      (await listed(tenantId, owed, metadata)).map(({ holdId }) => holdId);
    expect(await found(alice, { order: '17' })).toEqual([`${alice}/${own}`]);
    expect(await found(null, { order: '17' })).toEqual([`${alice}/${own}`, `ops/${name}`]);
    expect(await found(alice, { order: '17', region: 'eu' })).toEqual([`${alice}/${own}`]);
    expect(await found(alice, { order: '17', region: 'us' })).toEqual([]);
    expect(await found(alice, { order: '18' })).toEqual([]);
  });

  test('is neither captured nor released by the tenant, which can have none of its own under the same id', async () => {
    const { cash, owed } = await funded(100n);
    const name = randomUUID();
    await must<typeof operateBook>(operate(hold(name, owed, { of: 'operator' }), operator));
    const capture = (captureId: string) =>
      operate({ type: 'capture', captureId, holdId: `ops/${name}`, amount: 4n, creditAccountId: cash, final: false });
    const release = (releaseId: string) => operate({ type: 'release', releaseId, holdId: `ops/${name}` });
    expect(refusal(await capture(randomUUID()))).toBe('hold_not_found');
    expect(refusal(await release(randomUUID()))).toBe('hold_not_found');
    expect(refusal(await operate(hold(`ops/${name}`, owed, { of: 'alice' })))).toBe('id_reserved');
    expect(await account(owed)).toMatchObject({ posted: 100n, held: 10n });
    expect(await read(null, `ops/${name}`)).toMatchObject({ value: { remaining: 10n, status: 'open' } });
  });
});

test.each(["' or '1'='1", "x'; drop table accounts_v1; --", '%', '\\x27', '"}}'])(
  'what is noted is found by itself, and by nothing that reads it as SQL or as a pattern: %s',
  async (hostile) => {
    const { cash, owed } = await funded(100n);
    const noted = async (value: string) => {
      const metadata = { [`of-${owed.slice(-8)}`]: value };
      const accountId = own(randomUUID());
      await must<typeof openBookAccount>(open(accountId, { metadata }));
      const [post, holdId] = [move(owed, cash, 1n, { metadata }), randomUUID()];
      await must<typeof operateBook>(operate(post));
      const hold = {
        type: 'hold',
        holdId,
        accountId: owed,
        asset: 'TXC',
        amount: 1n,
        expiresAt: null,
        metadata,
      } as const;
      await must<typeof operateBook>(operate(hold));
      return { metadata, ids: [accountId, `${alice}/${post.transactionId}`, `${alice}/${holdId}`] };
    };
    const found = async (metadata: Record<string, string>) => {
      const asks = { mode, tenantId: alice, metadata, limit: 10, cursor: null } as const;
      const ranges = { effectiveFrom: null, effectiveTo: null, recordedFrom: null, recordedTo: null };
      const any = { transactionId: null, subject: null, accountId: null, ...ranges };
      const { accounts } = await must<typeof listAccounts>(call(listAccounts, asks));
      const { transactions } = await must<typeof searchTransactions>(call(searchTransactions, { ...asks, ...any }));
      const { holds } = await must<typeof listHolds>(call(listHolds, { ...asks, accountId: owed, status: null }));
      return [accounts, transactions, holds].flatMap((list) =>
        (list as { accountId: string; transactionId?: string; holdId?: string }[]).map(
          ({ accountId, transactionId, holdId }) => transactionId ?? holdId ?? accountId,
        ),
      );
    };
    const [plain, other] = [await noted('a'), await noted(hostile)];
    expect(await found(plain.metadata)).toEqual(plain.ids);
    expect(await found(other.metadata)).toEqual(other.ids);
  },
);

test('who posted is told to its own side and to operators', async () => {
  const { cash, owed } = await funded(10n);
  await must<typeof operateBook>(operate(move(owed, cash, 1n), { actor: 'colleague' }));
  await must<typeof operateBook>(operate(move(owed, cash, 2n), { tenantId: null, actor: 'operator' }));
  const ranges = { effectiveFrom: null, effectiveTo: null, recordedFrom: null, recordedTo: null };
  const of = {
    mode,
    accountId: owed,
    transactionId: null,
    subject: null,
    metadata: {},
    limit: 10,
    cursor: null,
  } as const;
  const actorsFor = async (tenantId: string | null) => {
    const { transactions } = await must<typeof searchTransactions>(
      call(searchTransactions, { ...of, ...ranges, tenantId }),
    );
    return transactions.map(({ actor }) => actor);
  };
  expect(await actorsFor(alice)).toEqual(['user', 'colleague', null]);
  expect(await actorsFor(null)).toEqual(['user', 'colleague', 'operator']);
});

test('a tenant is one, in the book and in its tables, however its id is spelled', async () => {
  const accountId = `wallet-${randomUUID()}`;
  const spelled = alice.toUpperCase();
  const floor = 0n;
  await must<typeof openAccount>(
    call(openAccount, { mode, accountId, tenantId: spelled, asset: 'TXC', type: 'liability', floor }),
  );
  expect(await must<typeof getBalance>(call(getBalance, { mode, tenantId: alice, accountId }))).toMatchObject({
    accountId,
  });
  const metadata = { spelled: randomUUID() };
  const ownId = own(randomUUID());
  await must<typeof openBookAccount>(open(ownId, { tenantId: spelled, ownerId: spelled, metadata }));
  const asks = { mode, tenantId: alice, metadata, limit: 10, cursor: null } as const;
  const { accounts } = await must<typeof listAccounts>(call(listAccounts, asks));
  expect(accounts).toMatchObject([{ accountId: ownId }]);
});

test('tenants reach their own books only, and their ids are not in the way of another', async () => {
  const { cash, owed } = await funded(10n);
  const foreign = { tenantId: bob };
  const post = move(owed, cash, 1n);
  await must<typeof operateBook>(operate(post));
  const { transactionId } = post;
  const bobs = await funded(10n, bob);
  expect(refusal(await operate(post, foreign))).toBe('account_not_found');
  const reverse = { type: 'reverse', reversalId: randomUUID(), transactionId, amount: null } as const;
  expect(refusal(await operate(reverse, foreign))).toBe('transaction_not_found');
  expect(refusal(await operate(move(owed, bobs.cash, 1n)))).toBe('account_not_found');
  expect(refusal(await operate(move(bobs.owed, bobs.cash, 1n, { mode: 'recording' }), foreign))).toBe(
    'recording_not_allowed',
  );
  expect(await call(getBookAccount, { mode, tenantId: bob, accountId: owed })).toMatchObject({ ok: false });
  expect(await open(own('stolen', bob))).toMatchObject({ rejection: 'account_exists_with_different_fields' });
  const reversal = { type: 'reverse', reversalId: randomUUID(), transactionId, amount: 1n } as const;
  await must<typeof operateBook>(operate(reversal));
  const again = (tenantId: string, amount: bigint | null) => {
    const ofReversal = {
      type: 'reverse',
      reversalId: randomUUID(),
      transactionId: reversal.reversalId,
      amount,
    } as const;
    return operate(ofReversal, { tenantId }).then(refusal);
  };
  for (const amount of [null, 1n])
    expect([await again(alice, amount), await again(bob, amount)]).toEqual([
      'transaction_not_reversible',
      'transaction_not_found',
    ]);
  const readBy = async (tenantId: string) =>
    refusal((await call(getBookTransaction, { mode, tenantId, transactionId: reversal.reversalId })) as never);
  expect([await readBy(alice), await readBy(bob)]).toEqual(['transaction_not_reversible', 'transaction_not_found']);
  const second = move(owed, cash, 1n);
  await must<typeof operateBook>(operate(second));
  const full = {
    type: 'reverse',
    reversalId: randomUUID(),
    transactionId: `${alice}/${second.transactionId}`,
    amount: null,
  } as const;
  expect(refusal(await operate(full, { tenantId: null }))).toBeNull();
});

test('operators record what happened whatever it breaks, change limits, and close periods', async () => {
  const { cash, owed } = await funded(10n);
  const limits = { ...asked, tenantId: null, changeId: randomUUID(), accountId: owed, floor: 5n, ceiling: 20n };
  await must<typeof setAccountLimits>(call(setAccountLimits, limits));
  expect(refusal(await operate(move(owed, cash, 6n)))).toBe('insufficient_balance');
  expect(refusal(await operate(move(cash, owed, 11n)))).toBe('ceiling_exceeded');
  const operator = { tenantId: null };
  expect(refusal(await operate(move(owed, cash, 6n, { mode: 'recording' }), operator))).toBeNull();
  const [recorded] = (await rig.events()).slice(-1).map(({ payload }) => JSON.parse(payload.toString()) as object);
  expect(recorded).toMatchObject({ rule: 'recording@1', floorBreaches: [owed] });

  const through = new Date(Date.now() - 3_600_000).toISOString();
  const close = { mode, actor: 'op', dryRun: false, closeId: randomUUID(), through } as const;
  await must<typeof closePeriod>(call(closePeriod, close));
  const openFrom = new Date(Date.parse(through) + 1).toISOString();
  expect(await must<typeof getOpenPeriod>(call(getOpenPeriod, { mode }))).toMatchObject({ openFrom });
  const late = { effectiveAt: through, mode: 'recording' } as const;
  expect(refusal(await operate(move(cash, owed, 1n, late), operator))).toBe('period_closed');
  const adjusted = move(cash, owed, 1n, { ...late, closedPeriod: 'adjust' });
  expect(refusal(await operate(adjusted, operator))).toBeNull();
  const [last] = (await rig.events()).slice(-1).map(({ payload }) => JSON.parse(payload.toString()) as object);
  expect(last).toMatchObject({ adjustmentFor: through, effectiveAt: openFrom });
});

test('balances and totals are told, however many of the largest amounts they are the sum of', async () => {
  const [cash, owed] = [own('much cash'), own('much owed')];
  await must<typeof openBookAccount>(open(cash, { type: 'asset', floor: null }));
  await must<typeof openBookAccount>(open(owed, { floor: null }));
  const most = 10n ** 38n - 1n;
  for (let n = 0; n < 3; n++) await must<typeof operateBook>(operate(move(cash, owed, most)));
  const read = await must<typeof getBookAccount>(call(getBookAccount, { mode, tenantId: alice, accountId: cash }));
  expect(read.posted).toBe(3n * most);
  await eventually(
    async () => {
      const { lines } = await must<typeof getTrialBalance>(
        call(getTrialBalance, { mode, tenantId: null, asOf: null, knownAt: null }),
      );
      expect(lines.find(({ asset, type }) => asset === 'TXC' && type === 'asset')?.net).toBeGreaterThanOrEqual(
        3n * most,
      );
    },
    { timeoutMs: 10_000 },
  );
});

test('a refusal is about the account that is the reason: at first, when it is repeated, foreseen, alone and in a bulk', async () => {
  const { cash, owed } = await funded(60n);
  const [full, frozen, missing] = [own(randomUUID()), own(randomUUID()), own(randomUUID())];
  await must<typeof openBookAccount>(open(full, { ceiling: 5n }));
  await must<typeof openBookAccount>(open(frozen));
  await must<typeof setAccountFrozen>(
    call(setAccountFrozen, { mode, accountId: frozen, frozen: true, actor: 'user', dryRun: false }),
  );
  const cases = [
    [move(owed, missing, 1n), 'account_not_found', missing],
    [move(owed, frozen, 1n), 'account_frozen', frozen],
    [move(owed, full, 61n), 'insufficient_balance', owed],
    [move(owed, full, 6n), 'ceiling_exceeded', full],
  ] as const;
  for (const [post, rejection, about] of cases) {
    const refusal = { ok: false, rejection, about };
    expect(await operate(post, { dryRun: true })).toEqual(refusal);
    expect(await operate(post)).toEqual(refusal);
    expect(await operate(post)).toEqual({ ...refusal, replayed: true });
    const [again] = (await must<typeof operateBookInBulk>(inBulk([post], false))).outcomes;
    expect(again).toEqual({ ...refusal, replayed: true });
    const anew = { ...post, transactionId: randomUUID() };
    const { failed } = await must<typeof operateBookInBulk>(inBulk([anew], true));
    expect(failed).toEqual({ index: 0, rejection, about, replayed: false });
  }
  const [debit, credit] = move(owed, cash, 1n).entries;
  const unbalanced = move(owed, cash, 1n, { entries: [{ ...debit!, amount: 2n }, credit!] });
  expect(await operate(unbalanced)).toEqual({ ok: false, rejection: 'entries_unbalanced' });
});
