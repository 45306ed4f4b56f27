import { generateSigningKey, parseSigningKey, signCheckpoint } from '@daybook/proof';
import { ledgerStatus } from './status';

const key = parseSigningKey(generateSigningKey());
const at = (seconds: number) => new Date(Date.UTC(2026, 1, 11, 10, 0, seconds)).toISOString();

/** A book of events, a second apart, at half past the minute. `C` records the checkpoint, which covers the first `size`. */
async function bookOf(types: string, size: number, signingDelayMs: number | null) {
  const events = [...types].map((type, index) => ({
    type: type === 'C' ? 'CheckpointSigned' : 'TransactionPosted',
    payload: Buffer.from(JSON.stringify({ at: at(index) })),
  }));
  const content = { origin: 'o', size, root: Buffer.alloc(32), head: '0'.repeat(64), time: at(0), nextKey: null };
  const latest = () => ({ ...signCheckpoint(content, key), size, sequence: types.indexOf('C'), changesKey: false });
  const outcome = await ledgerStatus({
    books: [
      {
        mode: 'live',
        read: async (from, to) => events.slice(from, to),
        length: async () => events.length,
        table: {
          latest: async () => (size === 0 ? null : latest()),
          firstCovering: async () => null,
          within: async () => [],
          keyChanges: async () => [],
        },
      },
    ],
    readers: async () => [],
    signingDelayMs,
    now: () => new Date(at(30)),
  })();
  if (!outcome.ok) throw new Error('no status');
  return outcome.value.books[0];
}

test.each([
  ['there is nothing', '', 0, 10_000, 0],
  ['all is signed', 'EEEC', 3, 10_000, 0],
  ['the first event has waited as long as it may', 'E', 0, 30_000, 0],
  ['it has waited longer', 'E', 0, 29_999, 0.001],
  ['something came behind the checkpoint', 'EECEE', 2, 10_000, 17],
  ['something came before the checkpoint was recorded', 'EEEC', 2, 10_000, 18],
  ['nothing is signed here', 'EEE', 0, null, null],
])('when %s, it tells by how much signing is late', async (_when, types, size, delayMs, late) => {
  expect(await bookOf(types, size, delayMs)).toMatchObject({ events: types.length, signingLateS: late });
});
