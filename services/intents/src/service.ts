import { join } from 'node:path';
import { allocateAddress } from '@daybook/contracts';
import { commandHandler, createPersonalData, type Projections } from '@daybook/event-store';
import { callClient } from '@daybook/http';
import { createSealer, dueWorker, type Component, type Service } from '@daybook/runtime';
import { openPlatform, type Platform, type PlatformOverrides } from '@daybook/service';
import { paymentProviders } from './adapters/providers';
import { decideSandboxPayment } from './adapters/providers/sandbox-provider';
import { publishedEvents } from './adapters/published-events';
import { gatewayEvents, intentEvents, paymentEvents, storedEvents } from './adapters/stored-events';
import { skipUsedNumbers, transactionNumbers } from './adapters/transaction-numbers';
import { webhookInbox } from './adapters/webhook-inbox';
import { bookPayment } from './app/book-payment';
import { createIntent } from './app/create-intent';
import { expireDueIntents } from './app/expire-due-intents';
import { getIntent } from './app/get-intent';
import { listIntents } from './app/list-intents';
import { paymentsApp } from './app/payments';
import type { Config } from './config';
import { depositsSubscription } from './consumers/deposits';
import { ledgerTransactionsSubscription } from './consumers/ledger-transactions';
import { settlementsSubscription } from './consumers/settlements';
import { gatewayRegistry, type GatewayEvent } from './domain/payment-gateways';
import { paymentIntent, type IntentEvent } from './domain/payment-intent';
import { providerPayment, type PaymentEvent } from './domain/provider-payment';
import { intentCalls } from './http/calls';
import type { AllocateAddress } from './ports';
import { gatewaysProjection, placeOfGateway } from './projections/gateways';
import { deadlines, findIntents, intentsProjection } from './projections/intents';
import {
  countPayments,
  findPayments,
  paymentChecks,
  paymentsOfReference,
  paymentsProjection,
} from './projections/payments';

type StoredEvent = IntentEvent | GatewayEvent | PaymentEvent;

export type Overrides = PlatformOverrides & { readonly allocateAddress: AllocateAddress };

const migrations = join(__dirname, '../migrations');

/** Composition root: the only file that knows which adapter stands behind which port. */
export function createService(config: Config, overrides: Partial<Overrides> = {}): Service {
  const platform = openPlatform(config, { name: 'intents', migrations }, overrides);
  const { pool, store, now, logger, onFatal } = platform;
  const intents = commandHandler(paymentIntent, intentEvents, store);
  const payments = commandHandler(providerPayment, paymentEvents, store);
  const projections = platform.projections<StoredEvent>({
    codec: storedEvents,
    name: 'intents_v1',
    projections: [intentsProjection, gatewaysProjection, paymentsProjection],
  });
  const chainWatcher = callClient({ baseUrl: config.CHAIN_WATCHER_URL, token: config.INTERNAL_TOKEN });
  const allocate: AllocateAddress = overrides.allocateAddress ?? ((request) => chainWatcher(allocateAddress, request));
  const paymentCalls = paymentsOf(config, platform, projections, payments);
  const calls = intentCalls(config.INTERNAL_TOKEN, {
    ...paymentCalls,
    createIntent: createIntent({ intents, allocateAddress: allocate, now, ttlMs: config.INTENT_TTL_MS }),
    getIntent: getIntent(intents),
    listIntents: listIntents(async (query) => {
      await projections.caughtUp();
      return findIntents(pool, query);
    }),
  });
  const worker = { now, logger, onFatal };
  const expireDue = expireDueIntents({ intents, deadlines: deadlines(pool), now });

  return platform.service({
    components: [
      projections,
      numbers(platform, projections),
      chainWatcher,
      platform.consumer(depositsSubscription(intents)),
      platform.consumer(ledgerTransactionsSubscription(intents, bookPayment(payments))),
      platform.consumer(settlementsSubscription(intents)),
      dueWorker({ ...worker, name: 'expiry of intents', pass: expireDue }),
      dueWorker({ ...worker, name: 'state of payments at their providers', pass: paymentCalls.checkPayments }),
      platform.relay({ name: 'intents', map: publishedEvents }),
    ],
    routes: (app) => app.use(calls),
  });
}

function paymentsOf(
  config: Config,
  { pool, store, now, logger }: Platform,
  projections: Projections,
  payments: Parameters<typeof bookPayment>[0],
) {
  const caughtUp = async <Answer>(read: () => Promise<Answer>): Promise<Answer> => {
    await projections.caughtUp();
    return read();
  };
  return paymentsApp({
    payments,
    gateways: commandHandler(gatewayRegistry, gatewayEvents, store),
    personalData: createPersonalData({ pool, masterKey: config.PERSONAL_DATA_KEY, now }),
    sealer: createSealer(config.SECRETS_KEY),
    secretsKey: config.SECRETS_KEY,
    providerOf: paymentProviders(pool, {
      stripe: config.STRIPE_URL,
      paypal: { live: config.PAYPAL_URL, sandbox: config.PAYPAL_SANDBOX_URL },
      coinbase: config.COINBASE_URL,
    }),
    decideSandboxPayment: (reference, outcome) => decideSandboxPayment(pool, reference, outcome),
    nextNumber: transactionNumbers(pool),
    inbox: webhookInbox(pool, now),
    checks: paymentChecks(pool),
    placeOfGateway: (gatewayId) => caughtUp(() => placeOfGateway(pool, gatewayId)),
    paymentsOf: (gatewayId, reference) => caughtUp(() => paymentsOfReference(pool, gatewayId, reference)),
    find: (query) => caughtUp(() => findPayments(pool, query)),
    count: (query) => caughtUp(() => countPayments(pool, query)),
    now,
    logger,
  });
}

/** Before any request: no number that stands in an event may be given again. */
function numbers({ pool }: Platform, projections: Projections): Component {
  return {
    name: 'numbers of transactions',
    async start() {
      await projections.caughtUp();
      await skipUsedNumbers(pool);
    },
    stop: async () => undefined,
  };
}
