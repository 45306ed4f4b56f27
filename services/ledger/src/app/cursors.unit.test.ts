import type { AuditBalances } from './audit-balances';
import { statement } from './audit-balances';
import { entriesPage, holdsPage, lineagePage, rejectionsPage, transactionsPage, type AuditLists } from './audit-lists';
import type { Books } from './books';
import { cursorOf, keyOf, listOf, sequenceOf } from './cursor';
import { jobCalls } from './job-calls';
import type { Jobs } from './jobs';
import { listAccounts } from './list-accounts';
import { listTransactions } from './list-transactions';
import { listTransfers } from './list-transfers';

const at = '2026-02-11T10:00:00.000Z';
const progress = { done: 0, total: null };
const row = { accountId: 'a', postedAt: at, effectiveAt: at, placedAt: at, placedSequence: 7, at, sequence: 7 };
const rows = [1, 2].map(() => ({
  ...row,
  kind: 'check',
  number: 7n,
  parameters: {},
  progress,
  entryIndex: 0,
  acceptedSequence: 7n,
  entry: { postedAt: at, accountVersion: 7 },
  transfer: { note: null },
}));
const watermark = { sequence: 9, at };
/** Every list has two rows, so that a page of one has a next one. */
const found = {
  entries: rows,
  transactions: rows,
  hops: rows,
  holds: rows,
  rejections: rows,
  accounts: rows,
  watermark,
};
const find = async () => found as never;

const lists: AuditLists = {
  findEntries: find,
  findTransactions: find,
  findLineage: find,
  findHolds: find,
  findRejections: find,
};
const knowsTimeZone = async () => true;
const balances = { knowsTimeZone, findStatement: find } as Partial<AuditBalances> as AuditBalances;
const books = { of: () => ({ read: async () => true }) } as unknown as Books;
const jobs = { list: async () => rows } as unknown as Jobs;

const reader = { mode: 'sandbox', tenantId: 'tenant-1' } as const;
const clocks = { asOf: null, knownAt: null };
const ranges = { effectiveFrom: null, effectiveTo: null, recordedFrom: null, recordedTo: null };
const period = { from: '2026-02-01', to: '2026-03-01', timeZone: 'UTC', knownAt: null };

type Answer = (request: never) => Promise<{ ok: boolean; value?: { nextCursor: string | null }; rejection?: string }>;
type Filters = Readonly<Record<string, unknown>>;

/** How each list is asked, with every filter that it has. */
const kinds: Readonly<Record<string, readonly [answer: unknown, filters: Filters]>> = {
  entries: [entriesPage(lists), { ...reader, accountId: null, ...clocks, ...ranges, metadata: {} }],
  transactions: [
    transactionsPage(lists),
    { ...reader, transactionId: null, subject: null, subjects: ['T'], accountId: null, ...ranges, metadata: {} },
  ],
  lineage: [lineagePage(lists), { ...reader, accountId: 'a' }],
  holds: [holdsPage(lists), { ...reader, accountId: null, status: null, metadata: {} }],
  rejections: [rejectionsPage(lists), { ...reader, rejection: null }],
  accounts: [listAccounts(find), { ...reader, asset: null, metadata: {} }],
  statement: [statement(balances), { ...reader, accountId: 'a', ...period }],
  'transactions of a subject': [listTransactions(async () => rows as never), { ...reader, subject: null }],
  transfers: [
    listTransfers({ books, notes: { decrypt: async () => null } as never, find: async () => rows as never }),
    { ...reader, accountId: 'a' },
  ],
  jobs: [jobCalls(jobs).listJobs, { mode: 'sandbox', kind: 'check' }],
};

const ask = (kind: string, filters: Filters, cursor: string | null, limit = 1) =>
  (kinds[kind]![0] as Answer)({ ...filters, limit, cursor } as never);

async function nextOf(kind: string): Promise<string> {
  const answer = await ask(kind, kinds[kind]![1], null);
  if (!answer.ok || !answer.value?.nextCursor) throw new Error(`${kind} has no second page: ${answer.rejection}`);
  return answer.value.nextCursor;
}

/** Another value that the filter can have. */
const others: Filters = {
  mode: 'live',
  tenantId: null,
  accountId: 'b',
  asset: 'INR',
  status: 'open',
  rejection: 'period_closed',
  transactionId: 'T',
  subject: 'S',
  subjects: ['S'],
  metadata: { order: '17' },
  kind: 'replay',
  asOf: at,
  knownAt: at,
  effectiveFrom: at,
  effectiveTo: at,
  recordedFrom: at,
  recordedTo: at,
  from: '2026-02-02',
  to: '2026-03-02',
  timeZone: 'Europe/Berlin',
};

const refused = { ok: false, rejection: 'cursor_invalid' };
const cases = Object.entries(kinds).flatMap(([kind, [, filters]]) => Object.keys(filters).map((name) => [kind, name]));

test.each(Object.keys(kinds))('a cursor of %s is taken there, also for pages of another length', async (kind) => {
  const [, filters] = kinds[kind]!;
  expect(await ask(kind, filters, await nextOf(kind), 50)).toMatchObject({ ok: true });
});

test.each(Object.keys(kinds))('a cursor of %s is refused by every other list', async (kind) => {
  const cursor = await nextOf(kind);
  for (const other of Object.keys(kinds).filter((name) => name !== kind))
    expect([other, await ask(other, kinds[other]![1], cursor)]).toEqual([other, refused]);
});

test.each(cases)('a cursor of %s is refused with another %s', async (kind, name) => {
  const [, filters] = kinds[kind]!;
  expect(others).toHaveProperty(name);
  expect(await ask(kind, { ...filters, [name]: others[name] }, await nextOf(kind))).toEqual(refused);
});

test('names of metadata in another order are the same list', () => {
  const page = { cursor: null, limit: 1 };
  const list = listOf('accounts', { ...page, metadata: { a: '1', b: '2' } } as never);
  expect(listOf('accounts', { ...page, metadata: { b: '2', a: '1' } } as never)).toBe(list);
  expect(listOf('accounts', { ...page, metadata: { a: '2', b: '1' } } as never)).not.toBe(list);
});

test('lists of two kinds that are asked for alike are two lists', () => {
  const page = { cursor: null, limit: 1 };
  expect(listOf('lineage', page)).not.toBe(listOf('transfers', page));
});

describe('a text that is not a cursor of the list', () => {
  const list = listOf('accounts', { cursor: null, limit: 1 });

  test.each(['garbage', '', `${cursorOf(list, 'a')}=`, cursorOf(list, ''), cursorOf(list, 'a\0b')])(
    'has no key: %j',
    (cursor) => expect(keyOf(list, cursor)).toBeUndefined(),
  );

  test.each(['01', '-1', 'a', '1 2', '1234567890123456789'])('has no sequence: %j', (key) => {
    expect(sequenceOf(list, cursorOf(list, key))).toBeUndefined();
    expect(sequenceOf(list, cursorOf(list, '17'))).toBe(17n);
  });
});

/** A moment that the schema of a timestamp takes, and no table. */
const early = '0000-01-01T00:00:00.000Z';

test.each(['entries', 'transactions', 'lineage', 'holds', 'rejections'])(
  'a cursor of %s whose time no table can hold is refused',
  async (kind) => {
    const cursor = await nextOf(kind);
    const changed = Buffer.from(cursor, 'base64url').toString('utf8').replace(at, early);
    expect(await ask(kind, kinds[kind]![1], Buffer.from(changed).toString('base64url'))).toEqual(refused);
  },
);

test.each([
  [early, at],
  [at, early],
])('a cursor of a statement with %s and %s is refused', async (knownAt, effectiveAt) => {
  const [, filters] = kinds.statement!;
  const [list] = Buffer.from(await nextOf('statement'), 'base64url')
    .toString('utf8')
    .split(' ');
  const cursor = cursorOf(list!, `${knownAt} 9 ${effectiveAt} 7 0`);
  expect(await ask('statement', filters, cursor)).toEqual(refused);
});
