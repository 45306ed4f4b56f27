import { accept, reject } from '@daybook/core';
import fc from 'fast-check';
import { sampleDeposit as deposit } from '../../test/sample-deposit';
import {
  depositDecider,
  depositRejections,
  type Deposit,
  type DepositCommand,
  type DepositEvent,
  type DepositState,
} from './deposit';

const at = '2026-01-01T00:00:00.000Z';
const hash = fc.constantFrom('x', 'y', 'z');
/** Of a clock that is set back and forth. */
const time = fc.constantFrom('2025-12-31T23:59:50.000Z', at, '2026-01-01T00:00:00.001Z', '2026-01-01T00:05:00.000Z');
const seen: fc.Arbitrary<Deposit> = fc
  .record({
    amount: fc.bigInt({ min: -1n, max: 3n }),
    blockHash: hash,
    sweptFrom: fc.constantFrom(undefined, undefined, 'one', 'another'),
  })
  .map(({ sweptFrom, ...fields }) => ({ ...deposit, ...fields, ...(sweptFrom === undefined ? {} : { sweptFrom }) }));
const command: fc.Arbitrary<DepositCommand> = fc.oneof(
  fc.record({ type: fc.constant('SeeDeposit' as const), deposit: seen, at: time }),
  fc.record({ type: fc.constant('ConfirmDeposit' as const), told: seen, at: time }),
  fc.record({ type: fc.constant('RevertDeposit' as const), blockHash: hash, at: time }),
);
const commands = fc.array(command, { maxLength: 40 });

function play(given: readonly DepositCommand[]) {
  let state = depositDecider.initial;
  const steps = given.map((command) => {
    const before = state;
    const decision = depositDecider.decide(command, before);
    const events = decision.ok ? decision.events : [];
    state = events.reduce(depositDecider.evolve, before);
    return { command, accepted: decision.ok, before, after: state, events };
  });
  return { steps, log: steps.flatMap(({ events }) => events), accepted: steps.map(({ accepted }) => accepted) };
}
const holds = (predicate: (given: readonly DepositCommand[]) => void) =>
  fc.assert(fc.property(commands, predicate), { numRuns: 500 });

describe('deposit', () => {
  test('D1: nothing is recorded after a deposit is confirmed', () => {
    holds((given) => {
      const { log } = play(given);
      const confirmed = log.findIndex(({ type }) => type === 'DepositConfirmed');
      if (confirmed !== -1) expect(confirmed).toBe(log.length - 1);
    });
  });

  test('D2: is in at most one block at a time', () => {
    holds((given) => {
      let blocks = 0;
      for (const { type } of play(given).log) {
        if (type === 'DepositSeen') blocks++;
        if (type === 'DepositReverted') blocks--;
        expect([0, 1]).toContain(blocks);
      }
    });
  });

  test('D3: is confirmed or reverted with what it was last seen with', () => {
    holds((given) => {
      let last: DepositEvent | undefined;
      for (const event of play(given).log) {
        if (event.type === 'DepositSeen') last = event;
        else expect(event).toEqual({ ...last, type: event.type, at: event.at });
      }
    });
  });

  test('D4: an immediate repeat is accepted again and records nothing', () => {
    holds((given) => {
      const once = play(given);
      const twice = play(given.flatMap((one) => [one, one]));
      expect(twice.log).toEqual(once.log);
      expect(twice.accepted).toEqual(once.accepted.flatMap((ok) => [ok, ok]));
    });
  });

  test('D5: the amount is positive', () => {
    holds((given) => {
      for (const { amount } of play(given).log) expect(amount).toBeGreaterThan(0n);
    });
  });

  test('D6: each event is dated after the one before, whatever the clock does', () => {
    holds((given) => {
      const times = play(given).log.map((event) => event.at);
      expect(times).toEqual([...new Set(times)].toSorted());
    });
  });

  test('D7: what stands as a sweep is never taken for a payment, nor a payment for a sweep without a reversal', () => {
    holds((given) => {
      for (const { before, after: state, events } of play(given).steps) {
        if (before.status !== 'seen' || state.status === 'none') continue;
        const [was, is] = [before.deposit.sweptFrom, state.deposit.sweptFrom];
        if (was === is) continue;
        expect(events.map(({ type, sweptFrom }) => [type, sweptFrom])).toEqual([
          ['DepositReverted', was],
          ['DepositSeen', is],
        ]);
      }
    });
  });

  test('D8: is confirmed only as what was told of it when its block was final', () => {
    holds((given) => {
      for (const { command: one, events } of play(given).steps) {
        if (one.type !== 'ConfirmDeposit' || events.length === 0) continue;
        const { type: _type, at: _at, ...confirmed } = events[0]!;
        expect(confirmed).toEqual(one.told);
      }
    });
  });

  const see = (fields: Partial<Deposit> = {}): DepositCommand => ({
    type: 'SeeDeposit',
    deposit: { ...deposit, ...fields },
    at,
  });
  const confirm = (fields: Partial<Deposit> = {}): DepositCommand => ({
    type: 'ConfirmDeposit',
    told: { ...deposit, ...fields },
    at,
  });
  const revert = (blockHash = 'x'): DepositCommand => ({ type: 'RevertDeposit', blockHash, at });
  const after = (...given: DepositCommand[]): DepositState =>
    play(given).log.reduce(depositDecider.evolve, depositDecider.initial);

  test('accepts one unit, refuses none', () => {
    expect(depositDecider.decide(see({ amount: 1n }), after())).toEqual(
      accept({ type: 'DepositSeen', ...deposit, amount: 1n, at }),
    );
    expect(depositDecider.decide(see({ amount: 0n }), after())).toEqual(reject('amount_not_positive'));
  });

  test('a transfer executed anew in another block may carry another amount', () => {
    const again = { ...deposit, amount: 9n, blockHash: 'y', blockNumber: 8 };
    expect(depositDecider.decide(see(again), after(see(), revert()))).toEqual(
      accept({ type: 'DepositSeen', ...again, at: '2026-01-01T00:00:00.002Z' }),
    );
  });

  test('what is told with another amount in the same block is taken back and seen with it', () => {
    expect(depositDecider.decide(see({ amount: 6n }), after(see()))).toEqual(
      accept(
        { type: 'DepositReverted', ...deposit, at: '2026-01-01T00:00:00.001Z' },
        { type: 'DepositSeen', ...deposit, amount: 6n, at: '2026-01-01T00:00:00.002Z' },
      ),
    );
  });

  test.each([{ amount: 6n }, { address: '0xB' }, { sweptFrom: '0xB' }])(
    'what was told as %j is not confirmed as other',
    (told) => {
      expect(depositDecider.decide(confirm(told), after(see()))).toEqual(
        reject('deposit_exists_with_different_fields'),
      );
    },
  );

  test('what was seen as a payment and is a sweep is taken back and seen as one, unless it is confirmed', () => {
    const swept = { ...deposit, sweptFrom: '0xB' };
    expect(depositDecider.decide(see(swept), after(see()))).toEqual(
      accept(
        { type: 'DepositReverted', ...deposit, at: '2026-01-01T00:00:00.001Z' },
        { type: 'DepositSeen', ...swept, at: '2026-01-01T00:00:00.002Z' },
      ),
    );
    const back = depositDecider.decide(see(), after(see(swept)));
    expect(back.ok && back.events.map(({ type, sweptFrom }) => [type, sweptFrom])).toEqual([
      ['DepositReverted', '0xB'],
      ['DepositSeen', undefined],
    ]);
    // A range that is read again is read to its end, whatever was credited in it.
    for (const [first, then] of [
      [{}, swept],
      [swept, {}],
      [swept, swept],
    ])
      expect(depositDecider.decide(see(then), after(see(first), confirm(first)))).toEqual(accept());
  });

  test('refuses what contradicts the history, in the documented precedence', () => {
    const refused = [
      [see({ amount: 0n }), after(see(), confirm())],
      [confirm(), after()],
      [revert(), after(see(), confirm())],
      [see({ amount: 6n }), after(see(), confirm())],
      [see({ blockHash: 'y' }), after(see())],
      [confirm(), after(see(), revert())],
    ] as const;
    expect(refused.map(([one, state]) => depositDecider.decide(one, state))).toEqual(
      depositRejections.map((rejection) => reject(rejection)),
    );
    expect(depositDecider.decide(confirm({ blockHash: 'y' }), after(see()))).toEqual(
      reject('deposit_in_another_block'),
    );
    expect(depositDecider.decide(see({ blockHash: 'y' }), after(see(), confirm()))).toEqual(
      reject('deposit_already_confirmed'),
    );
  });

  test('an impossible history is a corrupt store', () => {
    expect(() => depositDecider.evolve(after(), { type: 'DepositConfirmed', ...deposit, at })).toThrow(
      'deposit confirmed after none',
    );
  });
});
