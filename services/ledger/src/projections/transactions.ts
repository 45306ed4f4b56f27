/**
 * transactions_v1: every balanced set of entries, with its cause and the event that posted it.
 * Source: the books. Order: each book's own. Serves: list-transactions together with `entries`, audit_transactions.
 */
import type { EventPlace, Projection, Sql } from '@daybook/event-store';
import type { Pool } from 'pg';
import { referenceOf, type SealedEvent } from '../adapters/stored-events';
import { modeOfStream } from '../app/books';
import type { TransactionQuery } from '../app/list-transactions';
import type { Entry } from '../domain/account';
import type { Cause } from '../domain/book-events';
import { transactionOf, type PostingEvent } from '../domain/transaction';
import { assetOf } from './accounts';

export const transactionsProjection: Projection<SealedEvent> = {
  name: 'transactions',
  version: 1,
  handlers: {
    TransferConfirmed: (event, at) => [insert(event, at)],
    TransferReversed: (event, at) => [insert(event, at)],
    TransactionPosted: (event, at) => [insert(event, at)],
  },
};

function insert(event: PostingEvent, at: EventPlace): Sql {
  const { transactionId, tenantId, cause, rule, effectiveAt, postedAt } = transactionOf(event);
  return {
    text: `insert into transactions_v1 (mode, sequence, transaction_id, tenant_id, cause_type, cause_id, subject, rule,
             ledger_reference, effective_at, posted_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    values: [
      modeOfStream(at.stream),
      at.revision,
      transactionId,
      tenantId,
      cause.type,
      cause.id,
      cause.subject,
      rule,
      referenceOf(at.payload),
      effectiveAt,
      postedAt,
    ],
  };
}

type EntryRow = { account_id: string; asset: string; direction: Entry['direction']; amount: string };
type Row = {
  sequence: string;
  transaction_id: string;
  cause_type: Cause['type'];
  cause_id: string;
  subject: string;
  rule: string;
  ledger_reference: string;
  posted_at: Date;
  entries: EntryRow[];
};

export async function findTransactions(pool: Pool, { mode, tenantId, subject, after, limit }: TransactionQuery) {
  const { rows } = await pool.query<Row>(
    `select t.sequence, t.transaction_id, t.cause_type, t.cause_id, t.subject, t.rule, t.ledger_reference, t.posted_at,
            (select json_agg(json_build_object('account_id', e.account_id, 'asset', e.asset, 'direction', e.direction,
                                               'amount', e.amount::text) order by e.entry_index)
             from entries_v1 e where e.mode = t.mode and e.sequence = t.sequence) as entries
     from transactions_v1 t
     where t.mode = $1 and ($2::text is null or t.subject = $2) and ($3::bigint is null or t.sequence > $3)
       and ($4::uuid is null or exists (
             select 1 from entries_v1 e where e.mode = t.mode and e.sequence = t.sequence and e.tenant_id = $4))
     order by t.sequence limit $5`,
    [mode, subject, after, tenantId, limit],
  );
  return rows.map((row) => ({
    transactionId: row.transaction_id,
    cause: { type: row.cause_type, id: row.cause_id, subject: row.subject },
    rule: row.rule,
    entries: row.entries.map(({ account_id: accountId, asset, direction, amount }) => ({
      accountId,
      asset: assetOf(asset),
      direction,
      amount: BigInt(amount),
    })),
    ledgerReference: row.ledger_reference,
    sequence: Number(row.sequence),
    postedAt: row.posted_at.toISOString(),
  }));
}
