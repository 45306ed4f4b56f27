import { statement, type AuditBalances } from './audit-balances';
import { entriesPage, holdsPage, lineagePage, rejectionsPage, transactionsPage, type AuditLists } from './audit-lists';
import { cursorOf } from './cursor';

const asked = async () => {
  throw new Error('the tables are asked');
};
const lists: AuditLists = {
  findEntries: asked,
  findTransactions: asked,
  findLineage: asked,
  findHolds: asked,
  findRejections: asked,
};
const balances = { findStatement: asked } as Partial<AuditBalances> as AuditBalances;

const reader = { mode: 'sandbox', tenantId: null, limit: 20 } as const;
const time = '2026-02-11T10:00:00.000Z';
/** A moment that the schema of a timestamp takes, and no table. */
const early = '0000-01-01T00:00:00.000Z';

test.each([
  ['entries', entriesPage(lists)],
  ['transactions', transactionsPage(lists)],
  ['lineage', lineagePage(lists)],
  ['holds', holdsPage(lists)],
  ['rejections', rejectionsPage(lists)],
])('a cursor of %s whose time no table can hold is refused', async (_name, answer) => {
  const ask = (postedAt: string) => answer({ ...reader, cursor: cursorOf(`${postedAt} 7 0`) } as never);
  expect(await ask(early)).toEqual({ ok: false, rejection: 'cursor_invalid' });
  await expect(ask(time)).rejects.toThrow('the tables are asked');
});

test.each([
  [early, time],
  [time, early],
])('a cursor of a statement with %s and %s is refused', async (knownAt, effectiveAt) => {
  const ask = (cursor: string) =>
    statement(balances)({
      ...reader,
      accountId: 'a',
      from: '2026-02-01',
      to: '2026-03-01',
      timeZone: 'UTC',
      knownAt: null,
      cursor,
    });
  expect(await ask(cursorOf(`${knownAt} 9 ${effectiveAt} 7 0`))).toEqual({ ok: false, rejection: 'cursor_invalid' });
  await expect(ask(cursorOf(`${time} 9 ${time} 7 0`))).rejects.toThrow('the tables are asked');
});
