import { accept, reject } from '@daybook/core';
import fc from 'fast-check';
import {
  bankTransfer,
  isRefused,
  summaryOf,
  type Transfer,
  type TransferCommand,
  type TransferEvent,
  type TransferObservation,
  type TransferState,
} from './bank-transfer';

const at = '2026-03-01T10:00:00.000Z';
const terms = {
  transactionId: 'TX1',
  transferId: 'TRF1',
  number: 2,
  tenantId: 't',
  mode: 'sandbox',
  institutionId: 'i',
  institutionNumber: 5,
  bank: 'sandbox',
  userNumber: 7,
  asset: 'USD',
  amount: 50_000n,
  contentDigest: 'd',
  encryptedDetails: 'e',
  encryptedRecipient: 'r',
  createdAt: at,
} as const;
const create: TransferCommand = { type: 'CreateTransfer', terms, oldDigests: [] };
const held: TransferCommand = { type: 'RecordHeld', at };
const refused: TransferCommand = { type: 'RecordRefused', reason: 'insufficient_balance', at };
const observed = (observation: TransferObservation): TransferCommand => ({ type: 'RecordObserved', observation, at });
const settled = (reference: string | null) => observed({ status: 'settled', reference });
const returned = (reference: string | null) => observed({ status: 'returned', reference, reason: 'closed' });
const rejected = observed({ status: 'rejected', reason: 'no such account' });
const acknowledged: TransferCommand = { type: 'RecordAcknowledged', at };
const released: TransferCommand = { type: 'RecordReleased', at };
const booked = (what: 'payout' | 'return', ledgerReference: string): TransferCommand => ({
  type: 'RecordBooked',
  what,
  ledgerReference,
  at,
});

const reference = fc.constantFrom('r1', 'r2', null);
const command: fc.Arbitrary<TransferCommand> = fc.oneof(
  fc.constantFrom(create, { ...create, terms: { ...terms, contentDigest: 'other' } }),
  fc.constantFrom(held, held, refused, rejected, released, acknowledged),
  reference.map((told) => observed({ status: 'accepted', reference: told })),
  reference.map((told) => observed({ status: 'processing', reference: told })),
  reference.map(settled),
  reference.map(returned),
  fc
    .tuple(fc.constantFrom('payout' as const, 'return' as const), fc.constantFrom('0x1', '0x2'))
    .map(([what, of]) => booked(what, of)),
);
const commands = fc
  .tuple(fc.boolean(), fc.array(command, { maxLength: 15 }))
  .map(([isHeld, rest]) => [create, ...(isHeld ? [held] : []), ...rest]);

type Step = {
  readonly command: TransferCommand;
  readonly before: TransferState;
  readonly after: TransferState;
  readonly accepted: boolean;
};

function play(given: readonly TransferCommand[]) {
  let state = bankTransfer.initial;
  const log: TransferEvent[] = [];
  const steps = given.map((each): Step => {
    const before = state;
    const decision = bankTransfer.decide(each, state);
    if (decision.ok) {
      log.push(...decision.events);
      state = decision.events.reduce(bankTransfer.evolve, state);
    }
    return { command: each, before, after: state, accepted: decision.ok };
  });
  return { state: state as Transfer, log, steps };
}

const count = (log: readonly TransferEvent[], type: TransferEvent['type']) =>
  log.filter((event) => event.type === type).length;

describe('bank transfer', () => {
  test('T1 nothing is said by an institution of what is not held', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const { log } = play(given);
        const first = log.findIndex(({ type }) => type === 'BankTransferHeld');
        const told = ['BankTransferHanded', 'BankTransferProcessing', 'BankTransferSettled', 'BankTransferReturned'];
        for (const [index, event] of log.entries())
          if (told.includes(event.type)) expect([first >= 0, index > first]).toEqual([true, true]);
      }),
    );
    expect(bankTransfer.decide(settled(null), play([create]).state)).toEqual(reject('transfer_not_held'));
    expect(bankTransfer.decide(settled(null), play([create, refused]).state)).toEqual(reject('transfer_not_held'));
  });

  test('T2 settled at most once, failed at most once, and returned at most once, after it was settled', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const types = play(given).log.map(({ type }) => type);
        for (const once of ['BankTransferSettled', 'BankTransferFailed', 'BankTransferReturned'] as const)
          expect(types.filter((type) => type === once).length).toBeLessThanOrEqual(1);
        if (types.includes('BankTransferReturned'))
          expect(types.indexOf('BankTransferSettled')).toBeLessThan(types.indexOf('BankTransferReturned'));
        if (types.includes('BankTransferSettled'))
          expect(types.lastIndexOf('BankTransferFailed')).toBeLessThan(types.indexOf('BankTransferSettled'));
      }),
    );
  });

  test('T3 repeating an accepted command at once is accepted again and records nothing', () => {
    fc.assert(
      fc.property(commands, (given) => {
        for (const { command: each, after, accepted } of play(given).steps)
          if (accepted) expect(bankTransfer.decide(each, after)).toEqual(accept());
      }),
    );
  });

  test('T4 whatever the order of observations, one that says that it was paid out leaves it settled or returned', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const { steps, state } = play(given);
        const isPaid = ({ command: each, accepted }: Step) =>
          accepted && each.type === 'RecordObserved' && ['settled', 'returned'].includes(each.observation.status);
        if (steps.some(isPaid)) expect(['settled', 'returned']).toContain(state.stage);
      }),
    );
  });

  test('T5 paid out after a refusal is an exception', () => {
    const { state } = play([create, held, rejected, settled('r1')]);
    expect(state).toMatchObject({ stage: 'settled', exceptions: ['paid_after_failure'], failure: null });
    const free = play([create, held, rejected, released, settled('r1'), released]);
    expect(free.state).toMatchObject({ stage: 'settled', exceptions: ['paid_after_failure'], failure: null });
    const back = play([create, held, rejected, returned('r2')]);
    expect(back.log.map(({ type }) => type).slice(-2)).toEqual(['BankTransferSettled', 'BankTransferReturned']);
    expect(back.state.exceptions).toEqual(['paid_after_failure']);
    expect(play([create, held, settled('r1')]).state.exceptions).toEqual([]);
  });

  test('T6 it is completed and returned only when the journal has it, and failed only when nothing is held', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const { log, state, steps } = play(given);
        const { status } = summaryOf(state);
        if (status === 'completed') expect(count(log, 'BankTransferBooked')).toBe(1);
        if (status === 'returned') expect(count(log, 'BankTransferReturnBooked')).toBe(1);
        if (status === 'failed' && state.wasHeld)
          expect(steps.map(({ command: each }) => each.type)).toContain('RecordReleased');
        for (const { type, summary } of log)
          if (type === 'BankTransferSettled') expect(summary.status).toBe('processing');
      }),
    );
    const refusedByBank = play([create, held, rejected]);
    expect(summaryOf(refusedByBank.state)).toMatchObject({ status: 'processing', failure: 'no such account' });
    const free = play([create, held, rejected, released, rejected]);
    expect(summaryOf(free.state)).toMatchObject({ status: 'failed', failure: 'no such account' });
    const paid = [create, held, settled('r1'), returned('r2')];
    expect(summaryOf(play(paid).state).status).toBe('processing');
    expect(summaryOf(play([...paid, booked('payout', '0x1')]).state).status).toBe('completed');
    expect(summaryOf(play([...paid, booked('payout', '0x1'), booked('return', '0x2')]).state).status).toBe('returned');
  });

  test('T8 once it was acknowledged no refusal answers the request, and once one did it is not acknowledged', () => {
    fc.assert(
      fc.property(commands, (given) => {
        let [wasAcknowledged, wasRefused] = [false, false];
        for (const { after } of play(given).steps) {
          if (after.stage === 'none') continue;
          expect(isRefused(after) && wasAcknowledged).toBe(false);
          expect(after.acknowledged && wasRefused).toBe(false);
          [wasAcknowledged, wasRefused] = [wasAcknowledged || after.acknowledged, wasRefused || isRefused(after)];
        }
      }),
    );
    expect(isRefused(play([create, refused, acknowledged]).state)).toBe(true);
    expect(isRefused(play([create, acknowledged, refused]).state)).toBe(false);
  });

  test('T7 of two payouts with references of their own one is refused, and so of two returns, in whatever order', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const taken = play(given).steps.flatMap(({ command: each, accepted }) =>
          accepted && each.type === 'RecordObserved' ? [each.observation] : [],
        );
        for (const status of ['settled', 'returned'] as const) {
          const references = taken.flatMap((said) => (said.status === status && said.reference) || []);
          expect(new Set(references).size).toBeLessThanOrEqual(1);
        }
      }),
    );
    const early = [create, held, observed({ status: 'accepted', reference: 'order' }), returned(null)];
    const known = play([...early, settled('r1'), returned('r3')]);
    expect(known.log.slice(-2)).toMatchObject([
      { type: 'BankTransferReferenced', what: 'payout', reference: 'r1', summary: { reference: 'r1' } },
      { type: 'BankTransferReferenced', what: 'return', reference: 'r3' },
    ]);
    expect(bankTransfer.decide(settled('r2'), known.state)).toEqual(reject('transfer_settled_otherwise'));
    expect(bankTransfer.decide(returned('r4'), known.state)).toEqual(reject('transfer_returned_otherwise'));
  });

  test('the events alone give the state, and each carries the summary that it leaves behind', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const { log, state } = play(given);
        expect(log.reduce(bankTransfer.evolve, bankTransfer.initial)).toEqual(state);
        expect(log.at(-1)?.summary).toEqual(summaryOf(state));
      }),
    );
  });

  test('a line that contradicts what is known is refused by name', () => {
    const paid = play([create, held, settled('r1'), booked('payout', '0x1')]).state;
    expect(bankTransfer.decide(settled('r2'), paid)).toEqual(reject('transfer_settled_otherwise'));
    expect(bankTransfer.decide(rejected, paid)).toEqual(reject('transfer_settled_otherwise'));
    expect(bankTransfer.decide(booked('payout', '0x2'), paid)).toEqual(reject('booked_differently'));
    expect(bankTransfer.decide(booked('return', '0x2'), paid)).toEqual(reject('transfer_not_returned'));
    const back = play([create, held, settled('r1'), returned('r3')]).state;
    expect(bankTransfer.decide(returned('r4'), back)).toEqual(reject('transfer_returned_otherwise'));
    expect(bankTransfer.decide(booked('payout', '0x1'), play([create, held]).state)).toEqual(
      reject('transfer_not_settled'),
    );
    const others = { ...create, terms: { ...terms, contentDigest: 'x' }, oldDigests: ['y'] };
    expect(bankTransfer.decide(others, paid)).toEqual(reject('idempotency_key_reused'));
    expect(bankTransfer.decide({ ...others, oldDigests: ['y', 'd'] }, paid)).toEqual(accept());
    expect(bankTransfer.decide(held, bankTransfer.initial)).toEqual(reject('transfer_not_found'));
  });
});
