import {
  addGateway,
  providerSettings,
  replaceGatewaySettings,
  type CallOutcome,
  type CallRequest,
  type gatewayView,
  type listGateways,
  type Mode,
  type ProviderSettings,
  type setGatewayEnabled,
} from '@daybook/contracts';
import { assert, assertNever } from '@daybook/core';
import { keyedDigests, uuidv7, type Clock, type KeyedDigests, type Keyring, type Sealer } from '@daybook/runtime';
import type { z } from 'zod';
import {
  earlierSettingsAt,
  gatewayNumbered,
  type Gateway,
  type GatewayCommand,
  type GatewayRejection,
} from '../domain/payment-gateways';
import type { GatewayStore } from '../ports';

export type GatewayDeps = {
  readonly gateways: GatewayStore;
  readonly sealer: Sealer;
  readonly secretsKeys: Keyring;
  readonly now: Clock;
};

type Owner = { readonly tenantId: string; readonly mode: Mode };

type Change = (owner: Owner, command: GatewayCommand) => ReturnType<GatewayStore['handle']>;

export const registryOf = ({ tenantId, mode }: Owner) => `gateways-${tenantId}-${mode}`;

/** The payment providers of a tenant: added once per name, numbered, never removed. Their settings can be replaced. */
export function gatewayCalls(deps: GatewayDeps) {
  const { gateways, sealer, now } = deps;

  const change: Change = (owner, command) => {
    const commandId = uuidv7(now());
    return gateways.handle(registryOf(owner), command, { commandId, correlationId: commandId, causationId: commandId });
  };

  return {
    async addGateway(request: CallRequest<typeof addGateway>): Promise<CallOutcome<typeof addGateway>> {
      const { tenantId, mode, name, currencies, settings } = request;
      if (!isOfMode(settings, mode)) return { ok: false, rejection: 'provider_not_in_mode' };
      const at = now().toISOString();
      const gatewayId = uuidv7(now());
      const digests = digestsOf(deps, settings);
      const outcome = await change(request, {
        type: 'AddGateway',
        gatewayId,
        tenantId,
        mode,
        name,
        provider: settings.provider,
        currencies: [...new Set(currencies)],
        sealedSettings: sealer.seal(JSON.stringify(settings), gatewayId),
        settingsDigest: digests.current,
        oldDigests: digests.old,
        at,
      });
      if (!outcome.ok) return refusalOf(addGateway.rejections, outcome.rejection);
      const gateway = outcome.state.gateways.find((candidate) => candidate.name === name);
      assert(gateway, 'the gateway that was added is there');
      return { ok: true, value: { gateway: viewOf(gateway, at), replayed: outcome.events.length === 0 } };
    },

    replaceGatewaySettings: replaceSettings(deps, change),

    async setGatewayEnabled(
      request: CallRequest<typeof setGatewayEnabled>,
    ): Promise<CallOutcome<typeof setGatewayEnabled>> {
      const { number, enabled } = request;
      const at = now().toISOString();
      const outcome = await change(request, { type: 'SetGatewayEnabled', number, enabled, at });
      const gateway = outcome.ok ? gatewayNumbered(outcome.state, number) : undefined;
      if (gateway === undefined) return { ok: false, rejection: 'gateway_not_found' };
      return { ok: true, value: { gateway: viewOf(gateway, at) } };
    },

    async listGateways(request: CallRequest<typeof listGateways>): Promise<CallOutcome<typeof listGateways>> {
      const { state } = await gateways.load(registryOf(request));
      const at = now().toISOString();
      return { ok: true, value: { gateways: state.gateways.map((gateway) => viewOf(gateway, at)) } };
    },
  };
}

/** A repeat is answered as its replacement decided, and with the gateway as it is now. */
function replaceSettings(deps: GatewayDeps, change: Change) {
  return async (
    request: CallRequest<typeof replaceGatewaySettings>,
  ): Promise<CallOutcome<typeof replaceGatewaySettings>> => {
    const { mode, number, settings, replacementId, overlapHours } = request;
    const there = gatewayNumbered((await deps.gateways.load(registryOf(request))).state, number);
    if (there === undefined) return { ok: false, rejection: 'gateway_not_found' };
    if (!isOfMode(settings, mode)) return { ok: false, rejection: 'provider_not_in_mode' };
    const at = deps.now().toISOString();
    const digests = digestsOf(deps, settings);
    const outcome = await change(request, {
      type: 'ReplaceSettings',
      number,
      replacementId,
      provider: settings.provider,
      sealedSettings: deps.sealer.seal(JSON.stringify(settings), there.gatewayId),
      settingsDigest: digests.current,
      oldDigests: digests.old,
      overlapHours,
      at,
    });
    if (!outcome.ok) return refusalOf(replaceGatewaySettings.rejections, outcome.rejection);
    const gateway = gatewayNumbered(outcome.state, number);
    const made = gateway?.replacements.find((replacement) => replacement.replacementId === replacementId);
    assert(gateway && made, 'a replacement that was accepted is there');
    const replayed = outcome.events.length === 0;
    return { ok: true, value: { gateway: viewOf(gateway, at), previousUntil: made.previousUntil, replayed } };
  };
}

/** A command is refused for what its call may be refused for, and for nothing else. */
function refusalOf<Rejection extends GatewayRejection>(possible: readonly Rejection[], said: GatewayRejection) {
  const rejection = possible.find((each) => each === said);
  assert(rejection !== undefined, `a gateway was refused with ${said}`);
  return { ok: false, rejection } as const;
}

/**
 * Money of a test account is none, and in the live book it would become a balance. A live account would charge real payers
 * for what stands in the sandbox's book.
 */
function isOfMode(settings: ProviderSettings, mode: Mode): boolean {
  const accountMode = modeOfAccount(settings);
  return accountMode === null || accountMode === mode;
}

/** Null when the settings do not say it. */
function modeOfAccount(settings: ProviderSettings): Mode | null {
  switch (settings.provider) {
    case 'sandbox':
      return 'sandbox';
    case 'paypal':
      return settings.environment;
    case 'stripe':
      // Secret and restricted keys say which they are of: https://docs.stripe.com/keys
      if (/^[a-z]+_test_/.test(settings.secretKey)) return 'sandbox';
      return /^[a-z]+_live_/.test(settings.secretKey) ? 'live' : null;
    case 'coinbase':
      // There are no test accounts.
      return null;
    default:
      return assertNever(settings);
  }
}

export function settingsOf(gateway: Pick<Gateway, 'gatewayId' | 'sealedSettings'>, sealer: Sealer): ProviderSettings {
  return providerSettings.parse(JSON.parse(sealer.open(gateway.sealedSettings, gateway.gatewayId)));
}

/**
 * How the notices of a gateway may be signed at a time: as it is set, or with an earlier webhook secret that is accepted.
 * Whatever else there is to ask of the provider is asked with the present credentials: earlier ones may have been revoked.
 */
export function noticeSettingsOf(gateway: Gateway, sealer: Sealer, at: string): readonly ProviderSettings[] {
  const settings = settingsOf(gateway, sealer);
  const earlier = earlierSettingsAt(gateway, at).flatMap(({ sealedSettings }) => {
    const opened = sealer.tryOpen(sealedSettings, gateway.gatewayId);
    // Its key may have been taken away since. What is signed with the present secret is read all the same.
    return opened.ok ? [providerSettings.parse(JSON.parse(opened.plain))] : [];
  });
  return [settings, ...earlier.map((each) => providerSettings.parse({ ...settings, ...signedWith(each) }))];
}

function signedWith(settings: ProviderSettings) {
  switch (settings.provider) {
    case 'stripe':
    case 'coinbase':
      return { webhookSecret: settings.webhookSecret };
    case 'paypal':
      // Signed with a key of PayPal's, over the id of the webhook.
      return { webhookId: settings.webhookId };
    case 'sandbox':
      return {};
    default:
      return assertNever(settings);
  }
}

/** Secrets are in it, so it is keyed. */
function digestsOf({ secretsKeys }: GatewayDeps, settings: ProviderSettings): KeyedDigests {
  const fields = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
  return keyedDigests(secretsKeys, 'gateway settings', fields);
}

function viewOf(gateway: Gateway, at: string): z.output<typeof gatewayView> {
  const { gatewayId, number, name, provider, currencies, enabled, createdAt } = gateway;
  const ends = earlierSettingsAt(gateway, at).map(({ until }) => until);
  const previousSecretUntil = ends.toSorted().at(-1) ?? null;
  return { gatewayId, number, name, provider, currencies: [...currencies], enabled, createdAt, previousSecretUntil };
}
