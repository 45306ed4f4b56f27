/**
 * deposits_v1: where each deposit is, and whether it is final; reverted_places_v1: where each was that is not final, as it
 * was there. Sweeps are among them, as both follow the chain alike; who means deposits leaves them out. Source: deposit
 * streams. Order: global.
 * Read by the watcher, after `caughtUp()`, to find what to confirm and what to revert, to explain balances, and to tell what
 * came to a reference.
 */
import type { Pool } from 'pg';
import type { Projection, Sql, StoredEventsOf } from '@daybook/event-store';
import type { storedEvents } from '../adapters/stored-events';
import type { Deposit, DepositEvent } from '../domain/deposit';

type Event = StoredEventsOf<typeof storedEvents>;

export const depositsProjection: Projection<Event> = {
  name: 'deposits',
  version: 1,
  handlers: {
    DepositSeen: (event) => [put(event, 'seen')],
    DepositConfirmed: (event) => [put(event, 'confirmed'), forgetPlaces(event)],
    DepositReverted: (event) => [put(event, 'reverted'), keepPlace(event)],
  },
};

function put(event: DepositEvent, status: DepositPlace['status']): Sql {
  return {
    text: `insert into deposits_v1 (deposit_id, chain, transaction_id, index, asset, amount, address, reference,
             tenant_id, mode, block_number, block_hash, status, updated_at, swept_from)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
           on conflict (deposit_id) do update
           set asset = excluded.asset, amount = excluded.amount, address = excluded.address,
               reference = excluded.reference, tenant_id = excluded.tenant_id, mode = excluded.mode,
               block_number = excluded.block_number, block_hash = excluded.block_hash,
               status = excluded.status, updated_at = excluded.updated_at, swept_from = excluded.swept_from`,
    values: [...valuesOf(event), status, event.at, event.sweptFrom ?? null],
  };
}

function valuesOf(event: DepositEvent) {
  return [
    event.depositId,
    event.chain,
    event.transactionId,
    event.index,
    event.asset,
    event.amount,
    event.address,
    event.reference,
    event.tenantId,
    event.mode,
    event.blockNumber,
    event.blockHash,
  ];
}

function keepPlace(event: DepositEvent): Sql {
  return {
    text: `insert into reverted_places_v1 (deposit_id, chain, transaction_id, index, asset, amount, address, reference,
             tenant_id, mode, block_number, block_hash, swept_from)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
           on conflict (deposit_id, block_hash) do update
           set asset = excluded.asset, amount = excluded.amount, address = excluded.address,
               reference = excluded.reference, tenant_id = excluded.tenant_id, mode = excluded.mode,
               swept_from = excluded.swept_from`,
    values: [...valuesOf(event), event.sweptFrom ?? null],
  };
}

function forgetPlaces({ depositId }: DepositEvent): Sql {
  return { text: 'delete from reverted_places_v1 where deposit_id = $1', values: [depositId] };
}

/** A deposit in a block that was the chain's when it was scanned. */
export type DepositPlace = {
  readonly depositId: string;
  readonly transactionId: string;
  readonly index: number;
  readonly asset: Event['asset'];
  readonly amount: bigint;
  readonly address: string;
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly status: 'seen' | 'confirmed' | 'reverted';
  /** As in a deposit: of a sweep alone. */
  readonly sweptFrom?: string;
};

type Row = {
  deposit_id: string;
  transaction_id: string;
  index: number;
  asset: Event['asset'];
  amount: string;
  address: string;
  block_number: string;
  block_hash: string;
  status: DepositPlace['status'];
  swept_from: string | null;
};
const columns =
  'deposit_id, transaction_id, index, asset, amount, address, block_number, block_hash, status, swept_from';

/** Of each reference those that were news last, newest first, `limit` of each at most. Sweeps are nobody's. */
export async function depositsOf(pool: Pool, references: readonly string[], limit: number) {
  const { rows } = await pool.query<{ reference: string; depositId: string; status: DepositPlace['status'] }>(
    `select asked.reference, deposit.deposit_id as "depositId", deposit.status
     from unnest($1::text[]) asked (reference)
     cross join lateral (
       select * from deposits_v1 where reference = asked.reference and swept_from is null
       order by updated_at desc, deposit_id limit $2
     ) deposit
     order by asked.reference, deposit.updated_at desc, deposit.deposit_id`,
    [references, limit],
  );
  return rows;
}

/** Seen or confirmed in a block above `number`. */
export async function depositsAbove(pool: Pool, chain: string, number: number): Promise<readonly DepositPlace[]> {
  const { rows } = await pool.query<Row>(
    `select ${columns} from deposits_v1 where chain = $1 and block_number > $2 and status <> 'reverted'
     order by block_number desc, deposit_id`,
    [chain, number],
  );
  return rows.map(placeOf);
}

/**
 * Seen and not yet confirmed, in blocks up to `number`, oldest first. The canonical hash is the cursor's at that number:
 * empty where the chain skipped it, null where the cursor no longer has blocks so old.
 */
export async function depositsSeenUpTo(
  pool: Pool,
  chain: string,
  number: number,
): Promise<readonly (DepositPlace & { readonly canonicalHash: string | null })[]> {
  const { rows } = await pool.query<Row & { canonical_hash: string | null }>(
    `select ${columns}, coalesce(
       (select hash from cursor_blocks where chain = $1 and number = block_number),
       (select '' where exists (select 1 from cursor_blocks where chain = $1 and number < block_number))
     ) as canonical_hash
     from deposits_v1 where chain = $1 and block_number <= $2 and status = 'seen'
     order by block_number, deposit_id`,
    [chain, number],
  );
  return rows.map((row) => ({ ...placeOf(row), canonicalHash: row.canonical_hash }));
}

/**
 * Reverted, and yet a block that they were in is one of the cursor. Not only the last one: it may have been seen in the
 * block of another branch since.
 */
export async function depositsRevertedInCursor(pool: Pool, chain: string): Promise<readonly Deposit[]> {
  const { rows } = await pool.query<
    Omit<Row, 'status'> & { reference: string; tenant_id: string; mode: Deposit['mode'] }
  >(
    `select place.* from reverted_places_v1 place
     join cursor_blocks block
       on block.chain = place.chain and block.number = place.block_number and block.hash = place.block_hash
     join deposits_v1 deposit on deposit.deposit_id = place.deposit_id
     where place.chain = $1 and deposit.status = 'reverted'
     order by place.block_number, place.deposit_id`,
    [chain],
  );
  return rows.map(({ reference, tenant_id: tenantId, mode, ...row }) => {
    const { status: _status, ...place } = placeOf({ ...row, status: 'reverted' });
    return { ...place, chain, reference, tenantId, mode };
  });
}

function placeOf(row: Row): DepositPlace {
  return {
    depositId: row.deposit_id,
    transactionId: row.transaction_id,
    index: row.index,
    asset: row.asset,
    amount: BigInt(row.amount),
    address: row.address,
    blockNumber: Number(row.block_number),
    blockHash: row.block_hash,
    status: row.status,
    ...(row.swept_from === null ? {} : { sweptFrom: row.swept_from }),
  };
}
