/** What `transactions_v1` shows: sends, transfers through institutions and deposits. Written by their projections. */
import type { CallRequest, getMovements, listMovements, movementView, transactionKey } from '@daybook/contracts';
import type { Pool, QueryResultRow } from 'pg';
import type { z } from 'zod';

export type MovementQuery = CallRequest<typeof listMovements>;
/** Its description as it is stored: encrypted; null where there can be none. */
export type Movement = Omit<z.output<typeof movementView>, 'description'> & {
  readonly encryptedDetails: string | null;
};

const filter = `tenant_id = $1 and mode = $2 and ($3::text is null or type = $3) and ($4::text is null or status = $4)
  and ($5::timestamptz is null or created_at >= $5) and ($6::timestamptz is null or created_at < $6)`;

export type MovementKey = z.output<typeof transactionKey>;

/** Newest first, without the rows. Time and number never change, so pages neither repeat nor skip while others are created. */
export async function findMovements(pool: Pool, query: MovementQuery): Promise<readonly MovementKey[]> {
  const rows = await select<Pick<Row, 'transaction_id' | 'number' | 'created_at'>>(
    pool,
    `select transaction_id, number, created_at from transactions_v1 where ${filter}
     order by created_at desc, number desc limit $7`,
    [...valuesOf(query), query.limit],
  );
  return rows.map((row) => ({
    transactionId: row.transaction_id,
    number: parseInt(row.number, 10),
    createdAt: row.created_at.toISOString(),
  }));
}

/** Another tenant's are none. */
export async function movementRows(
  pool: Pool,
  { tenantId, mode, transactionIds }: CallRequest<typeof getMovements>,
): Promise<readonly Movement[]> {
  const rows = await select<Row>(
    pool,
    'select * from transactions_v1 where transaction_id = any($3) and tenant_id = $1 and mode = $2',
    [tenantId, mode, transactionIds],
  );
  return rows.map((row) => ({
    transactionId: row.transaction_id,
    number: parseInt(row.number, 10),
    userNumber: row.user_number,
    type: row.type,
    asset: row.asset,
    amount: BigInt(row.amount),
    status: row.status,
    institutionNumber: row.institution_number,
    hash: row.hash,
    toAddress: row.to_address,
    blockNumber: row.block_number === null ? null : parseInt(row.block_number, 10),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    encryptedDetails: row.encrypted_details,
  }));
}

export async function countMovements(pool: Pool, query: MovementQuery): Promise<number> {
  const [row] = await select<{ count: number }>(
    pool,
    `select count(*)::integer as count from transactions_v1 where ${filter}`,
    valuesOf(query),
  );
  return row?.count ?? 0;
}

function valuesOf({ tenantId, mode, type, status, from, to }: MovementQuery): unknown[] {
  return [tenantId, mode, type, status, from, to];
}

type Row = {
  transaction_id: string;
  number: string;
  type: Movement['type'];
  asset: Movement['asset'];
  amount: string;
  status: Movement['status'];
  user_number: number | null;
  encrypted_details: string | null;
  institution_number: number | null;
  hash: string | null;
  to_address: string | null;
  block_number: string | null;
  created_at: Date;
  updated_at: Date;
};

async function select<Result extends QueryResultRow>(pool: Pool, text: string, values: unknown[]): Promise<Result[]> {
  const { rows } = await pool.query<Result>(text, values);
  return rows;
}
