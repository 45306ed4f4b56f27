import { join } from 'node:path';
import { createTableProjections } from '@daybook/event-store';
import { callRoutes } from '@daybook/http';
import { callTokens, Counter, createSealer, secretsKeysOf, type Registry, type Service } from '@daybook/runtime';
import { openPlatform, type PlatformOverrides } from '@daybook/service';
import { deliveryLeases } from './adapters/delivery-leases';
import { deliveryWorker, type DeliveryWorkerDeps } from './adapters/delivery-worker';
import { storedEvents } from './adapters/stored-events';
import { replaceTold } from './adapters/told-intents';
import { replaceToldTransaction } from './adapters/told-transactions';
import { webhookClient } from './adapters/webhook-client';
import { sendDelivery } from './app/send-delivery';
import { openWebhooks } from './app/webhooks';
import type { Config } from './config';
import { intentsConsumer } from './consumers/intents';
import { transactionConsumers } from './consumers/transactions';
import { transfersConsumer } from './consumers/transfers';
import { callHandlers } from './http/calls';
import type { WebhookClient } from './ports';
import { deliveries, dueDeliveries } from './projections/deliveries';

export type Overrides = PlatformOverrides & {
  readonly random: () => number;
  readonly client: WebhookClient;
  /** How often deliveries that became due by the clock are looked for. */
  readonly pollMs: number;
};

/** Of a backlog: whoever else reads the log waits for a batch to be stored. */
const projectedTogether = 1_000;

const migrations = join(__dirname, '../migrations');

/** Composition root: the only file that knows which adapter stands behind which port. */
export function createService(config: Config, overrides: Partial<Overrides> = {}): Service {
  const platform = openPlatform(config, { name: 'notifications', migrations }, overrides);
  const { pool, store, now, logger, onFatal, metrics } = platform;
  const projections = createTableProjections({
    pool,
    store,
    codec: storedEvents,
    name: 'deliveries_v1',
    schema: 'notifications',
    projections: [deliveries],
    batchSize: projectedTogether,
    logger,
    onFatal,
  });
  const caughtUp = () => projections.caughtUp();
  const client = overrides.client ?? webhookClient({ allowLoopback: config.WEBHOOK_ALLOW_LOOPBACK });
  const sealer = createSealer(secretsKeysOf(config));
  const deps = {
    webhooks: openWebhooks(store, now),
    client,
    sealer,
    now,
    random: overrides.random ?? Math.random,
    logger,
  };
  const worker = deliveryWorker({
    async due(options) {
      await caughtUp();
      return dueDeliveries(pool, options);
    },
    send: counted(metrics, (delivery, abort) => sendDelivery(deps, delivery, abort)),
    leases: deliveryLeases(pool),
    onAppend: store.onAppend,
    now,
    logger,
    onFatal,
    ...(overrides.pollMs === undefined ? {} : { pollMs: overrides.pollMs }),
  });
  const scheduling = { ...deps, scheduled: worker.offer };
  const handlers = callHandlers(deps, { ...deps, pool, caughtUp });

  return platform.service({
    components: [
      projections,
      platform.consumer(transfersConsumer(scheduling)),
      platform.consumer(intentsConsumer(scheduling, replaceTold)),
      ...transactionConsumers(scheduling, replaceToldTransaction).map((each) => platform.consumer(each)),
      { name: 'webhook client', start: async () => undefined, stop: () => client.close() },
      worker,
    ],
    routes: (app) => app.use(callRoutes(callTokens(config), handlers)),
  });
}

function counted(metrics: Registry, send: DeliveryWorkerDeps['send']): DeliveryWorkerDeps['send'] {
  const attempts = new Counter({
    name: 'webhook_attempts_total',
    help: 'Attempts to deliver a webhook, by what came of them; unsigned: the secret cannot be opened.',
    labelNames: ['outcome'],
    registers: [metrics],
  });
  return async (delivery, abort) => {
    const outcome = await send(delivery, abort);
    attempts.inc({ outcome });
    return outcome;
  };
}
