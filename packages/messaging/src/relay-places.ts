/**
 * Where in the topics a relay's newest publications are. A topic that has lost them was emptied or made anew: publishing
 * what comes next would show consumers that are behind the later facts of a key before the earlier ones.
 */
import { OperationalError } from '@daybook/core';
import type { Tx } from '@daybook/event-store';
import type { PublishedTo, Transport } from './transport';

/** Port. Adapters: Postgres; none, in a simulation whose topics lose nothing. */
export type RelayPlaces = {
  /** Throws OperationalError `topic_begins_again` when a topic ends before what was published to it. */
  check(tx: Tx, transport: Pick<Transport, 'ends'>, relay: string): Promise<void>;
  /** Throws the same when a publication lies before an earlier one. */
  remember(tx: Tx, relay: string, published: readonly PublishedTo[]): Promise<void>;
};

export const postgresRelayPlaces: RelayPlaces = {
  async check(tx, transport, relay) {
    const { rows } = await tx.query<{ topic: string; partition: number; next_offset: string }>(
      `select topic, partition, next_offset from relay_places where relay = $1`,
      [relay],
    );
    for (const topic of new Set(rows.map((row) => row.topic))) {
      const ends = await transport.ends(topic);
      for (const row of rows.filter((one) => one.topic === topic)) {
        const end = ends.get(row.partition) ?? 0n;
        if (end < BigInt(row.next_offset)) throw lost(topic, `${row.partition} ends at ${end}, not ${row.next_offset}`);
      }
    }
  },
  async remember(tx, relay, published) {
    const { rowCount } = await tx.query(
      `insert into relay_places (relay, topic, partition, first_offset, next_offset)
       select $1, * from unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[])
       on conflict (relay, topic, partition) do update
       set first_offset = excluded.first_offset, next_offset = excluded.next_offset
       where relay_places.next_offset <= excluded.first_offset`,
      [
        relay,
        published.map(({ topic }) => topic),
        published.map(({ partition }) => partition),
        published.map(({ first }) => first),
        published.map(({ next }) => next),
      ],
    );
    if (rowCount !== published.length)
      throw lost(published[0]?.topic ?? '', 'a publication lies before an earlier one');
  },
};

export const noRelayPlaces: RelayPlaces = { check: async () => undefined, remember: async () => undefined };

function lost(topic: string, what: string): OperationalError {
  const detail = `${topic}: ${what}. Publish everything again from the store.`;
  return new OperationalError('topic_begins_again', true, { detail });
}
