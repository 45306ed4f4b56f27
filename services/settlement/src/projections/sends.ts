/**
 * transactions_v1, the rows of sends; send_checks: those that are not done, and when somebody looks at them next.
 * Source: this service's event store. Each event carries the full state, so a handler replaces the row; an older revision
 * never replaces a newer one.
 * Serves: list-transactions, the worker that brings sends on, and reconciliation.
 */
import type { EventPlace, Projection, Sql } from '@daybook/event-store';
import type { Pool } from 'pg';
import type { SendEvent } from '../domain/chain-send';
import type { SendChecks } from '../ports';
import {
  checksOf,
  endCheck,
  openTransactions,
  replaceTransaction,
  select,
  type OpenTransactions,
} from './transaction-rows';

const handler = (event: SendEvent, at: EventPlace) => [replace(event, at)];
const lastHandler = (event: SendEvent, at: EventPlace) => [replace(event, at), done(event)];

export const sendsProjection: Projection<SendEvent> = {
  name: 'sends',
  version: 1,
  handlers: {
    SendCreated: (event, at) => [replace(event, at), due(event)],
    SendHeld: handler,
    SendAcknowledged: handler,
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
  };
  return replaceTransaction(columns, at);
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
  return endCheck('send_checks', summary.transactionId);
}

export const sendChecksOn = (pool: Pool, chain: string): SendChecks =>
  checksOf(pool, 'send_checks', {
    where: 'wallet_id in (select wallet_id from wallets_v1 where chain = $1)',
    values: [chain],
  });

/** Of sends that nobody else looks at: their chain was configured when they were made. */
export const sendChecksElsewhere = (pool: Pool, chains: readonly string[]): SendChecks =>
  checksOf(pool, 'send_checks', {
    where: 'wallet_id not in (select wallet_id from wallets_v1 where chain = any ($1::text[]))',
    values: [chains],
  });

export const openSends = (pool: Pool): Promise<OpenTransactions> => openTransactions(pool, 'send_checks');

/** Sends of each wallet that are not done. */
export async function openSendsByWallet(pool: Pool): Promise<ReadonlyMap<string, number>> {
  const rows = await select<{ wallet_id: string; count: number }>(
    pool,
    'select wallet_id, count(*)::int as count from send_checks group by wallet_id',
  );
  return new Map(rows.map((row) => [row.wallet_id, row.count]));
}
