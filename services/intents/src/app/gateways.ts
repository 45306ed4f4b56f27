import {
  providerSettings,
  type addGateway,
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
import { gatewayNumbered, type Gateway, type GatewayCommand } from '../domain/payment-gateways';
import type { GatewayStore } from '../ports';

export type GatewayDeps = {
  readonly gateways: GatewayStore;
  readonly sealer: Sealer;
  readonly secretsKeys: Keyring;
  readonly now: Clock;
};

type Owner = { readonly tenantId: string; readonly mode: Mode };

export const registryOf = ({ tenantId, mode }: Owner) => `gateways-${tenantId}-${mode}`;

/** The payment providers of a tenant: added once per name, numbered, never removed. */
export function gatewayCalls(deps: GatewayDeps) {
  const { gateways, sealer, now } = deps;

  const change = (owner: Owner, command: GatewayCommand) => {
    const commandId = uuidv7(now());
    return gateways.handle(registryOf(owner), command, { commandId, correlationId: commandId, causationId: commandId });
  };

  return {
    async addGateway(request: CallRequest<typeof addGateway>): Promise<CallOutcome<typeof addGateway>> {
      const { tenantId, mode, name, currencies, settings } = request;
      if (mode === 'live' && isTestAccount(settings)) return { ok: false, rejection: 'provider_not_in_mode' };
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
        at: now().toISOString(),
      });
      if (!outcome.ok) {
        assert(outcome.rejection !== 'gateway_not_found', 'adding finds or makes a gateway');
        return { ok: false, rejection: outcome.rejection };
      }
      const gateway = outcome.state.gateways.find((candidate) => candidate.name === name);
      assert(gateway, 'the gateway that was added is there');
      return { ok: true, value: { gateway: viewOf(gateway), replayed: outcome.events.length === 0 } };
    },

    async setGatewayEnabled(
      request: CallRequest<typeof setGatewayEnabled>,
    ): Promise<CallOutcome<typeof setGatewayEnabled>> {
      const { number, enabled } = request;
      const at = now().toISOString();
      const outcome = await change(request, { type: 'SetGatewayEnabled', number, enabled, at });
      const gateway = outcome.ok ? gatewayNumbered(outcome.state, number) : undefined;
      if (gateway === undefined) return { ok: false, rejection: 'gateway_not_found' };
      return { ok: true, value: { gateway: viewOf(gateway) } };
    },

    async listGateways(request: CallRequest<typeof listGateways>): Promise<CallOutcome<typeof listGateways>> {
      const { state } = await gateways.load(registryOf(request));
      return { ok: true, value: { gateways: state.gateways.map(viewOf) } };
    },
  };
}

/** A provider's test account takes money that is none: in the live book it would become a balance. */
function isTestAccount(settings: ProviderSettings): boolean {
  switch (settings.provider) {
    case 'sandbox':
      return true;
    case 'paypal':
      return settings.environment === 'sandbox';
    case 'stripe':
      // Secret and restricted keys say which they are of: https://docs.stripe.com/keys
      return /^[a-z]+_test_/.test(settings.secretKey);
    case 'coinbase':
      return false;
    default:
      return assertNever(settings);
  }
}

export function settingsOf(gateway: Pick<Gateway, 'gatewayId' | 'sealedSettings'>, sealer: Sealer): ProviderSettings {
  return providerSettings.parse(JSON.parse(sealer.open(gateway.sealedSettings, gateway.gatewayId)));
}

/** Secrets are in it, so it is keyed. */
function digestsOf({ secretsKeys }: GatewayDeps, settings: ProviderSettings): KeyedDigests {
  const fields = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
  return keyedDigests(secretsKeys, 'gateway settings', fields);
}

function viewOf(gateway: Gateway): z.output<typeof gatewayView> {
  const { gatewayId, number, name, provider, currencies, enabled, createdAt } = gateway;
  return { gatewayId, number, name, provider, currencies: [...currencies], enabled, createdAt };
}
