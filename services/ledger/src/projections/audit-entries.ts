/** Pages of entries, and of what is behind each. */
import type { Pool } from 'pg';
import type { EntriesQuery, LineageQuery } from '../app/audit-lists';
import {
  entryColumns,
  entryOf,
  transactionColumns,
  transactionOfRow,
  type EntryRow,
  type TransactionRow,
} from './entry-rows';
import { markedRows, values } from './marked-rows';
import { rangeConditions } from './ranges';

/**
 * By the account's index, by the metadata's, by the tenant's or over the whole book; each of them is in the order of the
 * journal.
 */
export async function findEntries(pool: Pool, query: EntriesQuery) {
  const { mode, tenantId, accountId, asOf, knownAt, metadata, after, limit } = query;
  const { all, put } = values(mode);
  const byTenant = tenantId !== null && accountId === null && Object.keys(metadata).length === 0;
  // What all entries of a transaction have in common is asked of the one that the index finds.
  const row = byTenant ? 'f' : 'e';
  const where = ['e.mode = $1', ...rangeConditions(query, put, { row, indexed: accountId !== null })];
  if (accountId !== null) where.push(`e.account_id = ${put(accountId)}`);
  if (tenantId !== null) where.push(`e.tenant_id = ${put(tenantId)}`);
  if (byTenant) where.push(`f.mode = $1 and f.tenant_id = ${put(tenantId)} and f.first_of_tenant`);
  if (asOf !== null) where.push(`${row}.effective_at <= ${put(asOf)}`);
  if (knownAt !== null) where.push(`${row}.posted_at <= ${put(knownAt)}`);
  if (after !== null) {
    where.push(`${row}.posted_at >= ${put(after.postedAt)}`, `${row}.sequence >= ${put(after.sequence)}`);
    where.push(`(e.sequence, e.entry_index) > (${put(after.sequence)}, ${put(after.index)})`);
  }
  const pairs = Object.entries(metadata).map(([name, value], index) => {
    const m = `m${index}`;
    return `join transaction_metadata_v1 ${m} on ${m}.mode = $1 and ${m}.sequence = e.sequence
              and ${m}.name = ${put(name)} and ${m}.value = ${put(value)}`;
  });
  if (pairs.length > 0 && tenantId !== null) {
    // Whose metadata it is, may search by it.
    pairs.push(
      `join transaction_details_v1 d on d.mode = $1 and d.sequence = e.sequence and d.tenant_id = ${put(tenantId)}`,
    );
  }
  const from = byTenant
    ? 'entries_v1 f join entries_v1 e on e.mode = f.mode and e.sequence = f.sequence'
    : 'entries_v1 e';
  const order = accountId === null ? 'e.sequence, e.entry_index' : 'e.posted_at, e.account_version';
  const { rows, watermark } = await markedRows<EntryRow>(
    pool,
    `select ${entryColumns} from ${from} ${pairs.join(' ')}
     where ${where.join(' and ')} order by ${order} limit ${put(limit)}`,
    all,
  );
  return { entries: rows.map(entryOf), watermark };
}

type HopRow = EntryRow & TransactionRow & { account_posted: string; event_type: string; entry: boolean };

/** A row without an entry when the account has none, so that there is its balance. */
export async function findLineage(pool: Pool, { mode, tenantId, accountId, after, limit }: LineageQuery) {
  const { rows, watermark } = await markedRows<HopRow>(
    pool,
    `select a.posted as account_posted, x.sequence is not null as entry, x.*
     from accounts_v1 a
     left join lateral (
       select ${transactionColumns('$3')}, t.event_type, e.entry_index, e.account_id, e.asset, e.direction, e.amount,
              e.balance, e.account_version
       from entries_v1 e join transactions_v1 t on t.mode = e.mode and t.sequence = e.sequence
       where e.mode = $1 and e.account_id = $2 and e.posted_at <= coalesce($4, 'infinity'::timestamptz)
         and ($5::bigint is null or e.account_version < $5)
       order by e.posted_at desc, e.account_version desc limit $6) x on true
     where a.mode = $1 and a.account_id = $2 and ($3::uuid is null or a.tenant_id = $3)
     order by x.account_version desc`,
    [mode, accountId, tenantId, after?.postedAt, after?.sequence, limit],
  );
  const posted = rows[0]?.account_posted;
  if (posted === undefined) return undefined;
  const hops = rows
    .filter(({ entry }) => entry)
    .map((row) => {
      const transaction = transactionOfRow(row);
      const { sequence, ledgerReference, correlationId, causationId } = transaction;
      const event = { sequence, type: row.event_type, ledgerReference, correlationId, causationId };
      return { entry: entryOf(row), transaction, event };
    });
  return { accountId, posted: BigInt(posted), hops, watermark };
}
