import { accept, reject } from '@daybook/core';
import fc from 'fast-check';
import {
  endpoints,
  endpointsMax,
  endpointsOfOwnerMax,
  removedMax,
  type EndpointCommand,
  type EndpointEvent,
  type EndpointsState,
} from './endpoint';

const at = '2026-01-01T00:00:00.000Z';
/** Of the whole tenant, or of the account that it begins with. */
const endpointId = fc
  .tuple(fc.constantFrom('', 'WALLET1-'), fc.integer({ min: 1, max: endpointsOfOwnerMax + 5 }))
  .map(([owner, n]) => `${owner}e${n}`);
const ownerOf = (id: string) => (id.includes('-') ? id.split('-')[0]! : null);
const events = fc.array(fc.constantFrom('transfer.confirmed' as const, 'transfer.failed' as const), {
  minLength: 1,
  maxLength: 3,
});
const register = (id: string, sealedSecret: string, wanted: EndpointEventsOf = ['transfer.confirmed']) =>
  ({
    type: 'RegisterEndpoint',
    endpointId: id,
    dialect: 'pay',
    accountId: ownerOf(id),
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
    arbitrary: fc.record({
      type: fc.constant('RemoveEndpoint' as const),
      endpointId,
      accountId: fc.constantFrom(null, 'WALLET1'),
      at: fc.constant(at),
    }),
  },
);
const removal = (id: string, accountId: string | null = null) =>
  ({ type: 'RemoveEndpoint', endpointId: id, accountId, at }) as const;
const commands = fc.array(command, { maxLength: 160, size: 'max' });
/** Histories are long enough to reach the limit of an owner, so fewer of them do. */
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
  test('E1: are never more than the limit of an owner, nor than the limit of all', () => {
    fc.assert(
      fc.property(commands, (given) => {
        for (const { registered } of play(given).states)
          for (const each of [null, 'WALLET1']) {
            const owned = [...registered.values()].filter(({ accountId }) => accountId === each);
            expect(owned.length).toBeLessThanOrEqual(endpointsOfOwnerMax);
          }
      }),
      runs,
    );
    const refused = reject('endpoints_exhausted');
    const owners = ['', 'WALLET1-', 'WALLET2-'];
    for (const owner of owners) {
      const full = endpointsOf([owner]);
      expect(endpoints.decide(register(`${owner}another`, 's'), full)).toEqual(refused);
      expect(endpoints.decide(register(`${owner}e0`, 's'), full)).toEqual(accept());
      // What one owner has leaves room for any other.
      for (const other of owners.filter((each) => each !== owner))
        expect(endpoints.decide(register(`${other}e0`, 's'), full)).toMatchObject({ ok: true });
    }
    const full = endpointsOf(Array.from({ length: endpointsMax / endpointsOfOwnerMax }, (_, n) => `WALLET${n}-`));
    for (const other of ['', 'another-']) expect(endpoints.decide(register(`${other}e0`, 's'), full)).toEqual(refused);
  });

  /** All that each of the owners may have. */
  function endpointsOf(owners: readonly string[]): EndpointsState {
    const given = owners.flatMap((owner) =>
      Array.from({ length: endpointsOfOwnerMax }, (_, n) => register(`${owner}e${n}`, 's')),
    );
    const { states, accepted } = play(given);
    expect(accepted).toEqual(given.map(() => true));
    return states.at(-1)!;
  }

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
    const remove = removal('e1');
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
    expect(endpoints.decide(removal('x'), endpoints.initial)).toEqual(gone);
  });

  test('removes for an account its own only, also when it was removed before', () => {
    const gone = reject('endpoint_not_found');
    const given = [register('WALLET1-e1', 's'), register('WALLET2-e1', 's'), register('e1', 's')];
    const there = play(given).states.at(-1)!;
    const removed = play([...given, removal('WALLET1-e1'), removal('WALLET2-e1'), removal('e1')]).states.at(-1)!;
    for (const state of [there, removed]) {
      for (const id of ['WALLET2-e1', 'e1']) expect(endpoints.decide(removal(id, 'WALLET1'), state)).toEqual(gone);
      expect(endpoints.decide(removal('WALLET1-e1', 'WALLET1'), state)).toMatchObject({ ok: true });
    }
  });

  test('remembers only the last of those that were removed, however many there were', () => {
    const ids = Array.from({ length: 3 * removedMax }, (_, n) => `e${n}`);
    const { states } = play(ids.flatMap((id) => [register(id, 's'), removal(id)]));
    const last = states.at(-1)!;
    expect([...last.removed.keys()]).toEqual(ids.slice(-removedMax));
    expect(endpoints.decide(removal(ids.at(-1)!), last)).toEqual(accept());
    expect(endpoints.decide(removal(ids[0]!), last)).toEqual(reject('endpoint_not_found'));
  });
});
