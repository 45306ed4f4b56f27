/**
 * Leases keep two workers from sending one delivery at the same time. They are not a guarantee: a worker that stalls
 * longer than its lease may send twice, which receivers tell by the webhook id.
 */
import type { Pool } from 'pg';
import { attemptTimeoutMs } from './webhook-client';

/** From leasing to the beginning of an attempt. */
export const startWithinMs = 10_000;
/** To read what is sent, before an attempt, and to record what came of it. */
const storeMs = 5_000;
/** Covers the wait for an attempt and all of it; a crashed worker's deliveries wait this long at most. */
export const leaseMs = startWithinMs + attemptTimeoutMs + storeMs;

export type Leases = {
  /** Those of the deliveries that are leased to the caller now. */
  acquire(deliveryIds: readonly string[], now: Date): Promise<ReadonlySet<string>>;
  release(deliveryIds: readonly string[]): Promise<void>;
};

export function deliveryLeases(pool: Pool): Leases {
  return {
    async acquire(deliveryIds, now) {
      const until = new Date(now.getTime() + leaseMs);
      // In one order everywhere: two workers that want the same ones wait for each other in one direction only.
      const { rows } = await pool.query<{ delivery_id: string }>({
        name: 'acquire_leases',
        text: `insert into delivery_leases (delivery_id, leased_until)
               select id, $2 from unnest($1::uuid[]) as id order by id
               on conflict (delivery_id) do update set leased_until = excluded.leased_until
                 where delivery_leases.leased_until <= $3
               returning delivery_id`,
        values: [[...new Set(deliveryIds)], until.toISOString(), now.toISOString()],
      });
      return new Set(rows.map((row) => row.delivery_id));
    },
    async release(deliveryIds) {
      await pool.query({
        name: 'release_leases',
        text: 'delete from delivery_leases where delivery_id = any ($1::uuid[])',
        values: [deliveryIds],
      });
    },
  };
}
