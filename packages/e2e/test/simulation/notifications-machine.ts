/**
 * The notifications service as its composition root has it, on the ports of the simulation. Its read model is SQL and is
 * not simulated: a fold in memory stands for it, fed by a real subscription, so that it lags as the real one does.
 */
import { createSubscription } from '@daybook/event-store';
import { createConsumer } from '@daybook/messaging';
import { createSealer, Secret } from '@daybook/runtime';
import { leaseMs, type Leases } from '../../../../services/notifications/src/adapters/delivery-leases';
import {
  deliveryWorker,
  type DeliveryWorkerDeps,
} from '../../../../services/notifications/src/adapters/delivery-worker';
import { storedEvents, type NotificationEvent } from '../../../../services/notifications/src/adapters/stored-events';
import { sendDelivery } from '../../../../services/notifications/src/app/send-delivery';
import { openWebhooks } from '../../../../services/notifications/src/app/webhooks';
import { intentsConsumer, type ReplaceTold, type Told } from '../../../../services/notifications/src/consumers/intents';
import { transfersConsumer } from '../../../../services/notifications/src/consumers/transfers';
import type { Composition, Parts, Product } from './product';

export const sealingKey = new Secret(Buffer.alloc(32, 7).toString('base64'));

type Row = { readonly endpointId: string; readonly status: string; readonly nextAttemptAt: string | null };

export function composeNotifications({ receivers }: Product, parts: Parts): Composition {
  const { owner, store, now, logger, onFatal, database, pool } = parts;
  const client = receivers.client(owner);
  const webhooks = openWebhooks(store, now);
  const deps = { webhooks, client, sealer: createSealer(sealingKey), now, random: Math.random, logger };
  const readModel = createSubscription({
    ...parts,
    name: 'deliveries_v1',
    async handle(tx, events) {
      const decoded = events.map((event) => storedEvents.decode(event) as NotificationEvent);
      await database.ask(tx, 'project deliveries', (rows) => {
        for (const event of decoded) project(rows, event);
      });
    },
  });
  const replaceTold: ReplaceTold = (tx, intentId, told) =>
    database.ask(tx, `told ${intentId}`, (rows) => {
      const before = rows.get<Told>('told', intentId);
      rows.put('told', intentId, told);
      return before;
    });
  const worker = deliveryWorker({
    async due(options) {
      await readModel.caughtUp();
      return database.ask(pool, 'due deliveries', (rows) => dueOf(rows, options));
    },
    send: (due, abort) => sendDelivery(deps, due, abort),
    leases: leasesOf(parts),
    onAppend: store.onAppend,
    now,
    logger,
    onFatal,
  });
  const scheduling = { ...deps, scheduled: worker.offer };
  return {
    components: [
      readModel,
      createConsumer(parts, transfersConsumer(scheduling)),
      createConsumer(parts, intentsConsumer(scheduling, replaceTold)),
      worker,
    ],
    serve: () => undefined,
  };
}

type Rows = Parameters<Parameters<Parts['database']['ask']>[2]>[0];

/** As the handlers of `projections/deliveries.ts`. */
function project(rows: Rows, event: NotificationEvent): void {
  if (!('deliveryId' in event)) return;
  const { deliveryId } = event;
  const known = rows.get<Row>('deliveries', deliveryId);
  const put = (row: Omit<Row, 'endpointId'>) =>
    rows.put('deliveries', deliveryId, { endpointId: known?.endpointId ?? '', ...row } satisfies Row);
  switch (event.type) {
    case 'DeliveryScheduled':
      rows.put('deliveries', deliveryId, {
        endpointId: event.endpointId,
        status: 'pending',
        nextAttemptAt: event.at,
      } satisfies Row);
      return;
    case 'DeliveryAttemptFailed':
      return put({ status: known!.status, nextAttemptAt: event.nextAttemptAt });
    case 'DeliverySucceeded':
      return put({ status: 'delivered', nextAttemptAt: null });
    case 'DeliveryExhausted':
      return put({ status: 'exhausted', nextAttemptAt: null });
    case 'DeliveryRequeued':
      return put({ status: 'pending', nextAttemptAt: event.at });
  }
}

/** As the query of `projections/deliveries.ts`, without its limit for each endpoint. */
function dueOf(rows: Rows, { now, exceptEndpoints }: Parameters<DeliveryWorkerDeps['due']>[0]) {
  const time = now.toISOString();
  return rows
    .all<Row>('deliveries')
    .filter(([, { status, nextAttemptAt }]) => status === 'pending' && nextAttemptAt !== null && nextAttemptAt <= time)
    .filter(([deliveryId]) => !isLeased(rows, deliveryId, time))
    .filter(([, { endpointId }]) => !exceptEndpoints.includes(endpointId))
    .map(([deliveryId, { endpointId }]) => ({ deliveryId, endpointId }));
}

const isLeased = (rows: Rows, deliveryId: string, time: string) =>
  (rows.get<string>('leases', deliveryId) ?? '') > time;

/** As `delivery-leases.ts`. */
function leasesOf({ database, pool }: Parts): Leases {
  return {
    acquire: (deliveryIds, now) =>
      database.ask(pool, 'lease', (rows) => {
        const free = deliveryIds.filter((deliveryId) => !isLeased(rows, deliveryId, now.toISOString()));
        const until = new Date(now.getTime() + leaseMs).toISOString();
        for (const deliveryId of free) rows.put('leases', deliveryId, until);
        return new Set(free);
      }),
    release: (deliveryIds) =>
      database.ask(pool, 'release', (rows) => {
        for (const deliveryId of deliveryIds) rows.put('leases', deliveryId, '');
      }),
  };
}
