import { accept, reject } from '@daybook/core';
import fc from 'fast-check';
import { endpoints, endpointsMax, type EndpointCommand, type EndpointEvent, type EndpointsState } from './endpoint';

const at = '2026-01-01T00:00:00.000Z';
const endpointId = fc.integer({ min: 1, max: endpointsMax + 5 }).map((n) => `e${n}`);
const events = fc.array(fc.constantFrom('transfer.confirmed' as const, 'transfer.failed' as const), {
  minLength: 1,
  maxLength: 3,
});
const register = (id: string, sealedSecret: string, wanted: EndpointEventsOf = ['transfer.confirmed']) =>
  ({
    type: 'RegisterEndpoint',
    endpointId: id,
    dialect: 'pay',
    accountId: null,
    url: `https://${id}.example`,
    events: wanted,
    sealedSecret,
    at,
  }) as const;
type EndpointEventsOf = readonly ('transfer.confirmed' | 'transfer.failed')[];

const command: fc.Arbitrary<EndpointCommand> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(endpointId, fc.string(), events).map(([id, secret, e]) => register(id, secret, e)) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('DisableEndpoint' as const),
      endpointId,
      reason: fc.constant('gone' as const),
      at: fc.constant(at),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('RemoveEndpoint' as const), endpointId, at: fc.constant(at) }),
  },
);
const commands = fc.array(command, { maxLength: 80, size: 'max' });
/** Histories are long enough to reach the limit, so fewer of them do. */
const runs = { numRuns: 30 };

function play(given: readonly EndpointCommand[]) {
  const log: EndpointEvent[] = [];
  const states: EndpointsState[] = [endpoints.initial];
  const accepted = given.map((c) => {
    const state = states.at(-1)!;
    const decision = endpoints.decide(c, state);
    if (!decision.ok) return false;
    states.push(decision.events.reduce(endpoints.evolve, state));
    log.push(...decision.events);
    return true;
  });
  return { log, states, accepted };
}

describe('endpoints', () => {
  test('E1: are never more than the limit', () => {
    fc.assert(
      fc.property(commands, (given) => {
        for (const state of play(given).states) expect(state.registered.size).toBeLessThanOrEqual(endpointsMax);
      }),
      runs,
    );
    const full = Array.from({ length: endpointsMax }, (_, n) => register(`e${n}`, 's'));
    const { states, accepted } = play(full);
    expect(accepted.every(Boolean)).toBe(true);
    expect(endpoints.decide(register('one-more', 's'), states.at(-1)!)).toEqual(reject('endpoints_exhausted'));
    expect(endpoints.decide(register('e0', 's'), states.at(-1)!)).toEqual(accept());
  });

  /** Each endpoint before and after each step that kept it. */
  function kept(states: readonly EndpointsState[]) {
    return states.slice(1).flatMap((after, index) =>
      [...after.registered].flatMap(([id, endpoint]) => {
        const before = states[index]?.registered.get(id);
        return before === undefined || before === endpoint ? [] : [{ before, after: endpoint }];
      }),
    );
  }

  test('E2: keep secret, url and scope until removed', () => {
    fc.assert(
      fc.property(commands, (given) => {
        for (const { before, after } of kept(play(given).states)) {
          const { sealedSecret, url, accountId, dialect, createdAt } = before;
          expect(after).toMatchObject({ sealedSecret, url, accountId, dialect, createdAt });
        }
      }),
      runs,
    );
  });

  test('E3: have events that only grow, without repeats', () => {
    fc.assert(
      fc.property(commands, (given) => {
        for (const { before, after } of kept(play(given).states)) {
          expect(new Set(after.events).size).toBe(after.events.length);
          expect(after.events).toEqual(expect.arrayContaining([...before.events]));
        }
      }),
      runs,
    );
  });

  test('E4: accept an immediate repeat and record nothing', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const once = play(given);
        const twice = play(given.flatMap((c) => [c, c]));
        expect(twice.log).toEqual(once.log);
        expect(twice.accepted).toEqual(once.accepted.flatMap((ok) => [ok, ok]));
      }),
      runs,
    );
  });

  test('registers a disabled endpoint again with its old secret and its new events', () => {
    const { states } = play([
      register('e1', 'first'),
      { type: 'DisableEndpoint', endpointId: 'e1', reason: 'gone', at },
      register('e1', 'second', ['transfer.failed']),
    ]);
    expect(states.at(-1)?.registered.get('e1')).toMatchObject({
      status: 'enabled',
      sealedSecret: 'first',
      events: ['transfer.confirmed', 'transfer.failed'],
    });
  });

  test('removes what was removed before without a record, and again what was registered since', () => {
    const remove = { type: 'RemoveEndpoint', endpointId: 'e1', at } as const;
    const { log, accepted, states } = play([register('e1', 's'), remove, remove, register('e1', 's2'), remove, remove]);
    expect(accepted).toEqual([true, true, true, true, true, true]);
    expect(log.map(({ type }) => type)).toEqual([
      'EndpointRegistered',
      'EndpointRemoved',
      'EndpointRegistered',
      'EndpointRemoved',
    ]);
    expect(states.at(-1)?.registered.size).toBe(0);
    expect(endpoints.decide({ type: 'DisableEndpoint', endpointId: 'e1', reason: 'gone', at }, states.at(-1)!)).toEqual(
      reject('endpoint_not_found'),
    );
  });

  test('disables and removes only what is there', () => {
    const gone = reject('endpoint_not_found');
    expect(
      endpoints.decide({ type: 'DisableEndpoint', endpointId: 'x', reason: 'gone', at }, endpoints.initial),
    ).toEqual(gone);
    expect(endpoints.decide({ type: 'RemoveEndpoint', endpointId: 'x', at }, endpoints.initial)).toEqual(gone);
  });
});
