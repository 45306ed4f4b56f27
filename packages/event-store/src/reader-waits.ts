import type { Clock } from '@daybook/runtime';
import type { Pool } from 'pg';
import type { EventStore, Position } from './event-store';

export type ReaderWait = {
  readonly name: string;
  /** How long the first event is there that it has not applied, in seconds; 0 when it has applied all. */
  readonly waitsS: number;
};

/**
 * Of the readers of these names that have begun. What an open transaction holds back from all of them counts from when it
 * has ended: until then `watchWriters` tells. Throws OperationalError `store_unavailable`.
 */
export async function readerWaits(
  deps: { readonly pool: Pool; readonly store: EventStore; readonly now: Clock },
  names: readonly string[],
): Promise<readonly ReaderWait[]> {
  const { rows } = await deps.pool.query<{ name: string; position: Position }>(
    `select name, position from subscriptions where name = any($1) order by name`,
    [names],
  );
  return Promise.all(
    rows.map(async ({ name, position }) => {
      const [next] = await deps.store.readAll(position, 1);
      const waitsMs = next === undefined ? 0 : deps.now().getTime() - next.recordedAt.getTime();
      return { name, waitsS: Math.max(0, waitsMs) / 1_000 };
    }),
  );
}
