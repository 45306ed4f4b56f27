import { accept, reject, valuesOf } from '@daybook/core';
import fc from 'fast-check';
import { createSample as create } from '../../test/sample-intent';
import {
  paymentIntent,
  summaryOf,
  type DepositFact,
  type Intent,
  type IntentCommand,
  type IntentEvent,
  type IntentState,
  type IntentStatus,
  type WatchedDeposit,
} from './payment-intent';

const { amount } = create;
const base = Date.parse(create.createdAt);
const time = (offsetMs: number) => new Date(base + offsetMs).toISOString();
const ttlMs = Date.parse(create.expiresAt) - base;

function deposit(id: string, units: bigint, options: { at?: number; asset?: DepositFact['asset'] } = {}): DepositFact {
  return {
    depositId: id,
    chain: 'tron-sandbox',
    transactionId: `tx-${id}`,
    asset: options.asset ?? 'USDT_TRC20',
    amount: units,
    at: time(options.at ?? 100),
  };
}
const at = time(500);
const seen = (fact: DepositFact): IntentCommand => ({ type: 'RecordDepositSeen', deposit: fact, at });
const reverted = (fact: DepositFact): IntentCommand => ({ type: 'RecordDepositReverted', deposit: fact, at });
const confirmed = (fact: DepositFact): IntentCommand => ({ type: 'RecordDepositConfirmed', deposit: fact, at });
const booked = (depositId: string): IntentCommand => ({ type: 'RecordDepositBooked', depositId, at });
const expire = (offsetMs: number, watched: readonly WatchedDeposit[] = []): IntentCommand => ({
  type: 'ExpireIntent',
  at: time(offsetMs),
  watched,
});
const settle: IntentCommand = { type: 'RecordSettled', settlementId: 's1', ledgerReference: '0x1', at: time(2_000) };

type Step = {
  command: IntentCommand;
  before: IntentState;
  after: IntentState;
  events: readonly IntentEvent[];
  ok: boolean;
};

/** Runs the commands in order from the creation and returns every step. */
function play(commands: readonly IntentCommand[]): { steps: Step[]; log: IntentEvent[]; intent: Intent } {
  let state: IntentState = paymentIntent.initial;
  const steps = [create, ...commands].map((command): Step => {
    const before = state;
    const decision = paymentIntent.decide(command, state);
    const events = decision.ok ? decision.events : [];
    state = events.reduce(paymentIntent.evolve, state);
    return { command, before, after: state, events, ok: decision.ok };
  });
  return { steps, log: steps.flatMap(({ events }) => events), intent: state as unknown as Intent };
}
const summary = (...commands: IntentCommand[]) => summaryOf(play(commands).intent);
const paid = (id: string, units = amount) => [confirmed(deposit(id, units)), booked(id)];

const ids = fc.constantFrom('d1', 'd2', 'd3', 'd4');
const amounts: Record<string, bigint> = { d1: 4n, d2: 6n, d3: 11n, d4: 3n };
const fact = fc
  .record({ id: ids, at: fc.constantFrom(0, 100, 200, 999, 1_000, 1_500) })
  .map(({ id, at: offset }) =>
    deposit(id, amounts[id]!, { at: offset, ...(id === 'd4' ? { asset: 'SOL' as const } : {}) }),
  );
const command: fc.Arbitrary<IntentCommand> = fc.oneof(
  fact.map(seen),
  fact.map(reverted),
  { weight: 2, arbitrary: fact.map(confirmed) },
  { weight: 2, arbitrary: ids.map(booked) },
  fc.constantFrom(500, 999, 1_000, 2_000).map(expire),
  fc.constant(settle),
);
const commands = fc.array(command, { maxLength: 25 });

const edges: Record<IntentStatus, readonly IntentStatus[]> = {
  pending: ['confirming', 'expired'],
  confirming: ['pending', 'partially_paid', 'paid'],
  partially_paid: ['confirming', 'underpaid'],
  paid: ['settled'],
  settled: [],
  expired: [],
  underpaid: [],
};

describe('payment intent', () => {
  test('P1: splits every final deposit exactly and applies no more than the amount', () => {
    fc.assert(
      fc.property(commands, (cs) => {
        const { log, intent } = play(cs);
        const finals = log.filter((event) => event.type === 'DepositConfirmed');
        for (const { deposit: of, applied, credited, held, refundable, suspense } of finals) {
          const rest = [credited, held, refundable, suspense].filter((units) => units !== 0n);
          expect(rest.reduce((sum, units) => sum + units, applied)).toBe(of.amount);
          expect(applied >= 0n && rest.length <= 1 && rest.every((units) => units > 0n)).toBe(true);
        }
        expect(new Set(finals.map(({ deposit: of }) => of.depositId)).size).toBe(finals.length);
        expect(finals.reduce((sum, { applied }) => sum + applied, 0n) <= amount).toBe(true);
        for (const { phase, amount: units, ...of } of valuesOf(intent.deposits)) {
          const final = phase === 'confirmed' || phase === 'booked';
          expect(of.applied + of.credited + of.held + of.refundable + of.suspense).toBe(final ? units : 0n);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('P2: has at most one outcome and takes only the edges of the diagram', () => {
    fc.assert(
      fc.property(commands, (cs) => {
        const { steps, log } = play(cs);
        const outcomes = log.filter(({ type }) => ['IntentPaid', 'IntentExpired', 'IntentUnderpaid'].includes(type));
        expect(outcomes.length).toBeLessThanOrEqual(1);
        const settledAt = log.findIndex(({ type }) => type === 'IntentSettled');
        if (settledAt >= 0) expect(log.slice(0, settledAt).map(({ type }) => type)).toContain('IntentPaid');
        for (const { before, after } of steps.slice(1)) {
          const [from, to] = [summaryOf(before as Intent).status, summaryOf(after as Intent).status];
          if (from !== to) expect(edges[from]).toContain(to);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('P3: is paid as soon as exactly the amount is applied and booked, and never otherwise', () => {
    fc.assert(
      fc.property(commands, (cs) => {
        for (const { after } of play(cs).steps) {
          const intent = after as Intent;
          if (intent.stage === 'expired' || intent.stage === 'underpaid') continue;
          const applied = valuesOf(intent.deposits).filter((held) => held.applied > 0n);
          const sum = applied.reduce((total, held) => total + held.applied, 0n);
          const complete = sum === amount && applied.every(({ phase }) => phase === 'booked');
          expect(intent.stage === 'paid' || intent.stage === 'settled').toBe(complete);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('P4: does not expire while a deposit is in flight', () => {
    fc.assert(
      fc.property(commands, (cs) => {
        for (const { events, before } of play(cs).steps) {
          if (!events.some(({ type }) => type === 'IntentExpired' || type === 'IntentUnderpaid')) continue;
          for (const held of valuesOf((before as Intent).deposits)) {
            const inTime = held.phase === 'seen' && held.asset === 'USDT_TRC20' && held.seenAt! < time(ttlMs);
            expect(inTime || (held.phase === 'confirmed' && held.applied > 0n)).toBe(false);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('P5: accepts an immediate repeat and records nothing', () => {
    fc.assert(
      fc.property(commands, (cs) => {
        const once = play(cs);
        const twice = play(cs.flatMap((c) => [c, c]));
        expect(twice.log).toEqual(once.log);
        const accepted = [true, ...once.steps.slice(1).flatMap(({ ok }) => [ok, ok])];
        expect(twice.steps.map(({ ok }) => ok)).toEqual(accepted);
      }),
    );
  });

  test('P6: reaches the same totals in whatever order the facts of deposits in time arrive', () => {
    const histories = fc.record({
      d1: fc.nat(4),
      d2: fc.nat(4),
      d3: fc.nat(4),
      d4: fc.nat(4),
    });
    const history = histories.chain((known) => {
      const once = Object.entries(known).flatMap(([id, facts]) => {
        const of = deposit(id, amounts[id]!, id === 'd4' ? { asset: 'SOL' } : {});
        return [
          seen(of),
          reverted({ ...of, at: time(200) }),
          seen({ ...of, at: time(300) }),
          confirmed({ ...of, at: time(400) }),
        ].slice(0, facts);
      });
      return fc.tuple(fc.constant(once), fc.shuffledSubarray([...once, ...once], { minLength: once.length * 2 }));
    });
    fc.assert(
      fc.property(history, ([ordered, shuffled]) => {
        const books = ['d1', 'd2', 'd3', 'd4'].map(booked);
        const { transactionHash: _first, ...expected } = summary(...ordered, ...books);
        const { transactionHash: _second, ...actual } = summary(...shuffled, ...books);
        expect(actual).toEqual(expected);
      }),
    );
  });

  test('P7: is as before once a seen deposit is reverted', () => {
    fc.assert(
      fc.property(commands, (cs) => {
        const another = deposit('another', 5n, { at: 600 });
        expect(summary(...cs, seen(another), reverted({ ...another, at: time(700) }))).toEqual(summary(...cs));
      }),
    );
  });

  test('P8: carries the full state exactly when status, amounts or exceptions changed', () => {
    fc.assert(
      fc.property(commands, (cs) => {
        let state: IntentState = paymentIntent.initial;
        let known: unknown;
        for (const event of play(cs).log) {
          state = paymentIntent.evolve(state, event);
          const { transactionHash: _hash, verifiedAt: _at, ...now } = summaryOf(state as Intent);
          if (event.change === null) expect(now).toEqual(known);
          else {
            expect(event.change).toEqual(summaryOf(state as Intent));
            expect(now).not.toEqual(known);
          }
          known = now;
        }
      }),
    );
  });
});

describe('what a deposit ends in', () => {
  test.each([
    ['one unit under', [9n], 'partially_paid', 9n, 0n, []],
    ['exact', [10n], 'paid', 10n, 0n, []],
    ['one unit over', [11n], 'paid', 10n, 1n, ['overpaid']],
    ['twice', [10n, 10n], 'paid', 10n, 10n, ['overpaid']],
    ['split in seven', [1n, 1n, 1n, 1n, 1n, 1n, 4n], 'paid', 10n, 0n, []],
  ] as const)('%s, in time', (_name, units, status, applied, refundable, exceptions) => {
    const all = units.flatMap((unit, index) => paid(`p${index}`, unit));
    expect(summary(...all)).toMatchObject({
      status,
      amountApplied: applied,
      amountRefundable: refundable,
      exceptions,
    });
  });

  test('in another asset: kept apart, in suspense, and no reason to wait', () => {
    const other = deposit('w', 7n, { asset: 'SOL' });
    expect(summary(seen(other))).toMatchObject({ status: 'pending', amountReceived: 0n });
    const { log, intent } = play([confirmed(other), expire(1_000)]);
    expect(log[1]).toMatchObject({ applied: 0n, suspense: 7n, exception: 'wrong_asset', decidedBy: 'wrong_asset' });
    expect(summaryOf(intent)).toMatchObject({ status: 'expired', amountRefundable: 0n, exceptions: ['wrong_asset'] });
  });

  test('seen in the last millisecond is in time; at the instant of expiry it is late', () => {
    const last = deposit('last', amount, { at: ttlMs - 1 });
    expect(summary(seen(last), confirmed({ ...last, at: time(9_000) }), booked('last')).status).toBe('paid');
    const late = deposit('late', amount, { at: ttlMs });
    expect(summary(seen(late), confirmed(late), booked('late'))).toMatchObject({
      status: 'pending',
      amountApplied: 0n,
      amountRefundable: amount,
      exceptions: ['paid_late'],
    });
    expect(summary(seen(late), expire(ttlMs)).status).toBe('expired');
  });

  test('after expiry, in time or not: late, all of it owed back', () => {
    expect(summary(expire(1_000), ...paid('d1'))).toMatchObject({
      status: 'expired',
      amountReceived: amount,
      amountApplied: 0n,
      amountRefundable: amount,
      exceptions: ['paid_late'],
      transactionHash: null,
    });
  });

  test('after settlement: overpaid, all of it owed back', () => {
    expect(summary(...paid('d1'), settle, ...paid('d2', 3n))).toMatchObject({
      status: 'settled',
      amountApplied: amount,
      amountRefundable: 3n,
      exceptions: ['overpaid'],
      transactionHash: 'tx-d1',
      verifiedAt: time(2_000),
    });
  });

  test('a partial amount at expiry: underpaid, what was applied is owed back', () => {
    const { log, intent } = play([...paid('d1', 9n), expire(1_000)]);
    expect(log.at(-1)).toMatchObject({ type: 'IntentUnderpaid', amount: 9n });
    expect(summaryOf(intent)).toMatchObject({ status: 'underpaid', amountApplied: 0n, amountRefundable: 9n });
  });
});

describe('what is refused', () => {
  const decide = (next: IntentCommand, ...given: IntentCommand[]) =>
    paymentIntent.decide(next, play(given).steps.at(-1)!.after);

  test('the same id with other content; the same content is the original', () => {
    expect(decide({ ...create, createdAt: time(5), expiresAt: time(6) })).toEqual(accept());
    expect(decide({ ...create, amount: 11n })).toEqual(reject('idempotency_key_reused'));
    expect(decide({ ...create, orderId: 'INV_2' })).toEqual(reject('idempotency_key_reused'));
  });

  test('anything about an intent that was not created', () => {
    expect(paymentIntent.decide(expire(1_000), paymentIntent.initial)).toEqual(reject('intent_not_found'));
  });

  test('expiry one millisecond early, in flight, and after payment', () => {
    expect(decide(expire(999))).toEqual(reject('intent_not_due'));
    expect(decide(expire(1_000))).toMatchObject({ ok: true, events: [{ type: 'IntentExpired' }] });
    expect(decide(expire(1_000), seen(deposit('d1', 1n)))).toEqual(reject('deposit_in_flight'));
    expect(decide(expire(1_000), confirmed(deposit('d1', 1n)))).toEqual(reject('deposit_in_flight'));
    expect(decide(expire(1_000), ...paid('d1'))).toEqual(reject('intent_already_paid'));
  });

  test.each<[string, WatchedDeposit['status'], readonly IntentCommand[], boolean]>([
    ['seen, and not told yet', 'seen', [], true],
    ['confirmed, and not told yet', 'confirmed', [], true],
    ['seen again, and only the reversal was told', 'seen', [reverted(deposit('d1', 1n))], true],
    ['confirmed, and only told as seen', 'confirmed', [seen(deposit('d1', 1n, { at: ttlMs }))], true],
    ['seen late, which was told', 'seen', [seen(deposit('d1', 1n, { at: ttlMs }))], false],
    ['reverted', 'reverted', [], false],
    ['confirmed late, which was told', 'confirmed', [confirmed(deposit('d1', 1n, { at: ttlMs }))], false],
  ])('expiry and a deposit that the watcher has: %s', (_name, status, told, waits) => {
    const decision = decide(expire(ttlMs, [{ depositId: 'd1', status }]), ...told);
    expect(decision).toMatchObject(waits ? reject('deposit_in_flight') : { events: [{ type: 'IntentExpired' }] });
  });

  test('booking what is not final, and settling what is not paid', () => {
    expect(decide(booked('d1'), seen(deposit('d1', 1n)))).toEqual(reject('deposit_not_confirmed'));
    expect(decide(settle, confirmed(deposit('d1', amount)))).toEqual(reject('intent_not_paid'));
    expect(decide(settle, ...paid('d1'))).toMatchObject({ ok: true, events: [{ type: 'IntentSettled' }] });
  });

  test('a deposit of nothing is no fact', () => {
    expect(decide(seen(deposit('d1', 0n)))).toEqual(accept());
    expect(decide(confirmed(deposit('d1', 0n)))).toEqual(accept());
  });
});

// A fold that copied what it has for each deposit would take minutes here.
test('a history of 30,000 dust deposits is folded within the time of a test', () => {
  const decision = paymentIntent.decide(create, paymentIntent.initial);
  const [created] = decision.ok ? decision.events : [];
  const { intentId, tenantId, mode, at } = created!;
  let state = paymentIntent.evolve(paymentIntent.initial, created!);
  for (let n = 0; n < 30_000; n++) {
    const dust = { ...deposit(`d${n}`, 1n) };
    const event: IntentEvent = { type: 'DepositSeen', deposit: dust, intentId, tenantId, mode, at, change: null };
    state = paymentIntent.evolve(state, event);
  }
  expect(summaryOf(state as Intent)).toMatchObject({ amountReceived: 30_000n });
});
