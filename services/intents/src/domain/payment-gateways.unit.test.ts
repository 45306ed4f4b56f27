import { accept, reject } from '@daybook/core';
import fc from 'fast-check';
import {
  gatewayNumbered,
  gatewayRegistry,
  gatewaysMax,
  type GatewayCommand,
  type GatewayEvent,
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

const name = fc.constantFrom('cards', 'wallets', 'crypto');
const command: fc.Arbitrary<GatewayCommand> = fc.oneof(
  fc.tuple(name, fc.constantFrom('d1', 'd2')).map(([given, digest]) => add(given, digest)),
  fc.record({
    type: fc.constant('SetGatewayEnabled' as const),
    number: fc.integer({ min: 0, max: 4 }),
    enabled: fc.boolean(),
    at: fc.constant(at),
  }),
);

function play(commands: readonly GatewayCommand[]) {
  let state = gatewayRegistry.initial;
  const log: GatewayEvent[] = [];
  const repeats = commands.map((each) => {
    const decision = gatewayRegistry.decide(each, state);
    if (!decision.ok) return null;
    log.push(...decision.events);
    state = decision.events.reduce(gatewayRegistry.evolve, state);
    return gatewayRegistry.decide(each, state);
  });
  return { state, log, repeats };
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

  test('takes the last gateway that there is room for, and no more', () => {
    const full = play(Array.from({ length: gatewaysMax }, (_, index) => add(`gateway ${index}`))).state;
    expect(full.gateways).toHaveLength(gatewaysMax);
    expect(gatewayRegistry.decide(add('one more'), full)).toEqual(reject('gateways_too_many'));
  });
});
