import { accept, reject } from '@daybook/core';
import fc from 'fast-check';
import { payoutStop, type PayoutStopCommand, type PayoutStops } from './payout-stop';

const at = '2026-03-01T10:00:00.000Z';
const stop = (reason: string, actor = 'key_ops', isFinding = false): PayoutStopCommand => ({
  type: 'StopPayouts',
  reason,
  actor,
  isFinding,
  at,
});
const resume = (seen: number): PayoutStopCommand => ({ type: 'ResumePayouts', seen, actor: 'key_ops', at });
const commands = fc.array(
  fc.oneof(
    fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('one', 'other')).map((given) => stop(...given)),
    fc.nat(9).map(resume),
  ),
  { maxLength: 12 },
);

function after(stops: PayoutStops, command: PayoutStopCommand): PayoutStops {
  const decision = payoutStop.decide(command, stops);
  return decision.ok ? decision.events.reduce(payoutStop.evolve, stops) : stops;
}

test('H1: payouts are stopped from the first stop until all that there are were seen and lifted', () => {
  fc.assert(
    fc.property(commands, (given) => {
      const reasons = new Set<string>();
      let last = 0;
      let stops = payoutStop.initial;
      for (const command of given) {
        if (command.type === 'ResumePayouts' && command.seen === last) reasons.clear();
        if (command.type === 'StopPayouts' && !reasons.has(command.reason)) {
          reasons.add(command.reason);
          last += 1;
        }
        stops = after(stops, command);
        expect(stops.stops.map(({ reason }) => reason)).toEqual([...reasons]);
      }
    }),
  );
  const two = [stop('a'), stop('b')].reduce(after, payoutStop.initial);
  expect(payoutStop.decide(resume(1), two)).toEqual(reject('stopped_again'));
  expect(after(two, resume(2)).stops).toEqual([]);
  // Who has seen the first two lifts no third, though there is one stop now as there was then.
  const third = [resume(2), stop('c')].reduce(after, two);
  expect(payoutStop.decide(resume(2), third)).toEqual(reject('stopped_again'));
});

test('H2: repeating an accepted command at once is accepted again and records nothing', () => {
  fc.assert(
    fc.property(commands, (given) => {
      let stops = payoutStop.initial;
      for (const command of given) {
        const isAccepted = payoutStop.decide(command, stops).ok;
        stops = after(stops, command);
        if (isAccepted) expect(payoutStop.decide(command, stops)).toEqual(accept());
      }
    }),
  );
});

test('H3: a reason stands once, with who gave it first', () => {
  const stops = [stop('a', 'one'), stop('a', 'other')].reduce(after, payoutStop.initial);
  expect(stops).toMatchObject({ last: 1, stops: [{ number: 1, reason: 'a', actor: 'one', at }] });
  // A number that is not there yet has been seen by nobody.
  expect(payoutStop.decide(resume(2), stops)).toEqual(reject('stopped_again'));
});

test('H4: a finding stops payouts once for ever, and what a person says whenever it is said', () => {
  const found = stop('a finding', 'settlement', true);
  const lifted = [found, stop('b'), resume(2)].reduce(after, payoutStop.initial);
  expect(payoutStop.decide(found, lifted)).toEqual(accept());
  expect(after(lifted, stop('another finding', 'settlement', true)).stops).toHaveLength(1);
  for (const reason of ['b', 'a finding']) expect(after(lifted, stop(reason)).stops).toHaveLength(1);
  // What a person said in the same words is no finding that was seen.
  const said = [stop('a finding'), resume(1)].reduce(after, payoutStop.initial);
  expect(after(said, found).stops).toHaveLength(1);
});
