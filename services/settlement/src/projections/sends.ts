/**
 * transactions_v1, the rows of sends; send_checks: those that are not done, and when somebody looks at them next.
 * Source: this service's event store. Each event carries the full state, so a handler replaces the row; an older revision
 * never replaces a newer one.
 * Serves: list-transactions, the worker that brings sends on, and reconciliation.
 */
import { asOperational, type EventPlace, type Projection, type Sql } from '@daybook/event-store';
import type { Pool, QueryResultRow } from 'pg';
import type { SendEvent } from '../domain/chain-send';
import type { SendChecks } from '../ports';

const handler = (event: SendEvent, at: EventPlace) => [replace(event, at)];
const lastHandler = (event: SendEvent, at: EventPlace) => [replace(event, at), done(event)];

export const sendsProjection: Projection<SendEvent> = {
  name: 'sends',
  version: 1,
  handlers: {
    SendCreated: (event, at) => [replace(event, at), due(event)],
    SendHeld: handler,
    SendRefused: handler,
    SendPrepared: handler,
    SendSigned: handler,
    SendNotReplaced: handler,
    SendBroadcast: handler,
    SendIncluded: handler,
    SendExcluded: handler,
    SendFinal: handler,
    SendImpossible: handler,
    SendClosed: lastHandler,
    SendBooked: lastHandler,
  },
};

function replace({ summary }: SendEvent, at: EventPlace): Sql {
  const columns = {
    transaction_id: summary.transactionId,
    number: summary.number,
    tenant_id: summary.tenantId,
    mode: summary.mode,
    type: summary.useContract ? 'settlement' : 'withdrawal',
    asset: summary.asset,
    amount: summary.amount,
    status: summary.status,
    user_number: summary.userNumber,
    encrypted_details: summary.encryptedDetails,
    hash: summary.hash,
    created_at: summary.createdAt,
    updated_at: summary.updatedAt,
    revision: at.revision,
  };
  const names = Object.keys(columns);
  return {
    text: `insert into transactions_v1 (${names.join(', ')})
           values (${names.map((_, index) => `$${index + 1}`).join(', ')})
           on conflict (transaction_id) do update set ${names.map((name) => `${name} = excluded.${name}`).join(', ')}
           where transactions_v1.revision < excluded.revision`,
    values: Object.values(columns),
  };
}

/** The request that created the send goes on with it at once; the worker when that did not come to an end. */
function due({ summary, at }: SendEvent): Sql {
  return {
    text: `insert into send_checks (transaction_id, wallet_id, check_at)
           values ($1, $2, $3::timestamptz + interval '1 second') on conflict do nothing`,
    values: [summary.transactionId, summary.walletId, at],
  };
}

function done({ summary }: SendEvent): Sql {
  return { text: 'delete from send_checks where transaction_id = $1', values: [summary.transactionId] };
}

export function sendChecks(pool: Pool): SendChecks {
  return {
    async due(now, limit) {
      const rows = await select<{ transaction_id: string; attempts: number }>(
        pool,
        'select transaction_id, attempts from send_checks where check_at <= $1 order by check_at, transaction_id limit $2',
        [now, limit],
      );
      return rows.map((row) => ({ transactionId: row.transaction_id, attempts: row.attempts }));
    },
    async next() {
      const [row] = await select<{ check_at: Date | null }>(pool, 'select min(check_at) as check_at from send_checks');
      return row?.check_at ?? null;
    },
    async again(transactionId, at) {
      await select(pool, 'update send_checks set attempts = attempts + 1, check_at = $2 where transaction_id = $1', [
        transactionId,
        at,
      ]);
    },
  };
}

export type OpenSends = { readonly count: number; readonly oldest: Date | null };

export async function openSends(pool: Pool): Promise<OpenSends> {
  const [row] = await select<OpenSends>(
    pool,
    `select count(*)::int as count, min(t.created_at) as oldest
     from send_checks c join transactions_v1 t using (transaction_id)`,
  );
  return row ?? { count: 0, oldest: null };
}

/** Sends of each wallet that are not done. */
export async function openSendsByWallet(pool: Pool): Promise<ReadonlyMap<string, number>> {
  const rows = await select<{ wallet_id: string; count: number }>(
    pool,
    'select wallet_id, count(*)::int as count from send_checks group by wallet_id',
  );
  return new Map(rows.map((row) => [row.wallet_id, row.count]));
}

/** An outage is the world's failure, for the caller to retry. */
async function select<Row extends QueryResultRow>(pool: Pool, text: string, values: unknown[] = []): Promise<Row[]> {
  const { rows } = await pool.query<Row>(text, values).catch((error: unknown) => {
    throw asOperational(error);
  });
  return rows;
}
