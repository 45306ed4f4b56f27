/**
 * The ledger as its composition root has it, on the ports of the simulation: engines of both books with snapshots and
 * record index, transfers, expiry of holds, facts, signed checkpoints, the relay. Not its read models, jobs and checks,
 * which are SQL.
 */
import {
  acceptTransfer as acceptTransferCall,
  getBalance as getBalanceCall,
  issueFunds as issueFundsCall,
  openAccount as openAccountCall,
  operateBook as operateBookCall,
  operateBookInBulk as operateBookInBulkCall,
} from '@daybook/contracts';
import type { StoredEvent } from '@daybook/event-store';
import { callServer, onCall } from '@daybook/http';
import { createConsumer, createRelay } from '@daybook/messaging';
import { parseSigningKey } from '@daybook/proof';
import { bookJournal } from '../../../../services/ledger/src/adapters/book-journal';
import { provenBook } from '../../../../services/ledger/src/adapters/proven-books';
import { publishedBy } from '../../../../services/ledger/src/adapters/published-events';
import { decodeBookEvent } from '../../../../services/ledger/src/adapters/stored-events';
import type { treeTable } from '../../../../services/ledger/src/adapters/tree-table';
import { acceptTransfer } from '../../../../services/ledger/src/app/accept-transfer';
import { createBooks, streamOf } from '../../../../services/ledger/src/app/books';
import { createCheckpoints } from '../../../../services/ledger/src/app/checkpoints';
import { getBalance } from '../../../../services/ledger/src/app/get-balance';
import { createHoldExpiry } from '../../../../services/ledger/src/app/hold-expiry';
import { issueFunds } from '../../../../services/ledger/src/app/issue-funds';
import type { RecordedCheckpoint } from '../../../../services/ledger/src/app/journal-tree';
import type { Notes } from '../../../../services/ledger/src/app/notes';
import { openAccount } from '../../../../services/ledger/src/app/open-account';
import { operateBook, operateBookInBulk } from '../../../../services/ledger/src/app/operate-book';
import { postFact } from '../../../../services/ledger/src/app/post-fact';
import { transferConfirmation } from '../../../../services/ledger/src/app/transfer-confirmation';
import { intentsSubscription } from '../../../../services/ledger/src/consumers/intents';
import { settlementsSubscription } from '../../../../services/ledger/src/consumers/settlements';
import { bookMemoryOf } from '../../../../services/ledger/test/simulation/book-tables';
import { faultsOf, type Composition, type Parts, type Product } from './product';

/** Always the same: it gets into checkpoints, so into hashes and ids of events, and a seed is one run in every process. */
export const signingKey = parseSigningKey(Buffer.alloc(32, 7).toString('base64'));

export function composeLedger(product: Product, parts: Parts): Composition {
  const { world, network, settings, places } = product;
  const { owner, store, now, logger, onFatal } = parts;
  const { batchMax, queueMax, checkpointEvents } = settings.book;
  const memories = new Map(
    Object.entries(product.books).map(([stream, tables]) => [
      stream,
      bookMemoryOf(world, places.ledger.log, owner, { tables, sizes: settings.book }),
    ]),
  );
  const books = createBooks({
    openJournal: (stream) => bookJournal(store, stream, memories.get(stream), owner.name),
    onAppend: (wake) => store.onAppend(wake),
    now,
    logger,
    onFatal,
    batchMax,
    queueMax,
  });
  const post = postFact(books);
  const decode = (stored: StoredEvent) => decodeBookEvent(stored).event;
  const proven = provenBook(
    { pool: parts.pool, tableOf: (mode) => treeOf(parts, streamOf(mode)), store, books, origin: 'simulated' },
    'sandbox',
  );
  const checkpoints = createCheckpoints({
    books: [proven],
    key: signingKey,
    formerKey: null,
    eventsMax: checkpointEvents,
    delayMs: 2_000,
    now,
    logger,
    onFatal,
  });
  const answer = callServer(
    [
      onCall(openAccountCall, openAccount(books)),
      onCall(issueFundsCall, issueFunds(books)),
      onCall(acceptTransferCall, acceptTransfer({ books, notes: noNotes })),
      onCall(getBalanceCall, getBalance(books)),
      onCall(operateBookCall, operateBook({ books, now })),
      onCall(operateBookInBulkCall, operateBookInBulk({ books, now })),
    ],
    faultsOf(world, owner),
  );
  return {
    components: [
      books,
      transferConfirmation({ ...parts, books, decode }),
      createHoldExpiry({ books, now, logger, onFatal }),
      createConsumer(parts, intentsSubscription(post)),
      createConsumer(parts, settlementsSubscription(post)),
      createRelay(parts, { name: 'ledger', map: publishedBy(decode) }),
      checkpoints,
    ],
    serve: () => network.serve('ledger', { owner, answer }),
  };
}

/** Words of persons are encrypted by keys in SQL; nobody here writes any. */
const noNotes: Notes = {
  digest: () => '',
  encrypt: () => Promise.reject(new Error('no notes in the simulation')),
} as unknown as Notes;

type Tree = ReturnType<typeof treeTable>;

/** As `tree-table.ts`: rows are added once. */
function treeOf({ database, pool }: Parts, stream: string): Tree {
  const [nodes, signed] = [`nodes ${stream}`, `signed ${stream}`];
  const checkpoints = (what: string, choose: (all: readonly RecordedCheckpoint[]) => readonly RecordedCheckpoint[]) =>
    database.ask(pool, what, (rows) =>
      choose(
        rows
          .all<RecordedCheckpoint>(signed)
          .map(([, row]) => row)
          .toSorted((a, b) => a.size - b.size),
      ),
    );
  return {
    count: (level) =>
      database.ask(
        pool,
        'count nodes',
        (rows) => rows.all(nodes).filter(([key]) => key.startsWith(`${level} `)).length,
      ),
    hashes: (level, from, to) =>
      database.ask(pool, 'read nodes', (rows) =>
        Array.from({ length: to - from }, (_, index) => rows.get<Buffer>(nodes, `${level} ${from + index}`)!),
      ),
    add: (added, recorded) =>
      database.ask(pool, `add ${added.length} nodes, ${recorded.length} checkpoints`, (rows) => {
        for (const { level, index, hash } of added)
          if (rows.get(nodes, `${level} ${index}`) === undefined) rows.put(nodes, `${level} ${index}`, hash);
        for (const one of recorded)
          if (rows.get(signed, `${one.size}`) === undefined) rows.put(signed, `${one.size}`, one);
      }),
    latest: async () => (await checkpoints('latest checkpoint', (all) => all)).at(-1) ?? null,
    firstCovering: async (size) =>
      (await checkpoints('covering', (all) => all.filter((one) => one.size >= size)))[0] ?? null,
    within: (from, to) => checkpoints('within', (all) => all.filter(({ size }) => size >= from && size <= to)),
    keyChanges: (upTo) =>
      checkpoints('keys', (all) => all.filter(({ size, changesKey }) => changesKey && size <= upTo)),
  };
}
