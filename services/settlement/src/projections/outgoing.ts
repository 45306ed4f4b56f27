/** What `transactions_v1` shows of both kinds, sends and transfers through institutions. Written by their projections. */
import type { CallRequest, getOutgoing, listOutgoing, outgoingView, transactionKey } from '@daybook/contracts';
import { asOperational } from '@daybook/event-store';
import type { Pool, QueryResultRow } from 'pg';
import type { z } from 'zod';

export type OutgoingQuery = CallRequest<typeof listOutgoing>;
/** Its description as it is stored: encrypted. */
export type Outgoing = Omit<z.output<typeof outgoingView>, 'description'> & { readonly encryptedDetails: string };

const filter = `tenant_id = $1 and mode = $2 and ($3::text is null or type = $3) and ($4::text is null or status = $4)
  and ($5::timestamptz is null or created_at >= $5) and ($6::timestamptz is null or created_at < $6)`;

export type OutgoingKey = z.output<typeof transactionKey>;

/** Newest first, without the rows. Time and number never change, so pages neither repeat nor skip while others are created. */
export async function findOutgoing(pool: Pool, query: OutgoingQuery): Promise<readonly OutgoingKey[]> {
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
export async function outgoingRows(
  pool: Pool,
  { tenantId, mode, transactionIds }: CallRequest<typeof getOutgoing>,
): Promise<readonly Outgoing[]> {
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
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    encryptedDetails: row.encrypted_details,
  }));
}

export async function countOutgoing(pool: Pool, query: OutgoingQuery): Promise<number> {
  const [row] = await select<{ count: number }>(
    pool,
    `select count(*)::integer as count from transactions_v1 where ${filter}`,
    valuesOf(query),
  );
  return row?.count ?? 0;
}

function valuesOf({ tenantId, mode, type, status, from, to }: OutgoingQuery): unknown[] {
  return [tenantId, mode, type, status, from, to];
}

type Row = {
  transaction_id: string;
  number: string;
  type: Outgoing['type'];
  asset: Outgoing['asset'];
  amount: string;
  status: Outgoing['status'];
  user_number: number | null;
  encrypted_details: string;
  institution_number: number | null;
  hash: string | null;
  created_at: Date;
  updated_at: Date;
};

/** An outage is the world's failure, for the caller to retry. */
async function select<Result extends QueryResultRow>(pool: Pool, text: string, values: unknown[]): Promise<Result[]> {
  const { rows } = await pool.query<Result>(text, values).catch((error: unknown) => {
    throw asOperational(error);
  });
  return rows;
}
