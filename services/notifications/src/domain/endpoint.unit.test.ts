import { accept, reject } from '@daybook/core';
import fc from 'fast-check';
import {
  earlierSecretsAt,
  earlierSecretsMax,
  endpoints,
  endpointsMax,
  endpointsOfOwnerMax,
  removedMax,
  rotationsMax,
  type Endpoint,
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

const later = (hours: number, from = at) => new Date(Date.parse(from) + hours * 3_600_000).toISOString();
const rotation = (rotationId: string, overlapHours: number, more: Partial<Rotate> = {}) =>
  ({
    type: 'RotateSecret',
    endpointId: 'e1',
    accountId: null,
    dialects: ['pay'],
    rotationId,
    sealedSecret: `by ${rotationId}`,
    overlapHours,
    at,
    ...more,
  }) as const;
type Rotate = Extract<EndpointCommand, { type: 'RotateSecret' }>;

/** Few endpoints, each with a long life, of whose commands none is before another's time. */
const lives = fc
  .array(
    fc.record({
      given: fc.oneof(
        { weight: 1, arbitrary: command },
        { weight: 1, arbitrary: fc.string({ minLength: 1 }).map((secret) => register('e1', secret)) },
        {
          weight: 6,
          arbitrary: fc
            .record({ id: fc.nat(60), overlapHours: fc.constantFrom(0, 1, 3, 168) })
            .map(({ id, overlapHours }) => rotation(`r${id}`, overlapHours)),
        },
      ),
      hoursLater: fc.constantFrom(0, 0, 1, 2),
    }),
    { maxLength: 100, size: 'max' },
  )
  .map((steps) => {
    let now = at;
    return [
      register('e1', 's'),
      ...steps.map(({ given, hoursLater }) => ({ ...given, at: (now = later(hoursLater, now)) })),
    ];
  });

/** What signs at a time by the log alone: each secret, from its own event to the time that the next one gave it. */
function signingBy(log: readonly EndpointEvent[], endpointId: string, time: string): string[] {
  const own = log.filter((event) => event.endpointId === endpointId);
  const made = own
    .slice(own.findLastIndex(({ type }) => type === 'EndpointRegistered'))
    .flatMap((event) => ('sealedSecret' in event ? [event] : []));
  const ends = made.slice(1).map((event) => (event.type === 'EndpointSecretRotated' ? event.previousUntil : null));
  return made
    .filter((_, index) => index === ends.length || (ends[index] ?? '') > time)
    .map(({ sealedSecret }) => sealedSecret)
    .toReversed();
}

function signing(endpoint: Endpoint, time: string): string[] {
  return [endpoint, ...earlierSecretsAt(endpoint, time)].map(({ sealedSecret }) => sealedSecret);
}
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

  test('E2: keep url and scope until removed, and each secret until the time that it was given', () => {
    let signers = 0;
    fc.assert(
      fc.property(lives, (given) => {
        const { states, log } = play(given);
        for (const { before, after } of kept(states)) {
          const { url, accountId, dialect, createdAt } = before;
          expect(after).toMatchObject({ url, accountId, dialect, createdAt });
          if (after.rotations === before.rotations) expect(signing(after, '')).toEqual(signing(before, ''));
        }
        const now = given.at(-1)!.at;
        for (const [id, endpoint] of states.at(-1)!.registered) {
          for (const hours of [0, 0.5, 1, 2, 3, 167, 168])
            expect(signing(endpoint, later(hours, now))).toEqual(signingBy(log, id, later(hours, now)));
          signers = Math.max(signers, signing(endpoint, now).length);
        }
      }),
    );
    // The histories do come to what is said of them.
    expect(signers).toBe(1 + earlierSecretsMax);
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
      fc.property(fc.oneof(commands, lives), (given) => {
        const once = play(given);
        const twice = play(given.flatMap((c) => [c, c]));
        expect(twice.log).toEqual(once.log);
        expect(twice.accepted).toEqual(once.accepted.flatMap((ok) => [ok, ok]));
      }),
      runs,
    );
  });

  test('E5: have three earlier secrets that sign at most, and always room for a rotation without an overlap', () => {
    fc.assert(
      fc.property(lives, (given) => {
        const { states } = play(given);
        for (const { registered } of states)
          for (const endpoint of registered.values())
            expect(earlierSecretsAt(endpoint, '').length).toBeLessThanOrEqual(earlierSecretsMax);
        const last = states.at(-1)!;
        if (!last.registered.has('e1')) return;
        const leaked = rotation('another', 0, { at: given.at(-1)!.at });
        expect(endpoints.decide(leaked, last)).toMatchObject({ ok: true });
      }),
    );
    const rotations = ['r1', 'r2', 'r3'].map((id, n) => rotation(id, 24, { at: later(n) }));
    const full = play([register('e1', 's'), ...rotations]).states.at(-1)!;
    expect(signing(full.registered.get('e1')!, later(2))).toEqual(['by r3', 'by r2', 'by r1', 's']);
    const oneMore = (hours: number) => endpoints.decide(rotation('r4', 1, { at: later(hours) }), full);
    expect(oneMore(23.99)).toEqual(reject('secrets_exhausted'));
    expect(oneMore(24)).toMatchObject({ ok: true });
  });

  test('rotates once for an id: its repeat finds the same secret until the next rotation, and is refused after that', () => {
    const first = rotation('r1', 24);
    const repeat = { ...first, sealedSecret: 'another', at: later(30) };
    const { states, log } = play([register('e1', 's'), first, repeat]);
    expect(log).toHaveLength(2);
    expect(log[1]).toEqual({
      type: 'EndpointSecretRotated',
      endpointId: 'e1',
      rotationId: 'r1',
      sealedSecret: 'by r1',
      previousUntil: later(24),
      at,
    });
    const once = states.at(-1)!;
    for (const overlapHours of [0, 23])
      expect(endpoints.decide({ ...repeat, overlapHours }, once)).toEqual(
        reject('rotation_exists_with_different_fields'),
      );
    const twice = play([register('e1', 's'), first, rotation('r2', 0)]).states.at(-1)!;
    expect(endpoints.decide(repeat, twice)).toEqual(reject('rotation_superseded'));
  });

  test('rotates for who may remove the endpoint and be told what it tells', () => {
    const state = play([register('WALLET1-e1', 's'), register('e1', 's')]).states.at(-1)!;
    const by = (more: Partial<Rotate>) => endpoints.decide(rotation('r1', 24, more), state);
    const gone = reject('endpoint_not_found');
    expect(by({ endpointId: 'x' })).toEqual(gone);
    expect(by({ accountId: 'WALLET1' })).toEqual(gone);
    expect(by({ endpointId: 'WALLET1-e1', accountId: 'WALLET2', dialects: [] })).toEqual(gone);
    expect(by({ endpointId: 'WALLET1-e1', accountId: 'WALLET1' })).toMatchObject({ ok: true });
    expect(by({ endpointId: 'WALLET1-e1' })).toMatchObject({ ok: true });
    expect(by({ dialects: ['intents', 'partner'] })).toEqual(reject('dialect_not_allowed'));
  });

  test('forgets the secrets and rotations of an endpoint that was removed, and all but the last rotations of one that is there', () => {
    const ids = Array.from({ length: 2 * rotationsMax }, (_, n) => `r${n}`);
    const rotations = ids.map((id) => rotation(id, 0));
    const many = play([register('e1', 's'), ...rotations]).states.at(-1)!;
    expect(many.registered.get('e1')?.rotations.map(({ rotationId }) => rotationId)).toEqual(
      ids.toReversed().slice(0, rotationsMax),
    );
    const again = play([register('e1', 's'), rotation('r1', 24), removal('e1'), register('e1', 's2')]).states.at(-1)!;
    expect(signing(again.registered.get('e1')!, at)).toEqual(['s2']);
  });

  test('registers a rotated endpoint again with the secret that it has now', () => {
    const given = [register('e1', 's'), rotation('r1', 24), register('e1', 'another', ['transfer.failed'])];
    expect(signing(play(given).states.at(-1)!.registered.get('e1')!, at)).toEqual(['by r1', 's']);
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
