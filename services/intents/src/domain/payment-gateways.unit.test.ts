import { accept, reject } from '@daybook/core';
import fc from 'fast-check';
import {
  earlierSettingsAt,
  earlierSettingsMax,
  gatewayNumbered,
  gatewayRegistry,
  gatewaysMax,
  type Gateway,
  type GatewayCommand,
  type GatewayEvent,
  type GatewayRegistry,
} from './payment-gateways';

const at = '2026-03-01T10:00:00.000Z';
const add = (name: string, digest = 'd', more: Partial<Extract<GatewayCommand, { type: 'AddGateway' }>> = {}) =>
  ({
    type: 'AddGateway',
    gatewayId: `${name}-${digest}`,
    tenantId: 't',
    mode: 'sandbox',
    name,
    provider: 'sandbox',
    currencies: ['USD'],
    sealedSettings: `sealed ${digest}`,
    settingsDigest: digest,
    oldDigests: [],
    at,
    ...more,
  }) as const satisfies GatewayCommand;

const later = (hours: number, than = at) => new Date(Date.parse(than) + hours * 3_600_000).toISOString();
const replacement = (replacementId: string, overlapHours: number, more: Partial<Replace> = {}) =>
  ({
    type: 'ReplaceSettings',
    number: 1,
    replacementId,
    provider: 'sandbox',
    sealedSettings: `sealed by ${replacementId}`,
    settingsDigest: `digest of ${replacementId}`,
    oldDigests: [],
    overlapHours,
    at,
    ...more,
  }) as const satisfies GatewayCommand;
type Replace = Extract<GatewayCommand, { type: 'ReplaceSettings' }>;

const name = fc.constantFrom('cards', 'wallets', 'crypto');
const command: fc.Arbitrary<GatewayCommand> = fc.oneof(
  fc.tuple(name, fc.constantFrom('d1', 'd2')).map(([given, digest]) => add(given, digest)),
  fc.record({
    type: fc.constant('SetGatewayEnabled' as const),
    number: fc.integer({ min: 0, max: 4 }),
    enabled: fc.boolean(),
    at: fc.constant(at),
  }),
  fc
    .tuple(fc.integer({ min: 0, max: 4 }), fc.constantFrom('r1', 'r2', 'r3'), fc.constantFrom(0, 1))
    .map(([number, id, hours]) => replacement(id, hours, { number })),
);

/** One gateway, replaced again and again as time goes on. */
const lives = fc
  .array(
    fc.record({
      id: fc.integer({ min: 0, max: 9 }),
      overlap: fc.constantFrom(0, 1, 2, 24),
      pause: fc.constantFrom(0, 1, 3),
    }),
    { maxLength: 40, size: 'max' },
  )
  .map((steps) => {
    let now = at;
    return [
      add('cards'),
      ...steps.map(({ id, overlap, pause }) => replacement(`r${id}`, overlap, { at: (now = later(pause, now)) })),
    ];
  });

/** What is accepted at a time by the log alone: the last settings, and each before them from the replacement that allowed it. */
function acceptedBy(log: readonly GatewayEvent[], time: string): string[] {
  const made = log.flatMap((event) => (event.type === 'GatewaySettingsReplaced' ? [event] : []));
  const sealed = [add('cards').sealedSettings, ...made.map(({ sealedSettings }) => sealedSettings)];
  const ended = made.findLastIndex(({ previousUntil }) => previousUntil === null);
  return sealed
    .filter((_, index) => index === made.length || (index > ended && made[index]!.previousUntil! > time))
    .toReversed();
}

function accepted(gateway: Gateway, time: string): string[] {
  return [gateway, ...earlierSettingsAt(gateway, time)].map(({ sealedSettings }) => sealedSettings);
}

function play(commands: readonly GatewayCommand[]) {
  const states: GatewayRegistry[] = [gatewayRegistry.initial];
  const log: GatewayEvent[] = [];
  const repeats = commands.map((each) => {
    const state = states.at(-1)!;
    const decision = gatewayRegistry.decide(each, state);
    if (!decision.ok) return null;
    log.push(...decision.events);
    const after = decision.events.reduce(gatewayRegistry.evolve, state);
    states.push(after);
    return gatewayRegistry.decide(each, after);
  });
  return { state: states.at(-1)!, states, log, repeats };
}

describe('gateway registry', () => {
  test('G1: numbers are 1 to n without gaps, and a name belongs to one gateway', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 20 }), (commands) => {
        const { gateways } = play(commands).state;
        expect(gateways.map(({ number }) => number)).toEqual(gateways.map((_, index) => index + 1));
        expect(new Set(gateways.map((gateway) => gateway.name)).size).toBe(gateways.length);
        for (const gateway of gateways) expect(gatewayNumbered({ gateways }, gateway.number)).toBe(gateway);
      }),
    );
  });

  test('G2: repeating an accepted command at once records nothing', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 20 }), (commands) => {
        for (const repeat of play(commands).repeats) if (repeat !== null) expect(repeat).toEqual(accept());
      }),
    );
    const { state } = play([add('cards', 'd1')]);
    const refused = reject('gateway_exists_with_different_fields');
    expect(gatewayRegistry.decide(add('cards', 'd2'), state)).toEqual(refused);
    expect(gatewayRegistry.decide(add('cards', 'd1', { currencies: ['USD', 'EUR'] }), state)).toEqual(refused);
    expect(gatewayRegistry.decide(add('cards', 'd1', { provider: 'stripe' }), state)).toEqual(refused);
  });

  test('G3: sandbox providers are only in sandbox mode', () => {
    const live = { mode: 'live' } as const;
    expect(gatewayRegistry.decide(add('x', 'd', live), gatewayRegistry.initial)).toEqual(
      reject('provider_not_in_mode'),
    );
    expect(gatewayRegistry.decide(add('x', 'd', { ...live, provider: 'stripe' }), gatewayRegistry.initial).ok).toBe(
      true,
    );
  });

  test('G4: a gateway keeps number, name and provider, and each webhook secret counts until the time that it was given', () => {
    let most = 0;
    fc.assert(
      fc.property(lives, (commands) => {
        const { states, log } = play(commands);
        for (const { gateways } of states.slice(1)) {
          expect(gateways).toHaveLength(1);
          expect(gateways[0]).toMatchObject({ number: 1, name: 'cards', provider: 'sandbox', gatewayId: 'cards-d' });
        }
        const [gateway] = states.at(-1)!.gateways;
        const now = commands.at(-1)!.at;
        for (const hours of [0, 0.5, 1, 2, 23, 24]) {
          const time = later(hours, now);
          expect(accepted(gateway!, time)).toEqual(acceptedBy(log, time));
        }
        most = Math.max(most, accepted(gateway!, now).length);
      }),
    );
    // The histories do come to what is said of them.
    expect(most).toBe(1 + earlierSettingsMax);
  });

  test('G5: has three earlier webhook secrets that count at most, and always room for a replacement that allows none', () => {
    fc.assert(
      fc.property(lives, (commands) => {
        const { states } = play(commands);
        for (const { gateways } of states)
          for (const gateway of gateways)
            expect(earlierSettingsAt(gateway, '').length).toBeLessThanOrEqual(earlierSettingsMax);
        const leaked = replacement('another', 0, { at: commands.at(-1)!.at });
        const [event] = play([...commands, leaked]).log.slice(-1);
        expect(event).toMatchObject({ replacementId: 'another', previousUntil: null });
      }),
    );
    const full = play([
      add('cards'),
      ...['r1', 'r2', 'r3'].map((id, n) => replacement(id, 24, { at: later(n) })),
    ]).state;
    const oneMore = (hours: number) => gatewayRegistry.decide(replacement('r4', 1, { at: later(hours) }), full);
    expect(oneMore(23)).toEqual(reject('earlier_secrets_exhausted'));
    expect(oneMore(24)).toMatchObject({ ok: true });
  });

  test('settings are replaced once for an id, also when others came between: a repeat has to ask for the same', () => {
    const first = replacement('r1', 24);
    const { state } = play([add('cards'), first, replacement('r2', 0, { at: later(1) })]);
    const repeat = { ...first, sealedSettings: 'sealed anew', at: later(2) };
    expect(gatewayRegistry.decide(repeat, state)).toEqual(accept());
    expect(
      gatewayRegistry.decide({ ...repeat, settingsDigest: 'x', oldDigests: [first.settingsDigest] }, state),
    ).toEqual(accept());
    const refused = reject('replacement_exists_with_different_fields');
    for (const other of [{ overlapHours: 23 }, { overlapHours: 0 }, { settingsDigest: 'x' }])
      expect(gatewayRegistry.decide({ ...repeat, ...other }, state)).toEqual(refused);
    expect(gatewayRegistry.decide({ ...repeat, number: 2 }, state)).toEqual(reject('gateway_not_found'));
    expect(gatewayRegistry.decide({ ...repeat, provider: 'stripe' }, state)).toEqual(reject('provider_differs'));
    // It is added again as it is now, and not as it was.
    const { settingsDigest } = gatewayNumbered(state, 1)!;
    expect(gatewayRegistry.decide(add('cards', settingsDigest), state)).toEqual(accept());
    expect(gatewayRegistry.decide(add('cards'), state)).toEqual(reject('gateway_exists_with_different_fields'));
  });

  test('takes a repeat of a replacement for one however many came after it', () => {
    const ids = Array.from({ length: 100 }, (_, n) => `r${n}`);
    const { state } = play([add('cards'), ...ids.map((id) => replacement(id, 0))]);
    for (const id of ids) expect(gatewayRegistry.decide(replacement(id, 0), state)).toEqual(accept());
  });

  test('takes the last gateway that there is room for, and no more', () => {
    const full = play(Array.from({ length: gatewaysMax }, (_, index) => add(`gateway ${index}`))).state;
    expect(full.gateways).toHaveLength(gatewaysMax);
    expect(gatewayRegistry.decide(add('one more'), full)).toEqual(reject('gateways_too_many'));
  });
});
