/**
 * Gateway registry: the payment providers that one tenant has configured in one mode, numbered from 1 in the order in
 * which they were added. A gateway is never removed: payments name it for ever. It can be disabled.
 *
 * Invariants (each has a property test of the same name):
 *   G1  Numbers are 1 to n without gaps; a name belongs to one gateway.
 *   G2  Repeating an accepted command at once is accepted again and records nothing.
 *   G3  Sandbox providers are only in sandbox mode.
 */
import type { Mode, paymentCurrencies, paymentProviders } from '@daybook/contracts';
import { accept, assert, assertNever, reject, type Decider, type Decision } from '@daybook/core';

export type PaymentProviderName = (typeof paymentProviders)[number];
export type PaymentCurrency = (typeof paymentCurrencies)[number];

export const gatewaysMax = 1_000;

export type GatewayFields = {
  readonly gatewayId: string;
  readonly tenantId: string;
  readonly mode: Mode;
  readonly name: string;
  readonly provider: PaymentProviderName;
  readonly currencies: readonly PaymentCurrency[];
  /** How the provider is reached, secrets and all, sealed. */
  readonly sealedSettings: string;
  /** Keyed digest of the settings: tells a repeat from other content without opening anything. */
  readonly settingsDigest: string;
};

export type Gateway = GatewayFields & {
  readonly number: number;
  readonly enabled: boolean;
  readonly createdAt: string;
};

export type GatewayCommand =
  | ({
      readonly type: 'AddGateway';
      /** What was recorded as the digest of these settings while other keys were current. */
      readonly oldDigests: readonly string[];
      readonly at: string;
    } & GatewayFields)
  | { readonly type: 'SetGatewayEnabled'; readonly number: number; readonly enabled: boolean; readonly at: string };

export type GatewayEvent =
  | { readonly type: 'GatewayAdded'; readonly gateway: Omit<Gateway, 'enabled' | 'createdAt'>; readonly at: string }
  | {
      readonly type: 'GatewayEnabledSet';
      readonly gatewayId: string;
      readonly number: number;
      readonly enabled: boolean;
      readonly at: string;
    };

/** In descending precedence: when several apply, the first listed is returned. */
export type GatewayRejection =
  'provider_not_in_mode' | 'gateway_exists_with_different_fields' | 'gateways_too_many' | 'gateway_not_found';

export type GatewayRegistry = { readonly gateways: readonly Gateway[] };

export const gatewayRegistry: Decider<GatewayRegistry, GatewayCommand, GatewayEvent, GatewayRejection> = {
  initial: { gateways: [] },
  decide,
  evolve,
};

export function gatewayNumbered({ gateways }: GatewayRegistry, number: number): Gateway | undefined {
  return gateways[number - 1];
}

function decide(command: GatewayCommand, state: GatewayRegistry): Decision<GatewayEvent, GatewayRejection> {
  const { at } = command;
  switch (command.type) {
    case 'AddGateway': {
      const { type: _, at: _at, oldDigests, ...fields } = command;
      if (fields.provider === 'sandbox' && fields.mode !== 'sandbox') return reject('provider_not_in_mode');
      const there = state.gateways.find(({ name }) => name === fields.name);
      if (there !== undefined)
        return sameContent(there, fields, oldDigests) ? accept() : reject('gateway_exists_with_different_fields');
      if (state.gateways.length >= gatewaysMax) return reject('gateways_too_many');
      return accept({ type: 'GatewayAdded', gateway: { ...fields, number: state.gateways.length + 1 }, at });
    }
    case 'SetGatewayEnabled': {
      const gateway = gatewayNumbered(state, command.number);
      if (gateway === undefined) return reject('gateway_not_found');
      const { gatewayId, number } = gateway;
      if (gateway.enabled === command.enabled) return accept();
      return accept({ type: 'GatewayEnabledSet', gatewayId, number, enabled: command.enabled, at });
    }
    default:
      return assertNever(command);
  }
}

function evolve({ gateways }: GatewayRegistry, event: GatewayEvent): GatewayRegistry {
  switch (event.type) {
    case 'GatewayAdded':
      assert(event.gateway.number === gateways.length + 1, 'gateways are numbered in order');
      return { gateways: [...gateways, { ...event.gateway, enabled: true, createdAt: event.at }] };
    case 'GatewayEnabledSet': {
      const gateway = gateways[event.number - 1];
      assert(gateway?.gatewayId === event.gatewayId, 'a gateway that is not there was changed');
      return { gateways: gateways.with(event.number - 1, { ...gateway, enabled: event.enabled }) };
    }
    default:
      return assertNever(event);
  }
}

/** Ids and sealed settings are new with each request; the digest speaks for what is sealed. */
function sameContent(
  there: Gateway,
  { provider, currencies, settingsDigest }: GatewayFields,
  oldDigests: readonly string[],
): boolean {
  return (
    there.provider === provider &&
    [settingsDigest, ...oldDigests].includes(there.settingsDigest) &&
    there.currencies.length === currencies.length &&
    there.currencies.every((currency, index) => currency === currencies[index])
  );
}
