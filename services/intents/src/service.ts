import { join } from 'node:path';
import { allocateAddress, depositsOf } from '@daybook/contracts';
import { assert } from '@daybook/core';
import { commandHandler, createPersonalData, type Projections } from '@daybook/event-store';
import { callClient, type CallClient } from '@daybook/http';
import { callTokens, createSealer, dueWorkers, secretsKeysOf, type Component, type Service } from '@daybook/runtime';
import { openPlatform, type Platform, type PlatformOverrides } from '@daybook/service';
import { paymentProviders } from './adapters/providers';
import { decideSandboxPayment, giveBackSandboxPayment } from './adapters/providers/sandbox-provider';
import { coinbaseRates } from './adapters/rates/coinbase-rates';
import { fixedRates } from './adapters/rates/fixed-rates';
import { krakenRates } from './adapters/rates/kraken-rates';
import { lastRates } from './adapters/rates/last-rates';
import { publishedEvents } from './adapters/published-events';
import {
  gatewayEvents,
  intentEvents,
  paymentEvents,
  quoteEvents,
  receiptPolicyEvents,
  storedEvents,
  type StoredEventOfIntents,
} from './adapters/stored-events';
import { skipUsedNumbers, transactionNumbers } from './adapters/transaction-numbers';
import { webhookInbox } from './adapters/webhook-inbox';
import { bookPayment } from './app/book-payment';
import { createIntent } from './app/create-intent';
import { exceptionCalls } from './app/exceptions';
import { expireDueIntents } from './app/expire-due-intents';
import { getIntent } from './app/get-intent';
import { listIntents } from './app/list-intents';
import { paymentsApp } from './app/payments';
import { quoteCalls } from './app/quotes';
import { goodRateOf } from './app/rates';
import { policiesOf, receiptPolicyCalls } from './app/receipt-policies';
import type { Config } from './config';
import { depositsSubscription } from './consumers/deposits';
import { ledgerTransactionsSubscription } from './consumers/ledger-transactions';
import { settlementsSubscription } from './consumers/settlements';
import { gatewayRegistry } from './domain/payment-gateways';
import { paymentIntent } from './domain/payment-intent';
import { providerPayment } from './domain/provider-payment';
import { quoteDecider } from './domain/quote';
import { receiptPolicy } from './domain/receipt-policy';
import { intentCalls } from './http/calls';
import type { AllocateAddress, DepositsOf, Exceptions } from './ports';
import { gatewaysProjection, placeOfGateway } from './projections/gateways';
import { deadlines, findIntents, intentsProjection } from './projections/intents';
import {
  countPayments,
  findPayments,
  paymentRows,
  lookAtReturnsBy,
  paymentChecks,
  returnChecks,
  paymentsOfReference,
  paymentsProjection,
} from './projections/payments';
import { exceptionNamed, findExceptions, receiptsProjection } from './projections/receipts';

/** In the place of the chain-watcher. */
type Watcher = { readonly allocateAddress: AllocateAddress; readonly depositsOf: DepositsOf };
export type Overrides = PlatformOverrides & { readonly chainWatcher: Watcher };

const migrations = join(__dirname, '../migrations');

/** Composition root: the only file that knows which adapter stands behind which port. */
export function createService(config: Config, overrides: Partial<Overrides> = {}): Service {
  const platform = openPlatform(config, { name: 'intents', migrations }, overrides);
  const { pool, store, now } = platform;
  const intents = commandHandler(paymentIntent, intentEvents, store);
  const payments = commandHandler(providerPayment, paymentEvents, store);
  const projections = platform.projections<StoredEventOfIntents>({
    codec: storedEvents,
    name: 'intents_v1',
    projections: [intentsProjection, gatewaysProjection, paymentsProjection],
  });
  const receipts = platform.projections<StoredEventOfIntents>({
    codec: storedEvents,
    name: 'receipts_v1',
    projections: [receiptsProjection],
  });
  const policies = commandHandler(receiptPolicy, receiptPolicyEvents, store);
  const policyOf = policiesOf(policies);
  const chainWatcher = callClient({ baseUrl: config.CHAIN_WATCHER_URL, token: config.INTERNAL_TOKEN });
  const watcher = overrides.chainWatcher ?? watcherOf(chainWatcher);
  const paymentCalls = paymentsOf(config, platform, projections, payments);
  const calls = intentCalls(callTokens(config), {
    ...paymentCalls,
    ...exceptionCalls({ exceptions: exceptionsIn(platform, receipts), intents, payments, now }),
    ...receiptPolicyCalls({ policies, now }),
    ...quotesOf(config, platform),
    createIntent: createIntent({ intents, ...watcher, policyOf, now, ttlMs: config.INTENT_TTL_MS }),
    getIntent: getIntent(intents),
    listIntents: listIntents(async (query) => {
      await projections.caughtUp();
      return findIntents(pool, query);
    }),
  });
  const expireDue = expireDueIntents({ intents, deadlines: deadlines(pool), ...watcher, policyOf, now });

  return platform.service({
    components: [
      projections,
      receipts,
      numbers(platform, projections),
      chainWatcher,
      platform.consumer(depositsSubscription(intents, policyOf)),
      platform.consumer(ledgerTransactionsSubscription(intents, bookPayment(payments), policyOf)),
      platform.consumer(settlementsSubscription(intents)),
      dueWorkers(
        [
          { name: 'expiry of intents', pass: expireDue },
          { name: 'returns of payments', pass: paymentCalls.checkReturns },
          ...paymentCalls.checkPayments,
        ],
        platform,
      ),
      platform.relay({ name: 'intents', map: publishedEvents }),
    ],
    routes: (app) => app.use(calls),
  });
}

function watcherOf(call: CallClient): Watcher {
  return {
    allocateAddress: (request) => call(allocateAddress, request),
    async depositsOf(references) {
      const outcome = await call(depositsOf, { references: [...references] });
      assert(outcome.ok, 'whoever asks for deposits is told');
      return outcome.value.deposits;
    },
  };
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
  const secretsKeys = secretsKeysOf(config);
  return paymentsApp({
    payments,
    gateways: commandHandler(gatewayRegistry, gatewayEvents, store),
    personalData: createPersonalData({ pool, masterKey: config.PERSONAL_DATA_KEY, now }),
    sealer: createSealer(secretsKeys),
    secretsKeys,
    providerOf: paymentProviders(pool, {
      stripe: config.STRIPE_URL,
      paypal: { live: config.PAYPAL_URL, sandbox: config.PAYPAL_SANDBOX_URL },
      coinbase: config.COINBASE_URL,
    }),
    decideSandboxPayment: (reference, outcome) => decideSandboxPayment(pool, reference, outcome),
    giveBackSandboxPayment: (reference, returned) => giveBackSandboxPayment(pool, reference, returned),
    nextNumber: transactionNumbers(pool),
    inbox: webhookInbox(pool, now),
    checksAt: (provider, mode) => paymentChecks(pool, provider, mode),
    returnChecks: returnChecks(pool),
    lookAtReturnsBy: (transactionId, by) => lookAtReturnsBy(pool, transactionId, by),
    placeOfGateway: (gatewayId) => caughtUp(() => placeOfGateway(pool, gatewayId)),
    paymentsOf: (gatewayId, reference) => caughtUp(() => paymentsOfReference(pool, gatewayId, reference)),
    find: (query) => caughtUp(() => findPayments(pool, query)),
    rowsOf: (request) => paymentRows(pool, request),
    count: (query) => caughtUp(() => countPayments(pool, query)),
    now,
    logger,
  });
}

/** For how long a good rate is used again without asking anybody. */
const rateAgeMs = 15_000;

function quotesOf(config: Config, { pool, store, now, logger }: Platform) {
  const live = [coinbaseRates(config.COINBASE_RATES_URL), krakenRates(config.KRAKEN_URL)];
  const sandbox = [fixedRates(now)];
  return quoteCalls({
    quotes: commandHandler(quoteDecider, quoteEvents, store),
    goodRateOf: goodRateOf({
      sourcesOf: (mode) => (mode === 'live' ? live : sandbox),
      lastRates: lastRates(pool),
      now,
      logger,
      rateAgeMs,
    }),
    now,
    ttlMs: config.QUOTE_TTL_MS,
  });
}

function exceptionsIn({ pool }: Platform, receipts: Projections): Exceptions {
  return {
    async find(query) {
      await receipts.caughtUp();
      return findExceptions(pool, query);
    },
    async get(mode, exceptionId) {
      await receipts.caughtUp();
      return exceptionNamed(pool, mode, exceptionId);
    },
  };
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
