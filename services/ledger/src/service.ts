import { join } from 'node:path';
import {
  createPersonalData,
  createProjections,
  eventStoreMigrations,
  migrate,
  openDatabase,
  postgresEventStore,
  type EventStore,
  type Projections,
  type StoredEvent,
} from '@daybook/event-store';
import { createApp, httpServer } from '@daybook/http';
import { createConsumer, createRelay, messagingMigrations, openTransport, type Transport } from '@daybook/messaging';
import {
  createLogger,
  createMetrics,
  inOrder,
  systemClock,
  type Clock,
  type Component,
  type Logger,
  type OnFatal,
  type Service,
} from '@daybook/runtime';
import type { Pool } from 'pg';
import { bookJournal } from './adapters/book-journal';
import { publishedEvents } from './adapters/published-events';
import { bookEventCodec, decodeBookEvent } from './adapters/stored-events';
import { acceptTransfer } from './app/accept-transfer';
import { createBooks, type Books } from './app/books';
import { getBalance } from './app/get-balance';
import { getTransfer } from './app/get-transfer';
import { issueFunds } from './app/issue-funds';
import { listAccounts } from './app/list-accounts';
import { listTransactions } from './app/list-transactions';
import { listTransfers } from './app/list-transfers';
import { createNotes, type Notes } from './app/notes';
import { openAccount } from './app/open-account';
import { postFact } from './app/post-fact';
import { reverseTransfer } from './app/reverse-transfer';
import { setAccountFrozen } from './app/set-account-frozen';
import { transferConfirmation } from './app/transfer-confirmation';
import type { Config } from './config';
import { intentsSubscription } from './consumers/intents';
import { settlementsSubscription } from './consumers/settlements';
import { ledgerCalls, type LedgerCalls } from './http/calls';
import { accountsProjection, findAccounts } from './projections/accounts';
import { entriesProjection } from './projections/entries';
import { findTransactions, transactionsProjection } from './projections/transactions';
import { findTransfer, findTransfers, transfersProjection } from './projections/transfers';

export type Overrides = {
  readonly now: Clock;
  readonly logger: Logger;
  /** Started and stopped by its owner. */
  readonly transport: Transport;
  readonly onFatal: OnFatal;
  /** Puts something between the books and their store. */
  readonly wrapStore: (store: EventStore) => EventStore;
};

const schema = 'ledger';

/** Composition root: the only file that knows which adapter stands behind which port. */
export function createService(config: Config, overrides: Partial<Overrides> = {}): Service {
  const logger = overrides.logger ?? createLogger({ service: schema, level: config.LOG_LEVEL });
  const onFatal = overrides.onFatal ?? ((error) => logger.fatal({ error }, 'the service cannot go on'));
  const now = overrides.now ?? systemClock;
  const metrics = createMetrics(schema);
  const { pool, consumerPool } = openPools(config, logger);
  const store = (overrides.wrapStore ?? ((plain) => plain))(postgresEventStore(pool));
  const transport = overrides.transport ?? transportOf(config, logger);

  const { BATCH_MAX: batchMax, QUEUE_MAX: queueMax } = config;
  const books = createBooks({
    openJournal: (stream) => bookJournal(store, stream),
    now,
    logger,
    onFatal,
    batchMax,
    queueMax,
  });
  const projections = ledgerProjections({ pool, store, logger, onFatal });
  const personalData = createPersonalData({ pool, masterKey: config.PERSONAL_DATA_KEY, now });
  const notes = createNotes(personalData, config.PERSONAL_DATA_KEY);
  const consumer = { pool: consumerPool, transport, logger, metrics, onFatal, now };
  const post = postFact(books);
  const decode = (stored: StoredEvent) => decodeBookEvent(stored).event;

  const app = createApp({
    logger,
    metrics,
    notReady: () => (books.ready() ? unanswered(pool) : 'the books are not open'),
    routes: (express) => express.use(ledgerCalls(config.INTERNAL_TOKEN, useCases({ books, notes, pool, projections }))),
  });
  const server = httpServer(app, { host: config.HTTP_HOST, port: config.HTTP_PORT });

  const parts = inOrder(schema, [
    database([pool, consumerPool], store),
    ...(overrides.transport === undefined ? [transport] : []),
    books,
    projections,
    transferConfirmation({ pool: consumerPool, store, books, decode, logger, onFatal }),
    createConsumer(consumer, intentsSubscription(post)),
    createConsumer(consumer, settlementsSubscription(post)),
    createRelay({ pool, store, transport, logger, metrics, onFatal }, { name: schema, map: publishedEvents }),
    server,
  ]);
  return {
    async start() {
      await parts.start();
      return { url: server.url };
    },
    stop: () => parts.stop(),
  };
}

type Reading = {
  readonly books: Books;
  readonly notes: Notes;
  readonly pool: Pool;
  readonly projections: Projections;
};

/** Reads of the read models wait for what was answered before: clients see their own writes. */
function useCases({ books, notes, pool, projections }: Reading): LedgerCalls {
  const caughtUp =
    <Query, Found>(find: (pool: Pool, query: Query) => Promise<Found>) =>
    async (query: Query): Promise<Found> => {
      await projections.caughtUp();
      return find(pool, query);
    };
  return {
    openAccount: openAccount(books),
    issueFunds: issueFunds(books),
    acceptTransfer: acceptTransfer({ books, notes }),
    getTransfer: getTransfer({ notes, find: caughtUp(findTransfer) }),
    listTransfers: listTransfers({ books, notes, find: caughtUp(findTransfers) }),
    reverseTransfer: reverseTransfer(books),
    getBalance: getBalance(books),
    listAccounts: listAccounts(caughtUp(findAccounts)),
    setAccountFrozen: setAccountFrozen(books),
    listTransactions: listTransactions(caughtUp(findTransactions)),
  };
}

function ledgerProjections(options: { pool: Pool; store: EventStore; logger: Logger; onFatal: OnFatal }): Projections {
  return createProjections({
    ...options,
    codec: bookEventCodec,
    name: 'ledger_v1',
    // `entries` takes the balances that `accounts` has just written.
    projections: [accountsProjection, transfersProjection, transactionsProjection, entriesProjection],
  });
}

/**
 * A consumer keeps its transaction open while its effect is appended on another connection. The two come from pools of
 * their own, so that consumers never wait for connections that only consumers hold.
 */
function openPools(config: Config, logger: Logger): { readonly pool: Pool; readonly consumerPool: Pool } {
  const onError = (error: Error) => logger.warn({ error }, 'idle database connection lost');
  const consumersMax = Math.floor(config.DATABASE_POOL_MAX / 2);
  const open = (poolMax: number) => openDatabase({ url: config.DATABASE_URL, schema, poolMax, onError });
  return { pool: open(config.DATABASE_POOL_MAX - consumersMax), consumerPool: open(consumersMax) };
}

function database(pools: readonly [Pool, ...Pool[]], store: EventStore): Component {
  const own = { name: schema, directory: join(__dirname, '../migrations') };
  return {
    name: 'database',
    start: () => migrate(pools[0], schema, [eventStoreMigrations, messagingMigrations, own]),
    async stop() {
      await store.close();
      await Promise.all(pools.map((pool) => pool.end()));
    },
  };
}

async function unanswered(pool: Pool): Promise<string | undefined> {
  return pool.query('select 1').then(
    () => undefined,
    () => 'the database does not answer',
  );
}

function transportOf(config: Config, logger: Logger): Transport {
  return openTransport({
    kind: config.MESSAGING,
    databaseUrl: config.DATABASE_URL,
    brokers: config.KAFKA_BROKERS,
    clientId: schema,
    logger,
  });
}
