/**
 * entries_v1: every entry with its account's balance and version after it.
 * Source: the books. Order: each book's own, after `accounts` has applied the same event: the balances come from there.
 * Serves: list-transactions, audit_entries.
 */
import type { EventPlace, Projection, Sql } from '@daybook/event-store';
import type { SealedEvent } from '../adapters/stored-events';
import { modeOfStream } from '../app/books';
import { transactionOf, type PostingEvent } from '../domain/transaction';

export const entriesProjection: Projection<SealedEvent> = {
  name: 'entries',
  version: 1,
  handlers: {
    TransferConfirmed: (event, at) => [insert(event, at)],
    TransferReversed: (event, at) => [insert(event, at)],
    TransactionPosted: (event, at) => [insert(event, at)],
  },
};

function insert(event: PostingEvent, at: EventPlace): Sql {
  const { transactionId, entries, postedAt } = transactionOf(event);
  return {
    // The account has the balance after the last of the entries; what later ones of the event did is taken back.
    text: `insert into entries_v1 (mode, sequence, entry_index, transaction_id, account_id, tenant_id, asset, direction,
             amount, balance, account_version, posted_at)
           select $1, $2, n - 1, $3, account_id, tenant_id, asset, direction, amount,
                  posted - (sum(effect) over later - effect), version - (count(*) over later - 1), $8
           from (select e.*, a.tenant_id, a.posted, a.version,
                        case when (e.direction = 'debit') = (a.type in ('asset', 'expense')) then e.amount
                             else -e.amount end as effect
                 from unnest($4::text[], $5::text[], $6::text[], $7::numeric[])
                        with ordinality as e (account_id, asset, direction, amount, n)
                 join accounts_v1 a on a.mode = $1 and a.account_id = e.account_id) e
           window later as (partition by account_id order by n desc)`,
    values: [
      modeOfStream(at.stream),
      at.revision,
      transactionId,
      entries.map(({ accountId }) => accountId),
      entries.map(({ asset }) => asset),
      entries.map(({ direction }) => direction),
      entries.map(({ amount }) => amount),
      postedAt,
    ],
  };
}
