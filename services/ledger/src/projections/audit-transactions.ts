/** Pages of transactions, found by what narrows most: metadata, an account, an owner, a subject; or the whole book. */
import type { Pool } from 'pg';
import type { SearchQuery } from '../app/audit-lists';
import type { Entry } from '../domain/account';
import { assetOf } from './accounts';
import { transactionColumns, transactionOfRow, type TransactionRow } from './entry-rows';
import { markedRows, values } from './marked-rows';
import { rangeConditions } from './ranges';

type Row = TransactionRow & {
  reversed_by: string[] | null;
  entries: { account_id: string; asset: string; direction: Entry['direction']; amount: string }[];
  breaches: { account_id: string; crossed: 'floor' | 'ceiling' }[] | null;
};

export async function searchTransactions(pool: Pool, query: SearchQuery) {
  const { all, put } = values(query.mode);
  const asker = `${put(query.tenantId)}::uuid`;
  const { from, where, order } = sourceOf(query, put);
  const { rows, watermark } = await markedRows<Row>(
    pool,
    `select ${transactionColumns(asker)},
            (select array_agg(r.transaction_id order by r.sequence) from transactions_v1 r
              where r.mode = t.mode and r.reverses = t.transaction_id) as reversed_by,
            (select json_agg(json_build_object('account_id', e.account_id, 'asset', e.asset, 'direction', e.direction,
                                               'amount', e.amount::text) order by e.entry_index)
               from entries_v1 e where e.mode = t.mode and e.sequence = t.sequence) as entries,
            (select json_agg(json_build_object('account_id', b.account_id, 'crossed', b.crossed) order by b.account_id)
               from limit_breaches_v1 b where b.mode = t.mode and b.sequence = t.sequence
                and (${asker} is null or b.tenant_id = ${asker})) as breaches
     from ${from} where ${where.join(' and ')} order by ${order} limit ${put(query.limit)}`,
    all,
  );
  return { transactions: rows.map(viewOf), watermark };
}

type Page = { readonly put: (value: unknown) => string; readonly limit: string };
type Source = { readonly from: string; readonly where: string[]; readonly order: string };

function sourceOf(query: SearchQuery, put: (value: unknown) => string): Source {
  const { tenantId, transactionId, subject, accountId, metadata, after } = query;
  const subjects = query.subjects ?? (subject === null ? null : [subject]);
  const pairs = Object.entries(metadata);
  const where = ['t.mode = $1', ...rangeConditions(query, put, { row: 't', indexed: false })];
  if (transactionId !== null) where.push(`t.transaction_id = ${put(transactionId)}`);
  if (after !== null) where.push(`t.sequence > ${put(after.sequence)}`);
  for (const [name, value] of pairs.slice(1)) {
    where.push(`exists (select 1 from transaction_metadata_v1 n
      where n.mode = $1 and n.name = ${put(name)} and n.value = ${put(value)} and n.sequence = t.sequence)`);
  }
  const [first] = pairs;
  if (first !== undefined) {
    if (tenantId !== null) where.push(`t.tenant_id = ${put(tenantId)}`);
    if (accountId !== null) where.push(hasEntry('account_id', put(accountId)));
    if (subjects !== null) where.push(ofSubjects(put(subjects)));
    where.push(`m.name = ${put(first[0])}`, `m.value = ${put(first[1])}`, 'm.mode = $1');
    if (after !== null) where.push(`m.sequence > ${put(after.sequence)}`);
    const from = 'transaction_metadata_v1 m join transactions_v1 t on t.mode = m.mode and t.sequence = m.sequence';
    return { from, where, order: 'm.sequence' };
  }
  const searched = transactionId !== null || subjects !== null;
  if (accountId !== null && !searched) {
    if (tenantId !== null) where.push(`x.tenant_id = ${put(tenantId)}`);
    if (after !== null) where.push(`x.posted_at >= ${put(after.postedAt)}`);
    where.push(`x.account_id = ${put(accountId)}`, firstOfAccount);
    return byEntries(where, 'x.posted_at, x.account_version');
  }
  if (accountId !== null) where.push(hasEntry('account_id', put(accountId)));
  if (tenantId !== null && !searched) {
    if (after !== null) where.push(`x.sequence > ${put(after.sequence)}`);
    where.push(`x.tenant_id = ${put(tenantId)}`, 'x.first_of_tenant');
    return byEntries(where, 'x.sequence');
  }
  if (tenantId !== null) where.push(hasEntry('tenant_id', put(tenantId)));
  const from = 'transactions_v1 t';
  if (subjects === null) return { from, where, order: 't.sequence' };
  const rows = rowsOfSubjects([...new Set(subjects)], where, { put, limit: put(query.limit) });
  return { from: `(${rows}) t`, where: ['true'], order: 't.sequence' };
}

/** What is of one of the subjects, and the subjects themselves where they are transactions. */
function ofSubjects(subjects: string): string {
  return `(t.subject = any(${subjects}::text[]) or t.transaction_id = any(${subjects}))`;
}

/**
 * The same as ranges of indexes, one of each subject and none longer than a page: with an `or`, or with the subjects joined,
 * all of them would be sorted.
 */
function rowsOfSubjects(subjects: readonly string[], where: readonly string[], { put, limit }: Page): string {
  const rows = `select t.* from transactions_v1 t where ${where.join(' and ')}`;
  const caused = subjects.map((each) => `(${rows} and t.subject = ${put(each)} order by t.sequence limit ${limit})`);
  const all = put(subjects);
  return [...caused, `(${rows} and t.transaction_id = any(${all}) and t.subject <> all(${all}))`].join(' union all ');
}

function hasEntry(column: 'account_id' | 'tenant_id', value: string): string {
  return `exists (select 1 from entries_v1 x where x.mode = t.mode and x.sequence = t.sequence and x.${column} = ${value})`;
}

/** Each transaction has one entry `x` that fits. */
function byEntries(where: string[], order: string): Source {
  const from = 'entries_v1 x join transactions_v1 t on t.mode = x.mode and t.sequence = x.sequence';
  return { from, where: [...where, 'x.mode = $1'], order };
}

const firstOfAccount = `not exists (select 1 from entries_v1 y where y.mode = x.mode and y.sequence = x.sequence
  and y.entry_index < x.entry_index and y.account_id = x.account_id)`;

function viewOf(row: Row) {
  return {
    ...transactionOfRow(row),
    reversedBy: row.reversed_by ?? [],
    entries: row.entries.map(({ account_id: accountId, asset, direction, amount }) => ({
      accountId,
      asset: assetOf(asset),
      direction,
      amount: BigInt(amount),
    })),
    limitBreaches: (row.breaches ?? []).map(({ account_id: accountId, crossed }) => ({ accountId, crossed })),
  };
}
