/**
 * accounts_v1: every account with its balances.
 * Source: the books. Order: each book's own. Serves: list-accounts, audit_accounts; `entries` reads its balances.
 */
import { assert } from '@daybook/core';
import type { Mode } from '@daybook/contracts';
import type { EventPlace, Projection, Sql } from '@daybook/event-store';
import type { Pool } from 'pg';
import type { SealedEvent } from '../adapters/stored-events';
import type { AccountQuery } from '../app/list-accounts';
import { modeOfStream } from '../app/books';
import type { AccountType, Entry } from '../domain/account';
import type { TransferFields } from '../domain/book-events';
import { assets, type AssetCode } from '@daybook/money';

export const accountsProjection: Projection<SealedEvent> = {
  name: 'accounts',
  version: 1,
  handlers: {
    AccountOpened: ({ accountId, tenantId, asset, accountType, floor, at: openedAt }, at) => [
      {
        text: `insert into accounts_v1 (mode, account_id, tenant_id, asset, type, floor, posted, held, incoming, frozen,
                 version, opened_at, updated_at, opened_sequence, last_sequence)
               values ($1, $2, $3, $4, $5, $6, 0, 0, 0, false, 0, $7, $7, $8, $8)`,
        values: [modeOfStream(at.stream), accountId, tenantId, asset, accountType, floor, openedAt, at.revision],
      },
    ],
    AccountFrozen: (event, at) => [freeze(event, true, at)],
    AccountUnfrozen: (event, at) => [freeze(event, false, at)],
    TransferAccepted: ({ transfer, at: time }, at) => [hold(transfer, transfer.amount, time, at)],
    TransferConfirmed: ({ transfer, entries, at: time }, at) => [
      hold(transfer, -transfer.amount, time, at),
      post(entries, time, at),
    ],
    TransferFailed: ({ transfer, at: time }, at) => [hold(transfer, -transfer.amount, time, at)],
    TransferReversed: ({ entries, at: time }, at) => [post(entries, time, at)],
    TransactionPosted: ({ entries, at: time }, at) => [post(entries, time, at)],
  },
};

function freeze(event: { accountId: string; at: string }, frozen: boolean, at: EventPlace): Sql {
  return {
    text: `update accounts_v1 set frozen = $3, updated_at = $4, last_sequence = $5 where mode = $1 and account_id = $2`,
    values: [modeOfStream(at.stream), event.accountId, frozen, event.at, at.revision],
  };
}

function hold({ debitAccountId, creditAccountId }: TransferFields, change: bigint, time: string, at: EventPlace): Sql {
  return {
    text: `update accounts_v1
           set held = held + case account_id when $2 then $4::numeric else 0 end,
               incoming = incoming + case account_id when $3 then $4::numeric else 0 end,
               updated_at = $5, last_sequence = $6
           where mode = $1 and account_id in ($2, $3)`,
    values: [modeOfStream(at.stream), debitAccountId, creditAccountId, change, time, at.revision],
  };
}

function post(entries: readonly Entry[], time: string, at: EventPlace): Sql {
  return {
    text: `update accounts_v1 a
           set posted = a.posted + case when a.type in ('asset', 'expense') then e.debited else -e.debited end,
               version = a.version + e.entries, updated_at = $5, last_sequence = $6
           from (select account_id, sum(case direction when 'debit' then amount else -amount end) as debited,
                        count(*) as entries
                 from unnest($2::text[], $3::text[], $4::numeric[]) as t (account_id, direction, amount)
                 group by account_id) e
           where a.mode = $1 and a.account_id = e.account_id`,
    values: [
      modeOfStream(at.stream),
      entries.map(({ accountId }) => accountId),
      entries.map(({ direction }) => direction),
      entries.map(({ amount }) => amount),
      time,
      at.revision,
    ],
  };
}

type Row = {
  account_id: string;
  asset: string;
  type: AccountType;
  posted: string;
  held: string;
  incoming: string;
  frozen: boolean;
  updated_at: Date;
};

export async function findAccounts(pool: Pool, { mode, tenantId, after, limit }: AccountQuery) {
  const { rows } = await pool.query<Row>(
    `select account_id, asset, type, posted, held, incoming, frozen, updated_at from accounts_v1
     where mode = $1 and ($2::uuid is null or tenant_id = $2) and ($3::text is null or account_id > $3)
     order by account_id limit $4`,
    [mode satisfies Mode, tenantId, after, limit],
  );
  return rows.map((row) => {
    const [posted, held, incoming] = [BigInt(row.posted), BigInt(row.held), BigInt(row.incoming)];
    const { account_id: accountId, type, frozen } = row;
    const available = posted - held;
    const updatedAt = row.updated_at.toISOString();
    return { accountId, asset: assetOf(row.asset), type, posted, held, available, incoming, frozen, updatedAt };
  });
}

export function assetOf(code: string): AssetCode {
  assert(Object.hasOwn(assets, code), `unknown asset ${code}`);
  return code as AssetCode;
}
