/** Where every unit that came to an address is, by what came, when, and by which policy. */
import { reject, valuesOf } from '@daybook/core';
import type { AssetCode } from '@daybook/money';
import fc from 'fast-check';
import { createSample } from '../../test/sample-intent';
import {
  paymentIntent,
  summaryOf,
  type DepositFact,
  type Intent,
  type IntentCommand,
  type IntentEvent,
  type IntentState,
} from './payment-intent';
import {
  defaultReceiptPolicy,
  placeFor,
  receiptPlaces,
  receiptPolicy,
  type ReceiptPlace,
  type ReceiptPolicy,
} from './receipt-policy';

const amount = 1_000n;
const create = { ...createSample, amount };
const { tenantId, mode } = create;
const actor = 'key_ops';
const base = Date.parse(create.createdAt);
const time = (offsetMs: number) => new Date(base + offsetMs).toISOString();
const ttlMs = Date.parse(create.expiresAt) - base;

type Came = { readonly units: bigint; readonly asset?: AssetCode; readonly at: number };
type Book = Record<AssetCode | string, Record<string, bigint>>;

/** An intent with what it tells the ledger, posted by the ledger's rules. */
function open() {
  let state: IntentState = paymentIntent.initial;
  const book: Book = {};
  const log: IntentEvent[] = [];
  let deposits = 0;
  const put = (asset: AssetCode, account: string, units: bigint) => {
    const accounts = (book[asset] ??= {});
    accounts[account] = (accounts[account] ?? 0n) + units;
  };
  const post = (event: IntentEvent) => {
    if (event.type === 'DepositConfirmed') {
      put(event.deposit.asset, 'clearing', event.applied);
      for (const place of receiptPlaces) put(event.deposit.asset, place, event[place]);
    }
    if (event.type === 'IntentPaid' || event.type === 'IntentUnderpaid') {
      put(event.asset, 'clearing', -event.amount);
      put(event.asset, event.type === 'IntentPaid' ? 'settled' : event.place, event.amount);
    }
    if (event.type !== 'ReceiptMoved') return;
    put(event.asset, event.from, -event.amount);
    put(event.asset, event.to, event.amount);
  };
  const does = (command: IntentCommand) => {
    const decision = paymentIntent.decide(command, state);
    if (!decision.ok) return decision;
    for (const event of decision.events) {
      state = paymentIntent.evolve(state, event);
      log.push(event);
      post(event);
    }
    return decision;
  };
  does(create);
  return {
    does,
    log,
    book,
    get intent() {
      return state as Intent;
    },
    pay({ units, asset = 'USDT_TRC20', at }: Came, policy: ReceiptPolicy = defaultReceiptPolicy) {
      const depositId = `d${deposits++}`;
      const deposit: DepositFact = {
        depositId,
        chain: 'tron',
        transactionId: `tx-${depositId}`,
        asset,
        amount: units,
        at: time(at),
      };
      does({ type: 'RecordDepositConfirmed', deposit, policy, at: time(at) });
      does({ type: 'RecordDepositBooked', depositId, policy, at: time(at) });
      return depositId;
    },
    expire: (policy: ReceiptPolicy = defaultReceiptPolicy) =>
      does({ type: 'ExpireIntent', at: time(ttlMs), watched: [], policy }),
    move: (depositId: string, to: 'credited' | 'refundable' | 'suspense') =>
      does({ type: 'MoveReceipt', depositId, to, actor, at: time(9_000) }),
  };
}

/** What the book has, but for what is zero. */
function held(book: Book, asset: AssetCode = 'USDT_TRC20'): Record<string, bigint> {
  return Object.fromEntries(Object.entries(book[asset] ?? {}).filter(([, units]) => units !== 0n));
}

const place = fc.constantFrom(...receiptPlaces);
const policyOf = fc.record({
  under: fc.record({
    toleranceBps: fc.constantFrom(0, 1, 50, 1_000),
    place: fc.constantFrom('held' as const, 'refundable' as const),
  }),
  over: fc.constantFrom('credited' as const, 'held' as const, 'refundable' as const),
  late: fc.constantFrom('credited' as const, 'held' as const, 'refundable' as const),
  wrongAsset: fc.constantFrom('held' as const, 'refundable' as const, 'suspense' as const),
  dust: fc.record({
    below: fc.constantFrom<ReceiptPolicy['dust']['below']>({}, { USDT_TRC20: 5n }, { USDT_TRC20: 2_000n, SOL: 3n }),
    place,
  }),
});

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      units: fc.constantFrom(1n, 4n, 499n, 500n, 900n, 999n, 1_000n, 1_001n, 2_000n),
      asset: fc.constantFrom<AssetCode>('USDT_TRC20', 'USDT_TRC20', 'SOL', 'TRX'),
      at: fc.constantFrom(10, 999, 1_000, 5_000),
    }),
  },
  fc.constant('expire' as const),
  fc.record({ move: fc.nat(6), to: fc.constantFrom('credited' as const, 'refundable' as const, 'suspense' as const) }),
);

test('whatever comes, whenever, by whichever policies: every unit is in exactly one place, and nothing is lost or made', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(step, policyOf), { maxLength: 14 }), (steps) => {
      const play = open();
      const received = new Map<AssetCode, bigint>();
      for (const [what, policy] of steps) {
        if (what === 'expire') play.expire(policy);
        else if ('move' in what) play.move(`d${what.move}`, what.to);
        else {
          play.pay(what, policy);
          received.set(what.asset, (received.get(what.asset) ?? 0n) + what.units);
        }
        for (const [asset, units] of received) {
          const accounts = Object.values(play.book[asset] ?? {});
          expect(accounts.every((balance) => balance >= 0n)).toBe(true);
          expect(accounts.reduce((sum, balance) => sum + balance, 0n)).toBe(units);
        }
      }
      play.expire();
      // The end: nothing waits, each deposit is in the book where the intent has it, and one asset is never another.
      expect(play.intent.stage === 'open').toBe(false);
      const places: Book = {};
      for (const of of valuesOf(play.intent.deposits)) {
        const rest = receiptPlaces.filter((each) => of[each] > 0n);
        expect([of.depositId, rest.length <= 1, rest.length === 1 || of.applied > 0n]).toEqual([
          of.depositId,
          true,
          true,
        ]);
        const accounts = (places[of.asset] ??= {});
        for (const each of [...receiptPlaces, 'applied'] as const) {
          const account = each === 'applied' ? 'settled' : each;
          accounts[account] = (accounts[account] ?? 0n) + of[each];
        }
        if (of.asset !== 'USDT_TRC20') expect(of.applied).toBe(0n);
      }
      for (const asset of received.keys()) expect(held(play.book, asset)).toEqual(held(places, asset));
    }),
    { numRuns: 300 },
  );
});

test('P3: with a tolerance, paid is what was applied: the amount, or no more than the tolerance below it', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(step, policyOf), { maxLength: 14 }), (steps) => {
      const play = open();
      for (const [what, policy] of steps) {
        const before = play.log.length;
        if (what === 'expire') play.expire(policy);
        else if (!('move' in what)) play.pay(what, policy);
        const paid = play.log.slice(before).find((event) => event.type === 'IntentPaid');
        if (paid === undefined) continue;
        const missing = amount - paid.amount;
        expect(missing >= 0n && missing * 10_000n <= amount * BigInt(policy.under.toleranceBps)).toBe(true);
        expect(summaryOf(play.intent).exceptions.includes('underpaid')).toBe(missing > 0n);
      }
    }),
    { numRuns: 200 },
  );
});

test('P9: a move takes all of a rest to another place, and nothing leaves what is credited', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(step, policyOf), { maxLength: 14 }), (steps) => {
      const play = open();
      for (const [what, policy] of steps) {
        if (what === 'expire') play.expire(policy);
        else if (!('move' in what)) play.pay(what, policy);
        else {
          const before = valuesOf(play.intent.deposits).find(({ depositId }) => depositId === `d${what.move}`);
          const [first, again] = [play.move(`d${what.move}`, what.to), play.move(`d${what.move}`, what.to)];
          const from: ReceiptPlace | undefined = before && receiptPlaces.find((each) => before[each] > 0n);
          if (from === undefined || (from === 'credited' && what.to !== 'credited')) {
            expect([first.ok, again.ok]).toEqual([false, false]);
            continue;
          }
          const moved =
            from === what.to ? [] : [{ type: 'ReceiptMoved', from, to: what.to, amount: before?.[from], actor }];
          expect([first, again]).toMatchObject([
            { ok: true, events: moved },
            { ok: true, events: [] },
          ]);
        }
      }
    }),
    { numRuns: 200 },
  );
});

const patterns: Readonly<Record<string, readonly bigint[]>> = {
  'one unit under': [999n],
  exact: [1_000n],
  'one unit over': [1_001n],
  twice: [1_000n, 1_000n],
  'split in seven': [100n, 100n, 100n, 100n, 100n, 100n, 400n],
};
const moments = {
  before: 100,
  at: 1_000,
  'after expiry': 5_000,
  'after payment': 6_000,
  'after it was owed back': 7_000,
};
const places = ['credited', 'held', 'refundable'] as const;
const cases = Object.keys(patterns).flatMap((pattern) =>
  Object.keys(moments).flatMap((moment) =>
    places.flatMap((over) =>
      places.flatMap((late) => [{ pattern, moment: moment as keyof typeof moments, over, late }]),
    ),
  ),
);

/** The hazard's table: how much, when, and by which policy, with where it has to be. */
test.each(cases)('$pattern, $moment: over is $over, late is $late', ({ pattern, moment, over, late }) => {
  const policy: ReceiptPolicy = { ...defaultReceiptPolicy, over, late, under: { toleranceBps: 0, place: 'held' } };
  const play = open();
  const units = patterns[pattern]!;
  const total = units.reduce((sum, each) => sum + each, 0n);
  if (moment === 'after payment') play.pay({ units: amount, at: 50 }, policy);
  if (moment === 'after it was owed back') {
    const first = play.pay({ units: 400n, at: 50 }, policy);
    play.expire(policy);
    play.move(first, 'refundable');
  }
  if (moment === 'after expiry') play.expire(policy);
  for (const each of units) play.pay({ units: each, at: moments[moment] }, policy);
  play.expire(policy);
  const expected: Record<string, bigint> = {};
  const put = (account: string, value: bigint) => {
    if (value > 0n) expected[account] = (expected[account] ?? 0n) + value;
  };
  if (moment === 'before') {
    put(total < amount ? 'held' : 'settled', total < amount ? total : amount);
    put(over, total - amount);
  } else if (moment === 'after payment') {
    put('settled', amount);
    put(over, total);
  } else {
    if (moment === 'after it was owed back') put('refundable', 400n);
    put(late, total);
  }
  expect(held(play.book)).toEqual(expected);
});

describe('a policy', () => {
  test.each(['held', 'refundable', 'suspense'] as const)('sends a wrong asset to %s, in that asset', (wrongAsset) => {
    const play = open();
    play.pay({ units: 7n, asset: 'SOL', at: 100 }, { ...defaultReceiptPolicy, wrongAsset });
    expect(play.book['SOL']).toMatchObject({ [wrongAsset]: 7n, clearing: 0n });
    expect(play.log.at(-2)).toMatchObject({
      type: 'DepositConfirmed',
      exception: 'wrong_asset',
      decidedBy: 'wrong_asset',
    });
  });

  test('takes an amount within its tolerance as paid, at once, and what comes then is over', () => {
    const policy = { ...defaultReceiptPolicy, under: { toleranceBps: 100, place: 'held' as const } };
    const play = open();
    play.pay({ units: 989n, at: 10 }, policy);
    expect(play.intent.stage).toBe('open');
    play.pay({ units: 1n, at: 20 }, policy);
    expect(summaryOf(play.intent)).toMatchObject({ status: 'paid', amountApplied: 990n, exceptions: ['underpaid'] });
    play.pay({ units: 10n, at: 30 }, policy);
    expect(held(play.book)).toEqual({ settled: 990n, refundable: 10n });
  });

  test('waits for a deposit in flight before it takes less, and at the end takes it without', () => {
    const policy = { ...defaultReceiptPolicy, under: { toleranceBps: 100, place: 'held' as const } };
    const play = open();
    const deposit = { depositId: 'x', chain: 'tron', transactionId: 'x', asset: 'USDT_TRC20', amount: 5n } as const;
    play.does({ type: 'RecordDepositSeen', deposit: { ...deposit, at: time(5) }, at: time(5) });
    play.pay({ units: 995n, at: 10 }, policy);
    expect(play.intent.stage).toBe('open');
    play.does({ type: 'RecordDepositReverted', deposit: { ...deposit, at: time(20) }, at: time(20) });
    play.expire(policy);
    expect(play.intent.stage).toBe('paid');
  });

  test.each([
    [4n, 'suspense', 'dust'],
    [5n, 'refundable', 'over'],
  ] as const)('of dust below 5: a rest of %s goes to %s, by %s', (units, account, decidedBy) => {
    const play = open();
    const policy = { ...defaultReceiptPolicy, dust: { below: { USDT_TRC20: 5n }, place: 'suspense' as const } };
    play.pay({ units: amount + units, at: 10 }, policy);
    expect(play.log).toContainEqual(expect.objectContaining({ type: 'DepositConfirmed', applied: amount, decidedBy }));
    expect(held(play.book)).toEqual({ settled: amount, [account]: units });
  });

  test('of dust: an intent that ends with less than that has dust only', () => {
    const play = open();
    const policy = { ...defaultReceiptPolicy, dust: { below: { USDT_TRC20: 5n }, place: 'credited' as const } };
    play.pay({ units: 4n, at: 10 }, policy);
    play.expire(policy);
    expect(play.log.at(-1)).toMatchObject({ type: 'IntentUnderpaid', place: 'credited', decidedBy: 'dust' });
    expect(held(play.book)).toEqual({ credited: 4n });
  });

  test('R1: that is set again records nothing', () => {
    fc.assert(
      fc.property(policyOf, (policy) => {
        const command = { type: 'SetReceiptPolicy', tenantId, mode, policy, actor, at: time(0) } as const;
        const first = receiptPolicy.decide(command, receiptPolicy.initial);
        const state = (first.ok ? first.events : []).reduce(receiptPolicy.evolve, receiptPolicy.initial);
        expect(receiptPolicy.decide(command, state)).toEqual({ ok: true, events: [] });
        expect(state.policy).toEqual(policy);
      }),
    );
  });

  test('R2: money below the dust threshold of its asset goes where dust goes, all other by why it cannot be applied', () => {
    const reasons = ['overpaid', 'paid_late', 'wrong_asset', 'underpaid'] as const;
    fc.assert(
      fc.property(policyOf, fc.constantFrom(...reasons), fc.bigInt(1n, 3_000n), (policy, reason, units) => {
        const byReason = { overpaid: policy.over, paid_late: policy.late, wrong_asset: policy.wrongAsset };
        const isDust = units < (policy.dust.below.SOL ?? 0n);
        const otherwise = reason === 'underpaid' ? policy.under.place : byReason[reason];
        expect(placeFor(policy, reason, 'SOL', units)).toMatchObject({
          place: isDust ? policy.dust.place : otherwise,
          ...(isDust ? { decidedBy: 'dust' } : {}),
        });
      }),
    );
  });
});

test('what is refused: a receipt that is not there or not final, one that is applied, one that is credited', () => {
  const play = open();
  expect(play.move('d0', 'credited')).toEqual(reject('receipt_not_found'));
  const applied = play.pay({ units: 1n, at: 10 });
  expect(play.move(applied, 'credited')).toEqual(reject('receipt_applied'));
  const wrong = play.pay({ units: 1n, asset: 'SOL', at: 10 });
  expect(play.move(wrong, 'credited').ok).toBe(true);
  expect(play.move(wrong, 'refundable')).toEqual(reject('receipt_already_credited'));
});
