import { memoryEventStore, type EventStore } from '@daybook/event-store';
import { alice, dated, entriesOf, hashOf, opened, posted, wallet } from '../../test/check-history';
import { issuanceAccount } from '../domain/account';
import { bookJournal } from './book-journal';
import { refoldBook } from './book-refold';

const stream = 'book-sandbox';
const batch = 10;
const postings = 200;

const held = {
  type: 'HoldPlaced',
  holdId: 'hold',
  contentHash: hashOf('hold'),
  tenantId: null,
  accountId: 'wallet',
  asset: 'TXC',
  amount: 1n,
  expiresAt: null,
  metadata: null,
  actor: 'operator',
} as const;
const funding = posted('funding', entriesOf('issuance:TXC', 'wallet', 1n));

/** A book whose hold is placed at its begin and stays open, read some events at a time. */
async function longBook() {
  const store = memoryEventStore();
  const ids = Array.from({ length: postings }, (_, index) => `posting-${index}`);
  const events = dated([
    opened(issuanceAccount('TXC')),
    opened(wallet('wallet', alice)),
    funding,
    held,
    ...ids.map((id) => posted(id, entriesOf('issuance:TXC', 'wallet', 1n))),
  ]);
  const journal = bookJournal(store, stream);
  const sealed = journal.begin();
  for (const event of events) journal.add([event], { correlationId: 'test', causationId: 'test' }, sealed);
  await journal.append(sealed);
  const read: number[] = [];
  const inBatches: EventStore = {
    ...store,
    async *scanStream(name, range) {
      for await (const all of store.scanStream(name, range)) {
        for (let from = 0; from < all.length; from += batch) {
          read.push(from);
          yield all.slice(from, from + batch);
        }
      }
    },
  };
  return { store: inBatches, length: events.length, journal, read };
}

test('a fold of a long book keeps what is open and the records of its last events', async () => {
  const { store, length, journal } = await longBook();
  const { state, head } = await refoldBook(store, stream, length);
  expect([state.length, head]).toEqual([length, journal.head()]);
  expect(state.accounts).toEqual(journal.state.accounts);
  expect(state.records.get('hold')).toEqual(journal.state.records.get('hold'));
  expect([...journal.state.records]).toHaveLength(postings + 2);
  expect([...state.records].length).toBeLessThanOrEqual(2 * batch + 1);
});

test('a fold that was stopped reads no further', async () => {
  const { store, length, read } = await longBook();
  const stop = new AbortController();
  stop.abort(new Error('stopped'));
  await expect(refoldBook(store, stream, length, stop.signal)).rejects.toThrow('stopped');
  expect(read).toEqual([0]);
});
