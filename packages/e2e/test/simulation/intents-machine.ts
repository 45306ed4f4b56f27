/**
 * The intents service as its composition root has it, on the ports of the simulation. Its read model is SQL and is not
 * simulated: a fold in memory stands for it, fed by a real subscription, so that it lags as the real one does.
 */
import {
  allocateAddress,
  createIntent as createIntentCall,
  depositsOf,
  getIntent as getIntentCall,
} from '@daybook/contracts';
import { commandHandler, createSubscription } from '@daybook/event-store';
import { callClient, callServer, onCall } from '@daybook/http';
import { createConsumer, createRelay } from '@daybook/messaging';
import { dueWorker } from '@daybook/runtime';
import { publishedEvents } from '../../../../services/intents/src/adapters/published-events';
import {
  intentEvents,
  paymentEvents,
  receiptPolicyEvents,
} from '../../../../services/intents/src/adapters/stored-events';
import { bookPayment } from '../../../../services/intents/src/app/book-payment';
import { createIntent } from '../../../../services/intents/src/app/create-intent';
import { expireDueIntents } from '../../../../services/intents/src/app/expire-due-intents';
import { getIntent } from '../../../../services/intents/src/app/get-intent';
import { policiesOf } from '../../../../services/intents/src/app/receipt-policies';
import { depositsSubscription } from '../../../../services/intents/src/consumers/deposits';
import { ledgerTransactionsSubscription } from '../../../../services/intents/src/consumers/ledger-transactions';
import { settlementsSubscription } from '../../../../services/intents/src/consumers/settlements';
import { paymentIntent } from '../../../../services/intents/src/domain/payment-intent';
import { providerPayment } from '../../../../services/intents/src/domain/provider-payment';
import { receiptPolicy } from '../../../../services/intents/src/domain/receipt-policy';
import type { Deadlines, Owner } from '../../../../services/intents/src/ports';
import { faultsOf, token, type Composition, type Parts, type Product } from './product';

type Row = Owner & { readonly status: string; readonly expiresAt: string };

export function composeIntents({ world, network, settings }: Product, parts: Parts): Composition {
  const { owner, store, now, logger, onFatal } = parts;
  const intents = commandHandler(paymentIntent, intentEvents, store);
  const payments = commandHandler(providerPayment, paymentEvents, store);
  const policyOf = policiesOf(commandHandler(receiptPolicy, receiptPolicyEvents, store));
  const chainWatcher = callClient({
    baseUrl: '',
    token,
    post: (path, body, correlation) => network.post(owner, 'chain-watcher')(path, { ...correlation, body }),
  });
  const watcher = {
    allocateAddress: (request: Parameters<typeof chainWatcher<typeof allocateAddress>>[1]) =>
      chainWatcher(allocateAddress, request),
    async depositsOf(references: readonly string[]) {
      const outcome = await chainWatcher(depositsOf, { references: [...references] });
      return outcome.ok ? outcome.value.deposits : [];
    },
  };
  const create = createIntent({ intents, ...watcher, policyOf, now, ttlMs: settings.intentTtlMs });
  const answer = callServer(
    [onCall(createIntentCall, create), onCall(getIntentCall, getIntent(intents))],
    faultsOf(world, owner),
  );
  return {
    components: [
      readModel(parts),
      createConsumer(parts, depositsSubscription(intents, policyOf)),
      createConsumer(parts, ledgerTransactionsSubscription(intents, bookPayment(payments), policyOf)),
      createConsumer(parts, settlementsSubscription(intents)),
      dueWorker({
        name: 'expiry of intents',
        pass: expireDueIntents({ intents, deadlines: deadlinesOf(parts), ...watcher, policyOf, now }),
        now,
        logger,
        onFatal,
      }),
      createRelay(parts, { name: 'intents', map: publishedEvents }),
    ],
    serve: () => network.serve('intents', { owner, answer }),
  };
}

function readModel(parts: Parts) {
  return createSubscription({
    ...parts,
    name: 'intents_v1',
    async handle(tx, events) {
      const changes = events.map((event) => intentEvents.decode(event)).flatMap(({ change }) => change ?? []);
      await parts.database.ask(tx, 'project intents', (rows) => {
        for (const { intentId, tenantId, mode, status, expiresAt } of changes)
          rows.put('intents', intentId, { tenantId, mode, status, expiresAt } satisfies Row);
      });
    },
  });
}

/** As the queries of `projections/intents.ts`. */
function deadlinesOf({ database, pool }: Parts): Deadlines {
  const open = (rows: { all<R>(table: string): readonly (readonly [string, R])[] }) =>
    rows
      .all<Row>('intents')
      .filter(([, { status }]) => status === 'pending' || status === 'partially_paid')
      .map(([intentId, { tenantId, mode, expiresAt }]) => ({
        intentId,
        tenantId,
        mode,
        expiresAt: new Date(expiresAt),
      }))
      .toSorted((a, b) => a.expiresAt.getTime() - b.expiresAt.getTime() || (a.intentId < b.intentId ? -1 : 1));
  return {
    due: (now, from, limit) =>
      database.ask(pool, 'due intents', (rows) => {
        const due = open(rows).filter(({ expiresAt }) => expiresAt <= now);
        const after = from === null ? 0 : due.findIndex(({ intentId }) => intentId === from.intentId) + 1;
        return due.slice(after, after + limit);
      }),
    next: (now) =>
      database.ask(
        pool,
        'next deadline',
        (rows) => open(rows).find(({ expiresAt }) => expiresAt > now)?.expiresAt ?? null,
      ),
  };
}
