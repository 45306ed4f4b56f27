/** Payments through providers, joined: what other services may ask for, and the passes that ask providers. */
import {
  mode,
  paymentProviders,
  type CallRequest,
  type getPayments,
  type Mode,
  type ProviderSettings,
} from '@daybook/contracts';
import type { PersonalData } from '@daybook/event-store';
import type { Clock, Keyring, Logger, Sealer } from '@daybook/runtime';
import { gatewayNumbered, type PaymentProviderName } from '../domain/payment-gateways';
import type { PaymentSummary } from '../domain/provider-payment';
import type {
  GatewayStore,
  PaymentChecks,
  PaymentKey,
  PaymentProvider,
  PaymentQuery,
  PaymentStore,
  ReturnChecks,
} from '../ports';
import { askProvider } from './ask-provider';
import { checkPayments } from './check-payments';
import { checkReturns } from './check-returns';
import { createPayment } from './create-payment';
import { gatewayCalls, noticeSettingsOf, registryOf } from './gateways';
import { paymentReads } from './payment-reads';
import { receiveWebhook, type WebhookInbox } from './provider-webhooks';
import { simulatePayment, simulateReturn } from './simulate-payment';

export type PaymentDeps = {
  readonly payments: PaymentStore;
  readonly gateways: GatewayStore;
  readonly personalData: PersonalData;
  readonly sealer: Sealer;
  readonly secretsKeys: Keyring;
  readonly providerOf: (settings: ProviderSettings) => PaymentProvider;
  readonly decideSandboxPayment: Parameters<typeof simulatePayment>[0]['decide'];
  readonly giveBackSandboxPayment: Parameters<typeof simulateReturn>[0]['giveBack'];
  readonly nextNumber: () => Promise<number>;
  readonly inbox: WebhookInbox;
  readonly checksAt: (provider: PaymentProviderName, mode: Mode) => PaymentChecks;
  readonly returnChecks: ReturnChecks;
  readonly lookAtReturnsBy: (transactionId: string, by: Date) => Promise<void>;
  readonly placeOfGateway: (
    gatewayId: string,
  ) => Promise<(Parameters<typeof registryOf>[0] & { number: number }) | undefined>;
  readonly paymentsOf: (gatewayId: string, reference: string) => Promise<readonly string[]>;
  readonly find: (query: PaymentQuery) => Promise<readonly PaymentKey[]>;
  readonly rowsOf: (request: CallRequest<typeof getPayments>) => Promise<readonly PaymentSummary[]>;
  readonly count: (query: PaymentQuery) => Promise<number>;
  readonly now: Clock;
  readonly logger: Logger;
};

export function paymentsApp(deps: PaymentDeps) {
  const ask = askProvider(deps);

  /** One for each secret that its notices may be signed with; none for a gateway that is not there. */
  async function noticeReadersOf(gatewayId: string): Promise<ReadonlySet<PaymentProvider>> {
    const place = await deps.placeOfGateway(gatewayId);
    if (place === undefined) return new Set();
    const gateway = gatewayNumbered((await deps.gateways.load(registryOf(place))).state, place.number);
    const settings = gateway === undefined ? [] : noticeSettingsOf(gateway, deps.sealer, deps.now().toISOString());
    return new Set(settings.map(deps.providerOf));
  }

  return {
    ...gatewayCalls(deps),
    ...paymentReads(deps),
    createPayment: createPayment({ ...deps, ask }),
    simulatePayment: simulatePayment({ ...deps, ask, decide: deps.decideSandboxPayment }),
    simulateReturn: simulateReturn({ ...deps, ask, giveBack: deps.giveBackSandboxPayment }),
    receiveProviderWebhook: receiveWebhook({ ...deps, noticeReadersOf, ask }),
    /** For a worker each: a provider that hangs holds up its own payments, and its sandbox none that are live. */
    checkPayments: paymentProviders.flatMap((provider) =>
      mode.options.map((each) => ({
        name: `payments due at ${provider}, ${each}`,
        pass: checkPayments({ ...deps, checks: deps.checksAt(provider, each), ask }),
      })),
    ),
    /** For one worker: none of them is urgent, and who hangs is not looked at again before a day is over. */
    checkReturns: checkReturns({ ...deps, checks: deps.returnChecks, ask }),
  };
}
