/** Places under the address keys, in Postgres: each is given to one reference and never again. */
import { inTransaction } from '@daybook/event-store';
import type { Pool } from 'pg';
import type { AddressFamily } from '../domain/address';

/** The place of `reference` under the family's key; the same on every call. */
export async function reservePlace(pool: Pool, family: AddressFamily, reference: string): Promise<number> {
  return inTransaction(pool, async (tx) => {
    await tx.query('select pg_advisory_xact_lock(hashtext($1))', [`address place ${family}`]);
    const existing = await tx.query<{ index: number }>(
      'select index from address_places where family = $1 and reference = $2',
      [family, reference],
    );
    if (existing.rows[0]) return existing.rows[0].index;
    // Allocated addresses count too, should this table ever be behind the events they come from.
    const { rows } = await tx.query<{ index: number }>(
      `insert into address_places (family, index, reference)
       select $1, greatest(
         (select coalesce(max(index), -1) from address_places where family = $1),
         (select coalesce(max(index), -1) from addresses_v1 where family = $1)
       ) + 1, $2
       returning index`,
      [family, reference],
    );
    return rows[0]!.index;
  });
}
