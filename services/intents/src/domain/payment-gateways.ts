/**
 * Gateway registry: the payment providers that one tenant has configured in one mode, numbered from 1 in the order in
 * which they were added. A gateway is never removed: payments name it for ever. It can be disabled.
 *
 * Its settings can be replaced, because keys are rolled and leak, and what is open is asked about with the settings of its own
 * gateway. The webhook secret before is accepted too for as long as was asked, so that no notice on its way is lost. A
 * replacement has an id, by which its repeat is known.
 *
 * Invariants (each has a property test of the same name):
 *   G1  Numbers are 1 to n without gaps; a name belongs to one gateway.
 *   G2  Repeating an accepted command at once is accepted again and records nothing.
 *   G3  Sandbox providers are only in sandbox mode.
 *   G4  A gateway keeps its number, name and provider. Its settings change by replacement only, and each earlier webhook
 *       secret is accepted until the time that it was given, or until a replacement that allows none.
 *   G5  There are never more than three earlier webhook secrets of a gateway that are accepted.
 */
import type { Mode, paymentCurrencies, paymentProviders } from '@daybook/contracts';
import { accept, assert, assertNever, reject, type Decider, type Decision } from '@daybook/core';

export type PaymentProviderName = (typeof paymentProviders)[number];
export type PaymentCurrency = (typeof paymentCurrencies)[number];

export const gatewaysMax = 1_000;
/** Earlier webhook secrets of a gateway that are accepted at most: each is one more look at every forged notice. */
export const earlierSettingsMax = 3;

const hourMs = 3_600_000;

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
  /** Newest first: those that had not ended at the last replacement. `earlierSettingsAt` has those that count. */
  readonly earlierSettings: readonly EarlierSettings[];
  /** Newest first: a repeat of any is told what it decided. */
  readonly replacements: readonly Replacement[];
};
/** Of them the webhook secret alone counts, beside the present one, before `until`. */
export type EarlierSettings = Pick<GatewayFields, 'sealedSettings'> & { readonly until: string };
export type Replacement = Pick<GatewaySettingsReplaced, 'replacementId' | 'settingsDigest' | 'previousUntil' | 'at'>;

type ReplaceSettings = Pick<GatewayFields, 'provider' | 'sealedSettings' | 'settingsDigest'> & {
  readonly type: 'ReplaceSettings';
  readonly number: number;
  readonly replacementId: string;
  /** As in `AddGateway`. */
  readonly oldDigests: readonly string[];
  /** How long the webhook secret before is accepted too. With 0 no earlier one is accepted any more. */
  readonly overlapHours: number;
  readonly at: string;
};

export type GatewayCommand =
  | ({
      readonly type: 'AddGateway';
      /** What was recorded as the digest of these settings while other keys were current. */
      readonly oldDigests: readonly string[];
      readonly at: string;
    } & GatewayFields)
  | { readonly type: 'SetGatewayEnabled'; readonly number: number; readonly enabled: boolean; readonly at: string }
  | ReplaceSettings;

export type GatewayEvent =
  | {
      readonly type: 'GatewayAdded';
      readonly gateway: GatewayFields & { readonly number: number };
      readonly at: string;
    }
  | {
      readonly type: 'GatewayEnabledSet';
      readonly gatewayId: string;
      readonly number: number;
      readonly enabled: boolean;
      readonly at: string;
    }
  | GatewaySettingsReplaced;

type GatewaySettingsReplaced = Pick<GatewayFields, 'gatewayId' | 'sealedSettings' | 'settingsDigest'> & {
  readonly type: 'GatewaySettingsReplaced';
  readonly number: number;
  readonly replacementId: string;
  /** The webhook secret before is accepted until then; null when no earlier one is any more. */
  readonly previousUntil: string | null;
  readonly at: string;
};

/** In descending precedence: when several apply, the first listed is returned. */
export type GatewayRejection =
  | 'provider_not_in_mode'
  | 'gateway_exists_with_different_fields'
  | 'gateways_too_many'
  | 'gateway_not_found'
  | 'provider_differs'
  | 'replacement_exists_with_different_fields'
  | 'earlier_secrets_exhausted';

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
    case 'ReplaceSettings': {
      const gateway = gatewayNumbered(state, command.number);
      return gateway === undefined ? reject('gateway_not_found') : replace(command, gateway);
    }
    default:
      return assertNever(command);
  }
}

function replace(command: ReplaceSettings, gateway: Gateway): Decision<GatewayEvent, GatewayRejection> {
  const { number, replacementId, sealedSettings, settingsDigest, oldDigests, overlapHours, at } = command;
  if (gateway.provider !== command.provider) return reject('provider_differs');
  const made = gateway.replacements.find((replacement) => replacement.replacementId === replacementId);
  if (made !== undefined) {
    const isSame =
      [settingsDigest, ...oldDigests].includes(made.settingsDigest) &&
      made.previousUntil === endOf(overlapHours, made.at);
    return isSame ? accept() : reject('replacement_exists_with_different_fields');
  }
  const previousUntil = endOf(overlapHours, at);
  // Without an overlap there is none more: what leaked can always be replaced.
  const isOneMore = previousUntil !== null;
  if (isOneMore && earlierSettingsAt(gateway, at).length >= earlierSettingsMax)
    return reject('earlier_secrets_exhausted');
  const { gatewayId } = gateway;
  const replaced = { gatewayId, number, replacementId, sealedSettings, settingsDigest, previousUntil, at };
  return accept({ type: 'GatewaySettingsReplaced', ...replaced });
}

function endOf(overlapHours: number, at: string): string | null {
  return overlapHours === 0 ? null : new Date(Date.parse(at) + overlapHours * hourMs).toISOString();
}

/** Those whose webhook secret is accepted at a time, newest first. */
export function earlierSettingsAt({ earlierSettings }: Gateway, at: string): readonly EarlierSettings[] {
  return earlierSettings.filter(({ until }) => until > at);
}

function evolve({ gateways }: GatewayRegistry, event: GatewayEvent): GatewayRegistry {
  switch (event.type) {
    case 'GatewayAdded':
      assert(event.gateway.number === gateways.length + 1, 'gateways are numbered in order');
      return { gateways: [...gateways, added(event)] };
    case 'GatewayEnabledSet':
      return { gateways: changed(gateways, event, (gateway) => ({ ...gateway, enabled: event.enabled })) };
    case 'GatewaySettingsReplaced':
      return { gateways: changed(gateways, event, (gateway) => withSettings(gateway, event)) };
    default:
      return assertNever(event);
  }
}

function added({ gateway, at }: Extract<GatewayEvent, { type: 'GatewayAdded' }>): Gateway {
  return { ...gateway, enabled: true, createdAt: at, earlierSettings: [], replacements: [] };
}

function changed(
  gateways: readonly Gateway[],
  { gatewayId, number }: Pick<Gateway, 'gatewayId' | 'number'>,
  change: (gateway: Gateway) => Gateway,
): readonly Gateway[] {
  const gateway = gateways[number - 1];
  assert(gateway?.gatewayId === gatewayId, 'a gateway that is not there was changed');
  return gateways.with(number - 1, change(gateway));
}

function withSettings(
  gateway: Gateway,
  { replacementId, sealedSettings, settingsDigest, previousUntil, at }: GatewaySettingsReplaced,
): Gateway {
  const former = { sealedSettings: gateway.sealedSettings };
  const earlierSettings =
    previousUntil === null ? [] : [{ ...former, until: previousUntil }, ...earlierSettingsAt(gateway, at)];
  assert(earlierSettings.length <= earlierSettingsMax, 'more earlier settings than the limit');
  const replacement = { replacementId, settingsDigest, previousUntil, at };
  const replacements = [replacement, ...gateway.replacements];
  return { ...gateway, sealedSettings, settingsDigest, earlierSettings, replacements };
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
