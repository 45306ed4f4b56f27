import { join } from 'node:path';
import { allocateAddress } from '@daybook/contracts';
import { commandHandler } from '@daybook/event-store';
import { callClient } from '@daybook/http';
import type { Service } from '@daybook/runtime';
import { openPlatform, type PlatformOverrides } from '@daybook/service';
import { expiryWorker } from './adapters/expiry-worker';
import { publishedEvents } from './adapters/published-events';
import { intentEvents } from './adapters/stored-events';
import { createIntent } from './app/create-intent';
import { expireDueIntents } from './app/expire-due-intents';
import { getIntent } from './app/get-intent';
import { listIntents } from './app/list-intents';
import type { Config } from './config';
import { depositsSubscription } from './consumers/deposits';
import { ledgerTransactionsSubscription } from './consumers/ledger-transactions';
import { settlementsSubscription } from './consumers/settlements';
import { paymentIntent } from './domain/payment-intent';
import { intentCalls } from './http/calls';
import type { AllocateAddress } from './ports';
import { deadlines, findIntents, intentsProjection } from './projections/intents';

export type Overrides = PlatformOverrides & { readonly allocateAddress: AllocateAddress };

const migrations = join(__dirname, '../migrations');

/** Composition root: the only file that knows which adapter stands behind which port. */
export function createService(config: Config, overrides: Partial<Overrides> = {}): Service {
  const platform = openPlatform(config, { name: 'intents', migrations }, overrides);
  const { pool, store, now, logger, onFatal } = platform;
  const intents = commandHandler(paymentIntent, intentEvents, store);
  const projections = platform.projections({
    codec: intentEvents,
    name: 'intents_v1',
    projections: [intentsProjection],
  });
  const chainWatcher = callClient({ baseUrl: config.CHAIN_WATCHER_URL, token: config.INTERNAL_TOKEN });
  const allocate: AllocateAddress = overrides.allocateAddress ?? ((request) => chainWatcher(allocateAddress, request));
  const calls = intentCalls(config.INTERNAL_TOKEN, {
    createIntent: createIntent({ intents, allocateAddress: allocate, now, ttlMs: config.INTENT_TTL_MS }),
    getIntent: getIntent(intents),
    listIntents: listIntents(async (query) => {
      await projections.caughtUp();
      return findIntents(pool, query);
    }),
  });

  return platform.service({
    components: [
      projections,
      chainWatcher,
      platform.consumer(depositsSubscription(intents)),
      platform.consumer(ledgerTransactionsSubscription(intents)),
      platform.consumer(settlementsSubscription(intents)),
      expiryWorker({ expireDue: expireDueIntents({ intents, deadlines: deadlines(pool), now }), now, logger, onFatal }),
      platform.relay({ name: 'intents', map: publishedEvents }),
    ],
    routes: (app) => app.use(calls),
  });
}
