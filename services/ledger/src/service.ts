import { join } from 'node:path';
import { mode as modeSchema, type Mode } from '@daybook/contracts';
import {
  createGenerations,
  createPersonalData,
  decodedOnce,
  openDatabase,
  postgresEventStore,
  tablesOf,
  type EventStore,
  type Projections,
} from '@daybook/event-store';
import { parseSigningKey } from '@daybook/proof';
import { callTokens, type Clock, type Component, type Logger, type Secret, type Service } from '@daybook/runtime';
import { openPlatform, type Platform, type PlatformOverrides } from '@daybook/service';
import type { Pool } from 'pg';
import { bookJournal } from './adapters/book-journal';
import { recordExamination, snapshotExamination, strayExamination } from './adapters/book-examinations';
import { bookMemory, type BookMemory } from './adapters/book-memory';
import { checkSource, lastCleanCheck } from './adapters/check-source';
import { jobTable } from './adapters/job-table';
import { keepCommandsYoung } from './adapters/process-heap';
import { findProvenTransaction, provenBook, readJournalReaders } from './adapters/proven-books';
import { publishedBy } from './adapters/published-events';
import { replayDifferences } from './adapters/replay-differences';
import { bookEventCodec } from './adapters/stored-events';
import { acceptTransfer } from './app/accept-transfer';
import { checkJob } from './app/check/check-job';
import { checkMetrics } from './app/check/check-metrics';
import { checkSchedule } from './app/check/check-schedule';
import { createBooks, streamOf, type Books } from './app/books';
import { createCheckpoints } from './app/checkpoints';
import { getBalance } from './app/get-balance';
import { getTransfer } from './app/get-transfer';
import { issueFunds } from './app/issue-funds';
import type { JobKind } from './app/job';
import { jobCalls } from './app/job-calls';
import { createHoldExpiry } from './app/hold-expiry';
import { createJobs, type Jobs } from './app/jobs';
import { listAccounts } from './app/list-accounts';
import { listTransactions } from './app/list-transactions';
import { listTransfers } from './app/list-transfers';
import { createNotes, type Notes } from './app/notes';
import { openAccount } from './app/open-account';
import { postFact } from './app/post-fact';
import { releaseFor } from './app/release-for';
import type { ProofDeps } from './app/proofs';
import { replayJob } from './app/replay';
import { reverseTransfer } from './app/reverse-transfer';
import { setAccountFrozen } from './app/set-account-frozen';
import { ledgerStatus } from './app/status';
import { treeExamination } from './app/tree-examination';
import { transferConfirmation } from './app/transfer-confirmation';
import type { Config } from './config';
import { intentsSubscription } from './consumers/intents';
import { institutionTransfersSubscription } from './consumers/institution-transfers';
import { paymentsSubscription } from './consumers/payments';
import { sendsSubscription } from './consumers/sends';
import { settlementsSubscription } from './consumers/settlements';
import { auditCalls } from './http/audit-calls';
import { bookCalls } from './http/book-calls';
import { ledgerCalls, type LedgerCalls } from './http/calls';
import { proofCalls } from './http/proof-calls';
import { findAccounts } from './projections/accounts';
import { auditBalances } from './projections/audit-balances';
import { auditLists } from './projections/audit-lists';
import { ledgerReadModels } from './projections/read-models';
import { findTransactions } from './projections/transactions';
import { findTransfer, findTransfers } from './projections/transfers';

export type Overrides = PlatformOverrides & {
  /** Puts something between the books and their store. */
  readonly wrapStore: (store: EventStore) => EventStore;
};

/** Connections of long work: two that keep locks, the worker's and the read models', and what a job reads and writes with. */
const jobPoolMax = 8;

const migrations = join(__dirname, '../migrations');

/** Composition root: the only file that knows which adapter stands behind which port. */
export function createService(config: Config, overrides: Partial<Overrides> = {}): Service {
  keepCommandsYoung();
  const platform = openPlatform(config, { name: 'ledger', migrations }, overrides);
  const { pool, consumerPool, store, now, logger, onFatal } = platform;
  const journal = overrides.wrapStore?.(store) ?? store;
  const memories = bookMemories(config, pool, logger);
  const books = createBooks({
    openJournal: (stream) => bookJournal(journal, stream, memories.get(stream)),
    onAppend: (wake) => journal.onAppend(wake),
    now,
    logger,
    onFatal,
    batchMax: config.BATCH_MAX,
    queueMax: config.QUEUE_MAX,
  });
  const jobPool = openDatabase({
    url: config.DATABASE_URL,
    schema: 'ledger',
    poolMax: jobPoolMax,
    onError: (error) => logger.warn({ error }, 'idle database connection of the jobs lost'),
  });
  // Read models, relay and confirmation get the same events.
  const decode = decodedOnce(bookEventCodec.decode);
  const projections = createGenerations({
    ...ledgerReadModels,
    pool,
    buildPool: jobPool,
    store,
    codec: { ...bookEventCodec, decode },
    logger,
    onFatal,
  });
  const personalData = createPersonalData({ pool, masterKey: config.PERSONAL_DATA_KEY, now });
  const notes = createNotes(personalData, config.PERSONAL_DATA_KEY);
  const proofs = proofsOf(config, platform, { books, projections });
  const check = checkOf(config, platform, { jobPool, memories, trees: proofs.books });
  const differences = replayDifferences(tablesOf(ledgerReadModels.projections));
  const kinds: readonly JobKind[] = [check, replayJob({ generations: projections, differences })];
  const jobs = createJobs({ table: jobTable(jobPool), kinds, now, logger, onFatal });
  const [intervalS, fullEvery] = [config.CHECK_INTERVAL_S, config.CHECK_FULL_EVERY];
  const tokens = callTokens(config);
  const calls = ledgerCalls(tokens, useCases({ books, notes, pool, projections, jobs, now }));
  const audits = auditCalls(tokens, {
    balances: auditBalances(pool),
    lists: auditLists(pool),
    fresh: () => projections.caughtUp(),
  });
  const post = postFact(books);

  return platform.service({
    components: [
      connections(jobPool),
      books,
      projections,
      transferConfirmation({ pool: consumerPool, store, books, decode, logger, onFatal }),
      createHoldExpiry({ books, now, logger, onFatal }),
      platform.consumer(intentsSubscription(post)),
      platform.consumer(paymentsSubscription(post)),
      platform.consumer(sendsSubscription(post)),
      platform.consumer(institutionTransfersSubscription(post, releaseFor(books))),
      platform.consumer(settlementsSubscription(post)),
      platform.relay({ name: 'ledger', map: publishedBy(decode) }),
      jobs,
      checkSchedule({ jobs, intervalS, fullEvery, now, logger, onFatal }),
      proofs.checkpoints,
    ],
    routes: (app) => app.use(calls).use(bookCalls(tokens, { books, now })).use(audits).use(proofs.calls),
    notReady: () => (books.ready() ? undefined : 'the books are not open'),
  });
}

/** By stream. They outlast the journals, which are opened again after a conflict. */
function bookMemories(config: Config, pool: Pool, logger: Logger): ReadonlyMap<string, BookMemory> {
  const settings = {
    pool,
    logger,
    recordsMax: config.RECORDS_MAX,
    snapshotEvery: config.SNAPSHOT_EVENTS,
    filterBytes: config.RECORD_FILTER_MIB * 1_048_576,
  };
  return new Map(modeSchema.options.map((mode) => [streamOf(mode), bookMemory(streamOf(mode), settings)]));
}

/** Signed checkpoints of the books, and the proofs and exports that stand on them. */
function proofsOf(
  config: Config,
  { pool, store, now, logger, onFatal }: Platform,
  { books, projections }: Pick<Reading, 'books' | 'projections'>,
) {
  const keyOf = (secret: Secret | undefined) => (secret === undefined ? null : parseSigningKey(secret.reveal()));
  const key = keyOf(config.CHECKPOINT_SIGNING_KEY);
  const deps = { pool, store, books, origin: config.CHECKPOINT_ORIGIN };
  const proven = new Map(modeSchema.options.map((mode) => [mode, provenBook(deps, mode)]));
  const bookOf = (mode: Mode) => proven.get(mode)!;
  const findTransaction: ProofDeps['findTransaction'] = async (query) => {
    await projections.caughtUp();
    return findProvenTransaction(pool, query);
  };
  return {
    books: [...proven.values()],
    calls: proofCalls(callTokens(config), {
      bookOf,
      findTransaction,
      signer: key?.publicKey ?? null,
      status: ledgerStatus({
        books: [...proven.values()],
        readers: () => readJournalReaders(pool),
        signingDelayMs: key === null ? null : config.CHECKPOINT_DELAY_MS,
        now,
      }),
    }),
    checkpoints: createCheckpoints({
      books: [...proven.values()],
      key,
      formerKey: keyOf(config.CHECKPOINT_FORMER_KEY),
      eventsMax: config.CHECKPOINT_EVENTS,
      delayMs: config.CHECKPOINT_DELAY_MS,
      now,
      logger,
      onFatal,
    }),
  };
}

type Checked = {
  readonly jobPool: Pool;
  readonly memories: ReadonlyMap<string, BookMemory>;
  readonly trees: Parameters<typeof treeExamination>[0];
};

/** The check of everything that is made from the journal. */
function checkOf(config: Config, platform: Platform, { jobPool, memories, trees }: Checked): JobKind {
  const { metrics, now, logger } = platform;
  // Long reads of the journal take no connection that requests wait for.
  const store = config.EVENT_STORE === 'eventstoredb' ? platform.store : postgresEventStore(jobPool);
  const kept = {
    store,
    pool: jobPool,
    memories: new Map(modeSchema.options.map((mode) => [mode, memories.get(streamOf(mode))!])),
  };
  return checkJob({
    source: checkSource({ pool: jobPool, store }),
    lastClean: () => lastCleanCheck(jobPool),
    clearingDeadlineS: config.CLEARING_DEADLINE_S,
    examinations: [
      treeExamination(trees),
      snapshotExamination(kept),
      recordExamination(kept),
      strayExamination(jobPool),
    ],
    metrics: checkMetrics(metrics),
    now,
    logger,
  });
}

/** Long work must not take the connections that requests wait for, so it has its own. */
function connections(pool: Pool): Component {
  return { name: 'job connections', start: async () => undefined, stop: () => pool.end() };
}

type Reading = {
  readonly books: Books;
  readonly notes: Notes;
  readonly pool: Pool;
  readonly projections: Projections;
  readonly jobs: Jobs;
  readonly now: Clock;
};

/** Reads of the read models wait for what was answered before: clients see their own writes. */
function useCases({ books, notes, pool, projections, jobs, now }: Reading): LedgerCalls {
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
    reverseTransfer: reverseTransfer({ books, now }),
    getBalance: getBalance(books),
    listAccounts: listAccounts(caughtUp(findAccounts)),
    setAccountFrozen: setAccountFrozen({ books, now }),
    listTransactions: listTransactions(caughtUp(findTransactions)),
    ...jobCalls(jobs),
  };
}
