import { apply, emptyBook, type BookState } from '../domain/book-state';
import { captureState, hashOfState, restoreState, snapshotParts } from './book-snapshot';

const tenantId = '11111111-1111-4111-8111-111111111111';

function bookWith(metadata: Readonly<Record<string, string>>): BookState {
  const state = emptyBook();
  const fields = { tenantId, asset: 'TXC', accountType: 'asset', floor: null, ceiling: null } as const;
  apply(
    state,
    {
      type: 'AccountOpened',
      accountId: `acct:${tenantId}:cash`,
      ...fields,
      metadata,
      rule: null,
      at: '2026-01-01T00:00:00.000Z',
    },
    { sequence: 0, reference: `0x${'0'.repeat(64)}` },
  );
  return state;
}

async function restored(state: BookState): Promise<BookState> {
  const parts: Buffer[] = [];
  for await (const part of snapshotParts(captureState(state, ''), async () => undefined)) parts.push(part);
  return restoreState(parts);
}

test.each([
  { $n: '1' },
  { $n: 'one' },
  { $m: 'x' },
  { $s: '' },
  { $o: 'y', other: 'z' },
  JSON.parse('{"__proto__":"p"}') as Record<string, string>,
])('what a caller called %j is the same after a snapshot', async (metadata) => {
  const state = bookWith(metadata);
  const again = await restored(state);
  expect(again).toEqual(state);
  const [account] = again.accounts.values();
  expect(JSON.stringify(account!.metadata)).toBe(JSON.stringify(metadata));
  expect(await hashOfState(captureState(again, ''))).toBe(await hashOfState(captureState(state, '')));
});
