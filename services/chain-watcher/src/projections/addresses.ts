/**
 * addresses_v1: every address that was ever allocated. Source: address streams. Order: global.
 * Read by the watcher (what to look for) and by simulated deposits (whose address it is), after `caughtUp()`.
 */
import type { Mode } from '@daybook/contracts';
import type { Projection, StoredEventsOf } from '@daybook/event-store';
import type { Pool } from 'pg';
import type { storedEvents } from '../adapters/stored-events';

type Event = StoredEventsOf<typeof storedEvents>;

export const addressesProjection: Projection<Event> = {
  name: 'addresses',
  version: 1,
  handlers: {
    AddressAllocated: (event) => [
      {
        text: `insert into addresses_v1 (reference, chain, address, family, index, asset, tenant_id, mode, allocated_at)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (reference) do nothing`,
        values: [
          event.reference,
          event.chain,
          event.address,
          event.family,
          event.index,
          event.asset,
          event.tenantId,
          event.mode,
          event.at,
        ],
      },
    ],
  },
};

/** Whose address it is. */
export type AddressOwner = { readonly reference: string; readonly tenantId: string; readonly mode: Mode };

type Row = { id: string; chain: string; address: string; reference: string; tenant_id: string; mode: Mode };

/** Addresses of a chain allocated after `id`, in order. `0` is before the first. */
export async function addressesAfter(
  pool: Pool,
  chain: string,
  id: string,
): Promise<readonly (AddressOwner & { readonly id: string; readonly address: string })[]> {
  const { rows } = await pool.query<Row>(
    'select id, address, reference, tenant_id, mode from addresses_v1 where chain = $1 and id > $2 order by id',
    [chain, id],
  );
  return rows.map((row) => ({
    id: row.id,
    address: row.address,
    reference: row.reference,
    tenantId: row.tenant_id,
    mode: row.mode,
  }));
}

/** The chain of an address, if it is this tenant's in this mode. */
export async function chainOfAddress(
  pool: Pool,
  owner: { readonly tenantId: string; readonly mode: Mode; readonly address: string },
): Promise<string | undefined> {
  const { rows } = await pool.query<{ chain: string }>(
    'select chain from addresses_v1 where address = $1 and tenant_id = $2 and mode = $3 order by id limit 1',
    [owner.address, owner.tenantId, owner.mode],
  );
  return rows[0]?.chain;
}
