import { apply, emptyBook, type BookState } from '../domain/book-state';
import { captureState, hashOfState, restoreState, snapshotParts } from './book-snapshot';

const tenantId = '11111111-1111-4111-8111-111111111111';

function bookWith(metadata: Readonly<Record<string, string>>): BookState {
  const state = emptyBook();
  const fields = { tenantId, accountId: `acct:${tenantId}:cash`, asset: 'TXC', metadata } as const;
  const [at, reference] = ['2026-01-01T00:00:00.000Z', `0x${'0'.repeat(64)}`];
  const account = { accountType: 'asset', floor: null, ceiling: null } as const;
  apply(
    state,
    { type: 'AccountOpened', ...fields, ...account, rule: null, actor: null, at },
    { sequence: 0, reference },
  );
  const hold = { holdId: 'H', contentHash: '', amount: 1n, expiresAt: null, actor: 'till-3' };
  apply(state, { type: 'HoldPlaced', ...fields, ...hold, at }, { sequence: 1, reference });
  return state;
}

async function partsOf(state: BookState): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  for await (const part of snapshotParts(captureState(state, ''), async () => undefined)) parts.push(part);
  return parts;
}

const restored = async (state: BookState) => restoreState(await partsOf(state));

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
  const subject = again.records.get('H')?.subject;
  expect(subject).toMatchObject({ type: 'hold', actor: 'till-3' });
  expect(JSON.stringify(subject?.type === 'hold' && subject.metadata)).toBe(JSON.stringify(metadata));
  expect(await hashOfState(captureState(again, ''))).toBe(await hashOfState(captureState(state, '')));
});

test('a snapshot of the format before, whose holds have no metadata, is not read', async () => {
  const [first, ...others] = await partsOf(bookWith({ order: '17' }));
  const before = Buffer.from(first!.toString().replace(/"format":\d+/, '"format":1'));
  expect(() => restoreState([before, ...others])).toThrow('a snapshot of format 1');
});
