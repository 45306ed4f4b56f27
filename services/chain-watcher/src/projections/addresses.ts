/**
 * addresses_v1: every address that was ever allocated; address_conflicts_v1: those that were allocated again, for another
 * reference, and stay the first one's. Source: address streams. Order: global.
 * Read by the watcher (what to look for), by simulated deposits and before an address is recorded (whose it is), after
 * `caughtUp()`.
 */
import type { Mode } from '@daybook/contracts';
import type { Projection, Sql, StoredEventsOf } from '@daybook/event-store';
import type { Pool } from 'pg';
import type { storedEvents } from '../adapters/stored-events';
import type { AddressEvent } from '../domain/address';

type Event = StoredEventsOf<typeof storedEvents>;

export const addressesProjection: Projection<Event> = {
  name: 'addresses',
  version: 1,
  handlers: {
    AddressAllocated: (event) => [keepConflict(event), put(event)],
  },
};

/** The first reference keeps the address: its payer was told it, and a table that fails here would stop every chain. */
function put(event: AddressEvent): Sql {
  return {
    text: `insert into addresses_v1 (reference, chain, address, family, index, asset, tenant_id, mode, allocated_at)
           select $1::text, $2::text, $3::text, $4::text, $5::integer, $6::text, $7::uuid, $8::text, $9::timestamptz
           where not exists (select from addresses_v1 where chain = $2::text and address = $3::text)
           on conflict (reference) do nothing`,
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
  };
}

function keepConflict(event: AddressEvent): Sql {
  return {
    text: `insert into address_conflicts_v1 (reference, chain, address, taken_by, at)
           select $1::text, chain, address, reference, $4::timestamptz from addresses_v1
           where chain = $2::text and address = $3::text and reference <> $1::text
           on conflict (reference) do nothing`,
    values: [event.reference, event.chain, event.address, event.at],
  };
}

/** Whose address it is. */
export type AddressOwner = {
  readonly reference: string;
  readonly tenantId: string;
  readonly mode: Mode;
  /** Whether it is one of a deposit key, which only the operator has: what it spends, it sweeps. */
  readonly isOfDepositKey: boolean;
};

type Row = {
  id: string;
  chain: string;
  address: string;
  reference: string;
  tenant_id: string;
  mode: Mode;
  is_of_deposit_key: boolean;
};

/** Addresses of a chain allocated after `id`, in order. `0` is before the first. */
export async function addressesAfter(
  pool: Pool,
  chain: string,
  id: string,
): Promise<readonly (AddressOwner & { readonly id: string; readonly address: string })[]> {
  const { rows } = await pool.query<Row>(
    `select id, address, reference, tenant_id, mode, index is not null as is_of_deposit_key
     from addresses_v1 where chain = $1 and id > $2 order by id`,
    [chain, id],
  );
  return rows.map((row) => ({
    id: row.id,
    address: row.address,
    reference: row.reference,
    tenantId: row.tenant_id,
    mode: row.mode,
    isOfDepositKey: row.is_of_deposit_key,
  }));
}

/** The reference that an address is of. */
export async function referenceOfAddress(pool: Pool, chain: string, address: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ reference: string }>(
    'select reference from addresses_v1 where chain = $1 and address = $2',
    [chain, address],
  );
  return rows[0]?.reference;
}

/** Addresses that were recorded for a second reference. */
export async function countAddressConflicts(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('select count(*)::integer as count from address_conflicts_v1');
  return rows[0]!.count;
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
