import type { BookEvent } from '../domain/book-events';
import { authorOf, identify, seal, sealedPool } from './sealed-events';
import { genesisHash } from './stored-events';

const batches = sealedPool();
const metadata = { correlationId: 'c', causationId: 'c' };
const closed = (closeId: string): BookEvent => ({
  type: 'PeriodClosed',
  closeId,
  contentHash: 'a'.repeat(64),
  through: '2026-01-31T23:59:59.999Z',
  openFrom: '2026-02-01T00:00:00.000Z',
  actor: 'operator',
  at: '2026-02-02T00:00:00.000Z',
});

/** Both halves of each id of an append of these events. */
function idsOf(author: string, closeIds: readonly string[]): readonly (readonly [string, string])[] {
  const sealed = batches.begin();
  let last: string = genesisHash;
  for (const closeId of closeIds) last = seal(sealed, closed(closeId), last, metadata);
  identify(sealed, authorOf(author));
  return Array.from(sealed.columns, ({ id }) => [id.slice(0, 18), id.slice(19)] as const);
}

test('the first half of an id is of its event, and the second of its append and author', () => {
  const [first, second] = idsOf('a', ['one', 'two']);
  expect(idsOf('a', ['one', 'two'])).toEqual([first, second]);
  expect(second![0]).not.toBe(first![0]);
  expect(second![1]).toBe(first![1]);
  const [alone] = idsOf('a', ['one']);
  expect([alone![0], alone![1] === first![1]]).toEqual([first![0], false]);
  const [others] = idsOf('b', ['one', 'two']);
  expect([others![0], others![1] === first![1]]).toEqual([first![0], false]);
  for (const [event, append] of [first!, second!, alone!, others!])
    expect(`${event}-${append}`).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
});
