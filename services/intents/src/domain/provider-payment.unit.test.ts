import { accept, reject } from '@daybook/core';
import fc from 'fast-check';
import {
  providerPayment,
  summaryOf,
  type Observation,
  type Payment,
  type PaymentCommand,
  type PaymentEvent,
  type PaymentState,
} from './provider-payment';

const at = '2026-03-01T10:00:00.000Z';
const create = {
  type: 'CreatePayment',
  transactionId: 'TX1',
  number: 1,
  tenantId: 't',
  mode: 'sandbox',
  gatewayId: 'g',
  gatewayNumber: 3,
  provider: 'stripe',
  userNumber: 7,
  asset: 'USD',
  amount: 10_000n,
  contentHash: 'h',
  oldDigests: ['former'],
  encryptedDetails: 'e',
  createdAt: at,
} as const satisfies PaymentCommand;

const opened = (reference: string): PaymentCommand => ({
  type: 'RecordOpened',
  reference,
  session: { sealed: `sealed ${reference}` },
  at,
});
const observed = (observation: Observation, asked: Payment['stage'] = 'open'): PaymentCommand => ({
  type: 'RecordObserved',
  observation,
  asked,
  at,
});
const taken = (amount: bigint) => observed({ status: 'taken', amount });
const returned = (refunded: bigint, chargedBack = 0n, asked = 0, disputed = false): PaymentCommand => ({
  type: 'RecordReturned',
  returned: { refunded, chargedBack, disputed },
  asked,
  at,
});
const failed = observed({ status: 'failed', reason: 'voided' });
const declined = (attempt: number) => observed({ status: 'declined', attempt, reason: 'no' });
const refused: PaymentCommand = { type: 'RecordRefused', reason: 'no', at };
const booked = (ledgerReference: string): PaymentCommand => ({ type: 'RecordBooked', ledgerReference, at });

const command: fc.Arbitrary<PaymentCommand> = fc.oneof(
  fc.constantFrom<PaymentCommand>(create, { ...create, contentHash: 'other' }),
  fc.constantFrom('pi_1', 'pi_2').map(opened),
  fc.constantFrom<PaymentCommand>(observed({ status: 'open' }), observed({ status: 'processing' }), failed, refused),
  fc.constant(observed({ status: 'open' }, 'processing')),
  fc.constantFrom(1, 2, 3).map(declined),
  fc.constantFrom(10_000n, 9_999n).map((amount) => taken(amount)),
  fc
    .tuple(fc.constantFrom(0n, 40n, 10_000n), fc.constantFrom(0n, 60n, 10_000n), fc.nat(3))
    .map(([refunded, chargedBack, asked]) => returned(refunded, chargedBack, asked)),
  fc.constantFrom('0x1', '0x2').map(booked),
  fc.constant<PaymentCommand>({ type: 'DismissException', actor: 'key_ops', at }),
);
const commands = fc.array(command, { maxLength: 15 }).map((rest) => [create, ...rest]);

type Step = { readonly command: PaymentCommand; readonly after: PaymentState; readonly accepted: boolean };

function play(given: readonly PaymentCommand[]) {
  let state = providerPayment.initial;
  const log: PaymentEvent[] = [];
  const steps = given.map((each): Step => {
    const decision = providerPayment.decide(each, state);
    if (decision.ok) {
      log.push(...decision.events);
      state = decision.events.reduce(providerPayment.evolve, state);
    }
    return { command: each, after: state, accepted: decision.ok };
  });
  return { state, log, steps };
}

function paymentOf(state: PaymentState) {
  if (state.stage === 'none') throw new Error('there is no payment');
  return state;
}

describe('provider payment', () => {
  test('V1: money is taken at most once, and completed only follows taken, once it is booked', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const types = play(given).log.map(({ type }) => type);
        expect(types.filter((type) => type === 'PaymentTaken').length).toBeLessThanOrEqual(1);
        expect(types.filter((type) => type === 'PaymentBooked').length).toBeLessThanOrEqual(1);
        if (types.includes('PaymentBooked'))
          expect(types.indexOf('PaymentTaken')).toBeLessThan(types.indexOf('PaymentBooked'));
        const after = types.indexOf('PaymentTaken');
        if (after >= 0)
          expect(['PaymentBooked', 'PaymentOpened', 'PaymentReturned', 'PaymentExceptionDismissed']).toEqual(
            expect.arrayContaining(types.slice(after + 1)),
          );
      }),
    );
  });

  test('V2: repeating an accepted command at once is accepted again and records nothing', () => {
    fc.assert(
      fc.property(commands, (given) => {
        for (const { command: each, after, accepted } of play(given).steps)
          if (accepted) expect(providerPayment.decide(each, after)).toEqual(accept());
      }),
    );
  });

  test("V3: a provider's reference never changes", () => {
    const { state } = play([create, opened('pi_1')]);
    expect(providerPayment.decide(opened('pi_2'), state)).toEqual(reject('reference_differs'));
    fc.assert(
      fc.property(commands, (given) => {
        const references = play(given).log.map(({ summary }) => summary.reference);
        expect(new Set(references.filter((reference) => reference !== null)).size).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('V4: whatever the order of observations, a payment of which one says taken ends taken', () => {
    const open = [observed({ status: 'open' }), observed({ status: 'open' }, 'processing')];
    const said = [...open, observed({ status: 'processing' }), failed, declined(1), refused];
    const observations = fc.array(fc.constantFrom(...said, opened('pi_1'), taken(10_000n)), { maxLength: 10 });
    fc.assert(
      fc.property(observations, fc.boolean(), (given, isOpened) => {
        const { state } = play([create, ...(isOpened ? [opened('pi_1')] : []), ...given]);
        const someTaken = given.some((each) => each.type === 'RecordObserved' && each.observation.status === 'taken');
        expect(paymentOf(state).stage === 'taken').toBe(someTaken);
      }),
    );
  });

  test('V5: another amount, and money after a failure, are exceptions and are credited as received', () => {
    const exceptionsOf = (...given: PaymentCommand[]) => {
      const { amountReceived, exceptions } = paymentOf(play([create, opened('pi_1'), ...given]).state);
      return { amountReceived, exceptions };
    };
    expect(exceptionsOf(taken(10_000n))).toEqual({ amountReceived: 10_000n, exceptions: [] });
    expect(exceptionsOf(taken(9_999n))).toEqual({ amountReceived: 9_999n, exceptions: ['amount_differs'] });
    expect(exceptionsOf(failed, taken(10_001n))).toEqual({
      amountReceived: 10_001n,
      exceptions: ['amount_differs', 'paid_after_failure'],
    });
  });

  test('V6: in whatever order openings and refusals to open come, a payment that was opened is open and has its session', () => {
    const answers = fc.array(fc.constantFrom(opened('pi_1'), opened('pi_2'), refused, observed({ status: 'open' })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(answers, (given) => {
        const payment = paymentOf(play([create, ...given]).state);
        const [first] = given.flatMap((each) => (each.type === 'RecordOpened' ? [each] : []));
        const { reference, session } = first ?? { reference: null, session: null };
        const unopened = given.includes(refused) ? 'failed' : 'created';
        const stage = first === undefined ? unopened : 'open';
        const failure = stage === 'failed' ? 'no' : null;
        expect(payment).toMatchObject({ stage, reference, session, failure });
        // Whoever was told that it failed was told that it is pending again.
        expect(paymentOf(play([create, ...given, taken(10_000n)]).state).exceptions).toEqual(
          stage === 'failed' ? ['paid_after_failure'] : [],
        );
      }),
    );
  });

  test('V6: a payment that failed after it was opened stays failed, whatever is said of its opening', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(opened('pi_1'), refused), { maxLength: 5 }), (late) => {
        const { state } = play([create, opened('pi_1'), failed, ...late]);
        expect(paymentOf(state)).toMatchObject({ stage: 'failed', failure: 'voided' });
      }),
    );
  });

  test('V7: each attempt to take the money is declined at most once, in order; a decline moves nothing else', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const attempts = play(given).log.flatMap((event) => (event.type === 'PaymentDeclined' ? [event.attempt] : []));
        expect(attempts).toEqual(attempts.map((_, n) => n + 1));
      }),
    );
    fc.assert(
      fc.property(commands, (given) => {
        const { state } = play(given);
        const decision = providerPayment.decide(declined(paymentOf(state).declines + 1), state);
        const after = paymentOf(decision.ok ? decision.events.reduce(providerPayment.evolve, state) : state);
        expect({ ...after, declines: 0 }).toEqual({ ...state, declines: 0 });
        const isDecided = ['taken', 'completed'].includes(state.stage);
        expect(after.declines).toBe(paymentOf(state).declines + (isDecided ? 0 : 1));
      }),
    );
  });

  test('V8: open and processing follow the provider; what was asked before it was processing does not end that', () => {
    const statuses = { open: 'pending', processing: 'processing' } as const;
    const said = fc.constantFrom('open', 'processing');
    fc.assert(
      fc.property(fc.array(said, { minLength: 1, maxLength: 10 }), (given) => {
        let { state } = play([create, opened('pi_1')]);
        for (const status of given) {
          const before = paymentOf(state);
          const decision = providerPayment.decide(observed({ status }, before.stage), state);
          if (!decision.ok) throw new Error(decision.rejection);
          // What changes is told, and nothing else.
          expect(decision.events.map(({ summary }) => summary.status)).toEqual(
            before.stage === status ? [] : [statuses[status]],
          );
          state = decision.events.reduce(providerPayment.evolve, state);
          expect(paymentOf(state)).toMatchObject({ stage: status, failure: null });
        }
      }),
    );
    const { state } = play([create, opened('pi_1'), observed({ status: 'processing' })]);
    for (const asked of ['created', 'open'] as const)
      expect(providerPayment.decide(observed({ status: 'open' }, asked), state)).toEqual(accept());
  });

  test('V9: what went back is what was said last when nothing was unrecorded, and its changes add up to it', () => {
    const answers = fc.array(fc.tuple(fc.bigInt(0n, 9n), fc.bigInt(0n, 9n), fc.boolean()), { maxLength: 10 });
    fc.assert(
      fc.property(answers, fc.boolean(), (given, isBooked) => {
        const start = isBooked ? [opened('pi_1'), taken(8n), booked('0x1')] : [opened('pi_1'), taken(8n)];
        let { state } = play([{ ...create, amount: 8n }, ...start]);
        const expected = { refunded: 0n, chargedBack: 0n, disputed: false };
        let moved = 0n;
        for (const [refunded, chargedBack, isLate] of given) {
          const { returns } = paymentOf(state);
          const decision = providerPayment.decide(
            returned(refunded, chargedBack, isLate ? returns - 1 : returns),
            state,
          );
          if (!decision.ok) throw new Error(decision.rejection);
          if (!isLate) Object.assign(expected, { refunded, chargedBack });
          for (const event of decision.events)
            if (event.type === 'PaymentReturned') moved += event.refunded + event.chargedBack - event.before;
          state = decision.events.reduce(providerPayment.evolve, state);
          const all = expected.refunded + expected.chargedBack;
          expect(paymentOf(state).returned).toEqual(expected);
          expect(moved).toBe(all);
          const booked = all >= 8n ? 'refunded' : 'completed';
          expect(summaryOf(paymentOf(state)).status).toBe(isBooked ? booked : 'processing');
        }
      }),
    );
  });

  test('V9: the last unit that goes back makes a payment refunded, and the first that comes back completed again', () => {
    const steps = [returned(4_000n, 5_999n), returned(4_001n, 5_999n, 1), returned(4_001n, 5_998n, 2)];
    const { log } = play([create, opened('pi_1'), taken(10_000n), booked('0x1'), ...steps]);
    expect(log.slice(-3).map(({ summary }) => summary.status)).toEqual(['completed', 'refunded', 'completed']);
    const other = play([create, opened('pi_1'), taken(6_000n), booked('0x1'), returned(6_000n)]);
    expect(summaryOf(paymentOf(other.state)).status).toBe('refunded');
  });

  test('a dispute is an exception, so is another one or more that is charged back, and a refund or its end is none', () => {
    const dismiss: PaymentCommand = { type: 'DismissException', actor: 'key_ops', at };
    const start = [create, opened('pi_1'), taken(10_000n), booked('0x1'), returned(100n)];
    const shown = (...more: PaymentCommand[]) => {
      const { exceptions, isDismissed } = paymentOf(play([...start, ...more]).state);
      return { exceptions, isDismissed };
    };
    expect(shown()).toEqual({ exceptions: [], isDismissed: false });
    const disputed = [returned(100n, 40n, 1), dismiss];
    expect(shown(...disputed)).toEqual({ exceptions: ['disputed'], isDismissed: true });
    expect(shown(...disputed, returned(100n, 0n, 2))).toEqual({
      exceptions: ['disputed'],
      isDismissed: true,
    });
    // Before any money moves for it, and again when another one is opened.
    const open = [returned(100n, 0n, 1, true), dismiss];
    expect(shown(...open)).toEqual({ exceptions: ['disputed'], isDismissed: true });
    expect(shown(...open, returned(100n, 0n, 2))).toMatchObject({ isDismissed: true });
    expect(shown(...open, returned(100n, 0n, 2), returned(100n, 0n, 3, true))).toMatchObject({ isDismissed: false });
    expect(shown(...disputed, returned(100n, 41n, 2))).toEqual({
      exceptions: ['disputed'],
      isDismissed: false,
    });
  });

  test('money that comes after a payment was open again is not money after a failure', () => {
    const back = [observed({ status: 'processing' }), observed({ status: 'open' }, 'processing')];
    const { state, log } = play([create, opened('pi_1'), ...back, taken(10_000n)]);
    expect(log.map(({ type }) => type).slice(2)).toEqual(['PaymentProcessing', 'PaymentReopened', 'PaymentTaken']);
    expect(paymentOf(state)).toMatchObject({ stage: 'taken', exceptions: [] });
  });

  test('an exception is dismissed once, which changes nothing of the payment; without one there is nothing to dismiss', () => {
    const dismiss: PaymentCommand = { type: 'DismissException', actor: 'key_ops', at: '2026-03-02T10:00:00.000Z' };
    const { state } = play([create, opened('pi_1'), failed, taken(10_000n), booked('0x1')]);
    const after = play([create, opened('pi_1'), failed, taken(10_000n), booked('0x1'), dismiss]);
    expect(after.log.at(-1)).toMatchObject({ type: 'PaymentExceptionDismissed', actor: 'key_ops' });
    expect(summaryOf(paymentOf(after.state))).toEqual(summaryOf(paymentOf(state)));
    expect(providerPayment.decide(dismiss, after.state)).toEqual(accept());
    const fine = play([create, opened('pi_1'), taken(10_000n)]).state;
    expect(providerPayment.decide(dismiss, fine)).toEqual(reject('payment_has_no_exception'));
  });

  test('shows the state that each event left behind', () => {
    fc.assert(
      fc.property(commands, (given) => {
        let state = providerPayment.initial;
        for (const event of play(given).log) {
          state = providerPayment.evolve(state, event);
          expect(event.summary).toEqual(summaryOf(paymentOf(state)));
        }
      }),
    );
  });

  test('refuses other content under its id, and what has no payment or no money to be about', () => {
    const { state } = play([create]);
    const other = { ...create, contentHash: 'other' } as const;
    expect(providerPayment.decide(other, state)).toEqual(reject('idempotency_key_reused'));
    expect(providerPayment.decide({ ...other, oldDigests: ['h'] }, state)).toEqual(accept());
    for (const early of [booked('0x1'), returned(1n)])
      expect(providerPayment.decide(early, state)).toEqual(reject('payment_not_taken'));
    expect(providerPayment.decide(failed, providerPayment.initial)).toEqual(reject('payment_not_found'));
    const posted = play([create, taken(10_000n), booked('0x1')]).state;
    expect(providerPayment.decide(booked('0x2'), posted)).toEqual(reject('booked_differently'));
  });
});
