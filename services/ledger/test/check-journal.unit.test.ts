import fc from 'fast-check';
import { custodyAccount, ownedAccount } from '../src/domain/account';
import type { BookCommand } from '../src/domain/book-commands';
import type { BookEvent } from '../src/domain/book-events';
import type { Fact } from '../src/domain/facts';
import { anyStep, open, play, tenants } from './book-play';
import { checkEvents, recordedBy } from './check-events';
import { dirty, violationsOf } from './check-rig';

const [alice, bob] = tenants;
const actor = 'op';
const common = { contentHash: 'h1', tenantId: null, actor } as const;

function post(
  transactionId: string,
  [debit, credit]: readonly [string, string],
  amount: bigint,
  { asset = 'TXC', mode = 'authorizing' }: { asset?: 'TXC' | 'ETH'; mode?: 'authorizing' | 'recording' } = {},
): BookCommand {
  const of = (accountId: string, direction: 'debit' | 'credit') => ({ accountId, asset, direction, amount });
  const entries = [of(debit, 'debit'), of(credit, 'credit')];
  const more = { effectiveAt: null, closedPeriod: 'refuse', description: null, metadata: null } as const;
  return { type: 'PostTransaction', transactionId, mode, entries, ...more, ...common };
}

const limits = (accountId: string, floor: bigint | null, ceiling: bigint | null): BookCommand => ({
  type: 'SetAccountLimits',
  changeId: `limits of ${accountId}`,
  accountId,
  floor,
  ceiling,
  ...common,
});

const hold = (accountId: string, amount: bigint, asset: 'TXC' | 'ETH' = 'TXC'): BookCommand => ({
  type: 'PlaceHold',
  holdId: 'hold',
  accountId,
  asset,
  amount,
  expiresAt: null,
  metadata: null,
  ...common,
});

const capture = (creditAccountId: string, amount: bigint | null = null): BookCommand => ({
  type: 'CaptureHold',
  captureId: 'capture',
  holdId: 'hold',
  amount,
  creditAccountId,
  final: true,
  ...common,
});

const reverse = (transactionId: string, amount: bigint | null = null): BookCommand => ({
  type: 'ReverseTransaction',
  reversalId: `reversal of ${transactionId}`,
  transactionId,
  amount,
  ...common,
});

async function invariantsBrokenBy(events: readonly BookEvent[]) {
  return dirty(await checkEvents(events)).invariants;
}

/** The last event is replaced by what no book records. */
function forgedLast<Type extends BookEvent['type']>(
  events: readonly BookEvent[],
  type: Type,
  change: (event: Extract<BookEvent, { type: Type }>) => BookEvent,
): BookEvent[] {
  const last = events.at(-1);
  if (last?.type !== type) throw new Error(`the last event is ${last?.type}`);
  return [...events.slice(0, -1), change(last as Extract<BookEvent, { type: Type }>)];
}

const transferred: readonly BookCommand[] = [
  { type: 'IssueFunds', transactionId: 'issue', contentHash: 'h1', accountId: 'a', asset: 'TXC', amount: 100n },
  {
    type: 'AcceptTransfer',
    transferId: 'transfer',
    contentHash: 'h1',
    tenantId: alice,
    debitAccountId: 'a',
    creditAccountId: 'b',
    asset: 'TXC',
    amount: 100n,
    referenceId: 'r',
    note: null,
  },
  { type: 'ConfirmTransfer', transferId: 'transfer' },
];

describe('I2: limits', () => {
  const [cash, owed] = [`acct:${alice}:cash`, `acct:${alice}:owed`];
  const funded = [open(cash), open(owed), post('funds', [cash, owed], 80n)];
  const beyond = post('beyond', [owed, cash], 30n, { mode: 'recording' });
  const [issue, accept, confirm] = transferred as [BookCommand, BookCommand, BookCommand];
  const wallets = [open('a'), open('b'), issue, accept];

  test.each([
    ['a hold whose account got a higher floor is captured', [hold(owed, 80n), limits(owed, 50n, null), capture(cash)]],
    ['a part of it is, and the rest released', [hold(owed, 80n), limits(owed, 50n, null), capture(cash, 30n)]],
    ['a hold whose account was taken below its floor is captured', [hold(owed, 80n), beyond, capture(cash)]],
    [
      'a hold is released on an account that got a lower ceiling',
      [hold(owed, 80n), limits(owed, 0n, 10n), { type: 'ReleaseHold', releaseId: 'r', holdId: 'hold', ...common }],
    ],
    [
      'a hold on an account that got a lower ceiling is captured',
      [hold(owed, 80n), limits(owed, 0n, 10n), capture(cash)],
    ],
  ] satisfies [string, BookCommand[]][])('%s: the book is clean', async (_title, commands) => {
    expect(await invariantsBrokenBy(recordedBy([...funded, ...commands]))).toEqual([]);
  });

  test('a transfer is confirmed whose sender got a higher floor, or was taken below it: the book is clean', async () => {
    const raised = recordedBy([...wallets, limits('a', 50n, null), confirm]);
    expect(await invariantsBrokenBy(raised)).toEqual([]);
    const taken = recordedBy([...wallets, post('taken', ['a', 'issuance:TXC'], 30n, { mode: 'recording' }), confirm]);
    expect(await invariantsBrokenBy(taken)).toEqual([]);
  });

  test('what a capture or a confirmation gives beyond what was held is told', async () => {
    const captured = recordedBy([...funded, hold(owed, 50n), capture(cash)]);
    const more = forgedLast(captured, 'HoldCaptured', (event) => ({
      ...event,
      entries: event.entries.map((entry) => ({ ...entry, amount: 81n })),
    }));
    const sequence = more.length - 1;
    expect(violationsOf(await checkEvents(more), 'I2')).toMatchObject([
      { sequence, where: owed, actual: '-1 posted, 0 held' },
    ]);
    const confirmed = forgedLast(recordedBy([...wallets, confirm]), 'TransferConfirmed', (event) => ({
      ...event,
      entries: event.entries.map((entry) => ({ ...entry, amount: 101n })),
    }));
    expect(violationsOf(await checkEvents(confirmed), 'I2')).toMatchObject([
      { where: 'a', actual: '-1 posted, 0 held' },
    ]);
  });
});

describe('I17: clearing accounts', () => {
  const clearing = ownedAccount('clearing', alice, 'ETH').accountId;
  const merchant = ownedAccount('merchant', alice, 'ETH').accountId;
  const custody = custodyAccount('evm', 'ETH').accountId;
  const told = (transactionId: string, fact: Fact): BookCommand => ({
    type: 'PostFact',
    transactionId,
    contentHash: 'h1',
    fact,
    effectiveAt: '2026-01-01T00:00:00.000Z',
  });
  const of = (intentId: string) => ({ intentId, tenantId: alice, asset: 'ETH' }) as const;
  const paid = (intentId: string, depositId = `deposit of ${intentId}`) =>
    told(depositId, { type: 'intent_payment', depositId, chain: 'evm', applied: 40n, refundable: 0n, ...of(intentId) });
  const settled = (intentId: string, settlementId = `settlement of ${intentId}`) =>
    told(settlementId, { type: 'settlement', settlementId, amount: 40n, ...of(intentId) });
  const corrected = (accounts: readonly [string, string], amount = 40n) =>
    post(`correction from ${accounts[0]}`, accounts, amount, { asset: 'ETH', mode: 'recording' });
  /** Facts open the accounts. */
  const opened = [paid('before'), settled('before')];
  const itemsOf = async (commands: readonly BookCommand[]) =>
    violationsOf(await checkEvents(recordedBy([...opened, ...commands])), 'I17').map(({ expected, actual }) =>
      [expected.replace(/ cleared by .*/, ''), actual.replace(/ since .*/, '')].join(': '),
    );
  /** Another item, so that the account is not just at zero. */
  const busy = paid('busy');
  const stuck = 'busy: 40';

  test('what a reversal of the payment took is no longer open; what it left is', async () => {
    expect(await itemsOf([busy, paid('one'), reverse('deposit of one')])).toEqual([stuck]);
    expect(await itemsOf([busy, paid('one'), reverse('deposit of one', 30n)])).toEqual([stuck, 'one: 10']);
  });

  test('what a reversal of the settlement brought back is open until it is settled again', async () => {
    const back = [busy, paid('one'), settled('one'), reverse('settlement of one')];
    expect(await itemsOf(back)).toEqual([stuck, 'settlement of one: 40']);
    expect(await itemsOf([...back, settled('one', 'again')])).toEqual([stuck]);
  });

  test('a correcting posting clears the oldest item, and what it leaves is open', async () => {
    const one = [paid('one'), busy];
    expect(await itemsOf([...one, corrected([clearing, merchant])])).toEqual([stuck]);
    expect(await itemsOf([...one, corrected([clearing, merchant], 30n)])).toEqual(['one: 10', stuck]);
    const missed = [corrected([custody, clearing]), settled('one')];
    expect(await itemsOf([busy, settled('busy'), ...missed])).toEqual([]);
  });

  test('a correction that settles nothing is told', async () => {
    expect(await itemsOf([paid('one'), settled('one'), corrected([custody, clearing])])).toEqual([
      `correction from ${custody}: 40`,
    ]);
  });

  test('a capture clears, or is told when it brings what nobody takes', async () => {
    const out = [paid('one'), busy, hold(clearing, 40n, 'ETH'), capture(merchant)];
    expect(await itemsOf(out)).toEqual([stuck]);
    const into = [paid('one'), settled('one'), hold(merchant, 40n, 'ETH'), capture(clearing)];
    expect(await itemsOf(into)).toEqual(['capture: 40']);
  });

  test("one intent's money does not settle another's", async () => {
    expect(await itemsOf([paid('one'), settled('other')])).toEqual(['one: 40', 'other: -40']);
  });
});

describe('I19: entries of a tenant', () => {
  const own = { tenantId: alice } as const;
  const [cash, owed, others] = [`acct:${alice}:cash`, `acct:${alice}:owed`, `acct:${bob}:owed`];
  const funded = [open(cash), open(owed), open(others), { ...post('funds', [cash, owed], 80n), ...own }];
  const onto = (accountId: string) => (event: Extract<BookEvent, { entries: unknown }>) =>
    ({ ...event, entries: [event.entries[0]!, { ...event.entries[1]!, accountId }] }) as BookEvent;
  const violations = async (events: readonly BookEvent[]) => violationsOf(await checkEvents(events), 'I19');
  const ofAlice = { expected: `an account of ${alice}`, actual: `one of ${bob}` };

  test("a capture and a reversal that credit another's account are told", async () => {
    const captured = recordedBy([...funded, { ...hold(owed, 80n), ...own }, { ...capture(cash), ...own }]);
    expect(await violations(captured)).toEqual([]);
    expect(await violations(forgedLast(captured, 'HoldCaptured', onto(others)))).toMatchObject([
      { sequence: captured.length - 1, where: others, ...ofAlice },
    ]);
    const reversed = recordedBy([...funded, { ...reverse('funds'), ...own }]);
    expect(await violations(reversed)).toEqual([]);
    expect(await violations(forgedLast(reversed, 'TransactionReversed', onto(others)))).toMatchObject([
      { sequence: reversed.length - 1, where: others, ...ofAlice },
    ]);
  });

  test("what an operator takes back or captures may be anybody's", async () => {
    const moved = [...funded, post('moved', [owed, others], 10n), reverse('moved'), hold(owed, 40n), capture(others)];
    expect(await violations(recordedBy(moved))).toEqual([]);
  });

  test("a confirmation that credits a third tenant's account is told", async () => {
    const third = '33333333-3333-4333-8333-333333333333';
    const opened = [open('a'), open('b'), { ...open('c'), accountId: 'third', tenantId: third } as BookCommand];
    const confirmed = recordedBy([...opened, ...transferred]);
    expect(await violations(confirmed)).toEqual([]);
    expect(await violations(forgedLast(confirmed, 'TransferConfirmed', onto('third')))).toMatchObject([
      { where: 'third', expected: `an account of ${alice} or ${bob}`, actual: `one of ${third}` },
    ]);
  });
});

describe('histories that the book writes', () => {
  /** Those of `anyStep` hardly ever correct what stands on a clearing account. */
  const [clearing, merchant] = (['clearing', 'merchant'] as const).map(
    (of) => ownedAccount(of, alice, 'ETH').accountId,
  );
  const ways = fc.constantFrom<readonly [string, string]>([clearing!, merchant!], [merchant!, clearing!]);
  const correction = fc
    .record({ n: fc.nat(99), way: ways, amount: fc.bigInt({ min: 1n, max: 40n }), kind: fc.nat(2) })
    .map(({ n, way, amount, kind }): BookCommand => {
      if (kind === 0) return { ...hold(way[0], amount, 'ETH'), holdId: `clearing-${n}` } as BookCommand;
      if (kind === 1) return { ...capture(way[1]), captureId: `c-${n}` } as BookCommand;
      return post(`y-${n}`, way, amount, { asset: 'ETH', mode: 'recording' });
    })
    .chain((command) => fc.record({ after: fc.constant(1), pick: fc.nat(999), command: fc.constant(command) }));
  const steps = fc.array(fc.oneof({ weight: 6, arbitrary: anyStep }, { weight: 1, arbitrary: correction }), {
    maxLength: 100,
    size: 'max',
  });

  test('break no invariant, but for I16: operators may post anything', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (played) => {
        const report = await checkEvents(play(played).log, { clearingDeadlineS: 365 * 86_400 });
        expect(dirty(report).invariants.filter((id) => id !== 'I16')).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test('I17: what is open on a clearing account adds up to its balance', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (played) => {
        const { log, state } = play(played);
        const open = new Map<string, bigint>();
        for (const { where, actual } of violationsOf(await checkEvents(log), 'I17'))
          open.set(where, (open.get(where) ?? 0n) + BigInt(actual.split(' ')[0]!));
        for (const { accountId, posted } of state.accounts.values())
          if (accountId.startsWith('clearing:'))
            expect([accountId, open.get(accountId) ?? 0n]).toEqual([accountId, posted]);
      }),
      { numRuns: 100 },
    );
  });
});
