/**
 * Leases keep two workers from sending one delivery at the same time. They are not a guarantee: a worker that stalls
 * longer than its lease may send twice, which receivers tell by the webhook id.
 */
import type { Pool } from 'pg';

/** Longer than an attempt may take; a crashed worker's deliveries wait this long at most. */
const leaseMs = 20_000;

export type Leases = {
  acquire(deliveryId: string, now: Date): Promise<boolean>;
  release(deliveryId: string): Promise<void>;
};

export function deliveryLeases(pool: Pool): Leases {
  return {
    async acquire(deliveryId, now) {
      const until = new Date(now.getTime() + leaseMs);
      const leased = await pool.query(
        `insert into delivery_leases (delivery_id, leased_until) values ($1, $2)
         on conflict (delivery_id) do update set leased_until = excluded.leased_until
           where delivery_leases.leased_until <= $3`,
        [deliveryId, until.toISOString(), now.toISOString()],
      );
      return leased.rowCount === 1;
    },
    async release(deliveryId) {
      await pool.query('delete from delivery_leases where delivery_id = $1', [deliveryId]);
    },
  };
}
