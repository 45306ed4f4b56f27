/** The ports of subscriptions and consumers on the tables of a simulation. */
import type { Checkpoint, CheckpointTable, Position } from '@daybook/event-store';
import type { ConsumerTables, Progress, RawMessage } from '@daybook/messaging';
import { sha256Hex } from '@daybook/runtime';
import type { SimulatedDatabase } from './simulated-database';

type CheckpointRow = Checkpoint & { readonly version: string };

export function simulatedCheckpoints(database: SimulatedDatabase): CheckpointTable {
  const subscriptions = 'subscriptions';
  return {
    open: (pool, name, version) =>
      database.ask(pool, `open ${name}`, (rows) => {
        const known = rows.get<CheckpointRow>(subscriptions, name);
        if (known !== undefined) return known;
        const first: CheckpointRow = { version, position: 'start' as Position, count: 0n, hash: '0'.repeat(32) };
        rows.put(subscriptions, name, first);
        return first;
      }),
    claim: (tx, name) =>
      database.ask(tx, `claim ${name}`, (rows) => {
        const claimed = database.tryLock(tx, `advisory ${name}`);
        const { version, ...current } = rows.get<CheckpointRow>(subscriptions, name)!;
        return { claimed, current, version };
      }),
    move: (tx, name, from, to) =>
      database.ask(
        tx,
        `move ${name}`,
        (rows) => {
          const row = rows.get<CheckpointRow>(subscriptions, name)!;
          if (row.position !== from.position || row.count !== from.count) return false;
          rows.put(subscriptions, name, { ...to, version: row.version });
          return true;
        },
        [`row ${name}`],
      ),
  };
}

export type ParkedRow = { readonly group: string; readonly message: RawMessage; readonly cause: string | null };

export function simulatedConsumerTables(database: SimulatedDatabase): ConsumerTables {
  return { ...offsetsOf(database), ...inboxOf(database) };
}

type Place = Parameters<ConsumerTables['lockOffset']>[1];
type Offsets = 'lockOffset' | 'moveOffset' | 'rewindOffset' | 'touchOffset' | 'readProgress';

function offsetsOf(database: SimulatedDatabase): Pick<ConsumerTables, Offsets> {
  const offsets = 'consumer_offsets';
  const keyOf = ({ group, topic, partition }: Place) => `${group} ${topic} ${partition}`;
  return {
    lockOffset: (tx, place) =>
      database.ask(
        tx,
        'lock offset',
        (rows) => {
          const known = rows.get<Progress>(offsets, keyOf(place));
          if (known === undefined) rows.put(offsets, keyOf(place), { next: 0n, aliveAt: '' } satisfies Progress);
          return known?.next ?? 0n;
        },
        [`${offsets} ${keyOf(place)}`],
      ),
    moveOffset: (tx, place, next) =>
      database.ask(tx, `offset ${next}`, (rows) =>
        rows.put(offsets, keyOf(place), { next, aliveAt: new Date().toISOString() } satisfies Progress),
      ),
    rewindOffset: (pool, place, end) =>
      database.ask(pool, 'rewind', (rows) => {
        const known = rows.get<Progress>(offsets, keyOf(place));
        if (known !== undefined && known.next > end) rows.put(offsets, keyOf(place), { ...known, next: 0n });
      }),
    touchOffset: (pool, place) =>
      database.ask(pool, 'touch', (rows) => {
        const next = rows.get<Progress>(offsets, keyOf(place))?.next ?? 0n;
        rows.put(offsets, keyOf(place), { next, aliveAt: new Date().toISOString() } satisfies Progress);
      }),
    readProgress: (pool, { group, topic }) =>
      database.ask(pool, 'progress', (rows) => {
        const prefix = `${group} ${topic} `;
        const own = rows.all<Progress>(offsets).filter(([key]) => key.startsWith(prefix));
        return new Map(own.map(([key, progress]) => [Number(key.slice(prefix.length)), progress]));
      }),
  };
}

/** A log that begins again gives the offset to another message. */
function parkedName(group: string, { topic, partition, offset, key, value }: RawMessage): string {
  return `${group} ${topic} ${partition} ${offset} ${key} ${sha256Hex(value ?? '')}`;
}

function inboxOf(database: SimulatedDatabase): Pick<ConsumerTables, 'claim' | 'parkedKeys' | 'park' | 'countParked'> {
  const [inbox, parked] = ['inbox', 'parked_messages'];
  const parkedRows = (rows: SimulatedDatabase['rows'], group: string, topic: string) =>
    rows.all<ParkedRow>(parked).filter(([, row]) => row.group === group && row.message.topic === topic);
  return {
    claim: async (tx, group, ids) => {
      if (ids.length === 0) return new Set();
      const names = [...new Set(ids)].map((id) => `${group} ${id}`);
      const claim = (rows: SimulatedDatabase['rows']) => {
        const fresh = ids.filter((id) => rows.get(inbox, `${group} ${id}`) === undefined);
        for (const id of fresh) rows.put(inbox, `${group} ${id}`, true);
        return new Set(fresh);
      };
      return database.ask(tx, `claim ${ids.length}`, claim, names);
    },
    parkedKeys: (tx, { group, topic }, keys) =>
      database.ask(
        tx,
        'parked',
        (rows) =>
          new Set(
            parkedRows(rows, group, topic)
              .map(([, { message }]) => message.key)
              .filter((key) => keys.includes(key)),
          ),
      ),
    park: (tx, group, message, { cause }) =>
      database.ask(tx, 'park', (rows) =>
        rows.put(parked, parkedName(group, message), { group, message, cause } satisfies ParkedRow),
      ),
    countParked: (pool, group, topic) =>
      database.ask(pool, 'count parked', (rows) => parkedRows(rows, group, topic).length),
  };
}
