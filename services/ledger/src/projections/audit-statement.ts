/**
 * A statement: the entries of an account in the order of the effective clock, between two balances. Entries that were
 * recorded when they happened are in that order already, late ones have an index of their own; a page reads no more than
 * its length of each.
 */
import { assert } from '@daybook/core';
import type { Pool } from 'pg';
import type { Statement, StatementQuery } from '../app/audit-balances';
import type { AccountType } from '../domain/account';
import { assetOf } from './accounts';
import { entryOf, type EntryRow } from './entry-rows';
import { markedRows } from './marked-rows';

type Bounds = { starts: Date; ends: Date; asset: string; type: AccountType };
type Totals = { opening: string; closing: string; debits: string; credits: string; count: string };
type Row = Bounds & Totals & { before: string; entries: EntryRow[] | null };

const columns = `sequence, entry_index, transaction_id, account_id, asset, direction, amount, balance, account_version,
  effective_at, posted_at`;

/** Recorded up to a moment, and in that moment up to an event. */
const known = 'posted_at <= p.known and (posted_at < p.known or sequence <= p.mark)';

/** Of the account, known then, from the page's begin to the statement's end. `at` is the column of the effective clock. */
const half = (late: boolean) => `
  (select ${columns} from entries_v1
    where mode = $1 and account_id = $2 and ${known} and effective_at ${late ? '<' : '='} posted_at
      and ${late ? 'effective_at' : 'posted_at'} >= p.after_at and ${late ? 'effective_at' : 'posted_at'} < p.ends
      and (effective_at, sequence, entry_index) > (p.after_at, p.after_sequence, p.after_index)
    order by ${late ? 'effective_at, sequence, entry_index' : 'posted_at, account_version'} limit $11)`;

/** Entries of the moment that the page begins in, and which pages before it have shown. */
const shown = (late: boolean) => `
  (select direction, amount from entries_v1
    where mode = $1 and account_id = $2 and ${known} and effective_at ${late ? '<' : '='} posted_at
      and ${late ? 'effective_at' : 'posted_at'} = p.after_at
      and (sequence, entry_index) <= (p.after_sequence, p.after_index))`;

const plus = `case when (direction = 'debit') = (p.type in ('asset', 'expense')) then amount else -amount end`;

/** Of the entries that happened before a moment; those that are not known yet are taken off again. */
const totalsBefore = (moment: string) => `
  (select t.posted - n.posted as posted, t.debits - n.debits as debits, t.credits - n.credits as credits,
          t.entries - n.entries as entries
     from audit_totals_as_of($1, $2, ${moment} - interval '1 millisecond', p.known) t
    cross join (select coalesce(sum(${plus}), 0) as posted, coalesce(sum(amount) filter (where direction = 'debit'), 0) as debits,
                       coalesce(sum(amount) filter (where direction = 'credit'), 0) as credits, count(*) as entries
                  from entries_v1
                 where mode = $1 and account_id = $2 and posted_at = p.known and sequence > p.mark
                   and effective_at < ${moment}) n)`;

const text = `
  with p as (
    select b.*, least($7::timestamptz, coalesce(w.at, 'infinity')) as known,
           coalesce($12::bigint, w.sequence) as mark,
           coalesce($8::timestamptz, b.starts) as after_at, coalesce($9::bigint, -1) as after_sequence,
           coalesce($10::integer, -1) as after_index
      from (select a.asset, a.type, audit_day_begin($4::date, $6) as starts,
                   audit_day_begin($5::date, $6) as ends
              from accounts_v1 a
             where a.mode = $1 and a.account_id = $2 and ($3::uuid is null or a.tenant_id = $3)) b
      left join watermarks_v1 w on w.mode = $1)
  select p.asset, p.type, p.starts, p.ends, o.posted as opening, c.posted as closing, c.debits - o.debits as debits,
         c.credits - o.credits as credits, c.entries - o.entries as count,
         f.posted + (select coalesce(sum(${plus}), 0) from (${shown(false)} union all ${shown(true)}) s) as before,
         (select json_agg(json_build_object(
                   'sequence', e.sequence::text, 'entry_index', e.entry_index, 'transaction_id', e.transaction_id,
                   'account_id', e.account_id, 'asset', e.asset, 'direction', e.direction, 'amount', e.amount::text,
                   'balance', e.balance::text, 'account_version', e.account_version::text,
                   'effective_at', e.effective_at, 'posted_at', e.posted_at)
                   order by e.effective_at, e.sequence, e.entry_index)
            from (select * from (${half(false)} union all ${half(true)}) u
                  order by effective_at, sequence, entry_index limit $11) e) as entries
    from p
   cross join lateral ${totalsBefore('p.starts')} o
   cross join lateral ${totalsBefore('p.ends')} c
   cross join lateral ${totalsBefore('p.after_at')} f`;

export async function findStatement(pool: Pool, query: StatementQuery): Promise<Statement | undefined> {
  const { mode, tenantId, accountId, from, to, timeZone, knownAt, after, limit } = query;
  const { rows, watermark } = await markedRows<Row>(pool, text, [
    mode,
    accountId,
    tenantId,
    from,
    to,
    timeZone,
    knownAt,
    after?.effectiveAt,
    after?.sequence,
    after?.entryIndex,
    limit,
    after?.mark,
  ]);
  const row = rows[0];
  if (row === undefined) return undefined;
  assert(rows.length === 1, `${accountId} has ${rows.length} statements`);
  let statementBalance = BigInt(row.before);
  const normal = row.type === 'asset' || row.type === 'expense' ? 'debit' : 'credit';
  return {
    accountId,
    asset: assetOf(row.asset),
    type: row.type,
    from: row.starts.toISOString(),
    to: row.ends.toISOString(),
    opening: BigInt(row.opening),
    debits: BigInt(row.debits),
    credits: BigInt(row.credits),
    closing: BigInt(row.closing),
    entryCount: Number(row.count),
    entries: (row.entries ?? []).map((entry) => {
      const view = entryOf(entry);
      statementBalance += view.direction === normal ? view.amount : -view.amount;
      return { ...view, statementBalance };
    }),
    watermark,
  };
}
