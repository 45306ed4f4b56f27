/**
 * The tables of one service beside its log: durable rows, transactions on them, and for each process a way to them that
 * fails as that to the log does. Not a database that reads SQL: adapters of ports are written on `ask`, and what has no
 * port is not simulated. A pool of it opens transactions and does nothing else.
 *
 * As on Postgres at its default level: a transaction sees what is committed and what it wrote itself; row locks wait for
 * whoever holds them; a connection that is lost, or whose process is gone, rolls back and lets go of its locks; a commit
 * whose answer is lost has happened or has not.
 */
import { OperationalError } from '@daybook/core';
import type { Tx } from '@daybook/event-store';
import type { Pool } from 'pg';
import type { SimulatedStore } from './simulated-event-store';
import type { SimulatedProcess, World } from './world';

/** Rows of named tables by their keys, as one statement sees them. */
export type SimulatedRows = {
  get<Row>(table: string, key: string): Row | undefined;
  put(table: string, key: string, row: unknown): void;
  all<Row>(table: string): readonly (readonly [key: string, row: Row])[];
};

export type SimulatedDatabase = {
  pool(owner: SimulatedProcess): Pool;
  /** One statement; on a pool it commits by itself. `locks` are names of rows that it waits for and keeps. */
  ask<T>(on: Pool | Tx, what: string, effect: (rows: SimulatedRows) => T, locks?: readonly string[]): Promise<T>;
  /** Takes a lock that nobody holds, for the transaction. */
  tryLock(on: Tx, name: string): boolean;
  /** What is committed. */
  readonly rows: SimulatedRows;
};

type Table = Map<string, unknown>;
type Session = {
  readonly owner: SimulatedProcess;
  readonly writes: Map<string, Table>;
  readonly locks: Set<string>;
  state: 'open' | 'committing' | 'ended';
};

const lockTimeoutMs = 10_000;
const lockPollMs = 10;

type Net = Pick<SimulatedStore, 'call' | 'latencyMs' | 'fails'>;

export function simulatedDatabase(world: World, net: Net): SimulatedDatabase {
  const tables = new Map<string, Table>();
  const sessions = new WeakMap<object, Session>();
  const owners = new WeakMap<object, SimulatedProcess>();
  const durable = rowsOf([tables], tables);
  const locks = createLocks(world);

  async function within<T>(
    session: Session,
    what: string,
    effect: (rows: SimulatedRows) => T,
    names: readonly string[],
  ): Promise<T> {
    if (session.state !== 'open') throw lost();
    await locks.wait(session, names);
    try {
      return await net.call(session.owner, what, () => effect(rowsOf([session.writes, tables], session.writes)));
    } catch (error) {
      locks.end(session);
      throw error;
    }
  }

  function commit(session: Session): Promise<void> {
    if (session.state !== 'open') return Promise.reject(lost());
    session.state = 'committing';
    return new Promise((resolve, reject) => {
      const [there, back, fails] = [net.latencyMs(), net.latencyMs(), net.fails()];
      const arrives = !fails || world.random.chance(0.5);
      world.note(`${session.owner.name} commit${fails ? ` fails${arrives ? ' after it' : ''}` : ''}`);
      world.after(there, null, () => {
        for (const [table, rows] of arrives ? session.writes : [])
          for (const [key, row] of rows) durable.put(table, key, row);
        locks.end(session);
        world.after(back, session.owner, () => (fails ? reject(lost()) : resolve()));
      });
    });
  }

  function connect(owner: SimulatedProcess): Promise<object> {
    const session: Session = { owner, writes: new Map(), locks: new Set(), state: 'open' };
    const client = clientOf(session, { commit, end: locks.end, refuse: (what) => world.violated(what) });
    sessions.set(client, session);
    if (!net.fails()) return Promise.resolve(client);
    return new Promise((_, reject) => world.after(net.latencyMs(), owner, () => reject(lost())));
  }

  return {
    rows: durable,
    pool(owner) {
      const pool = { options: { max: 20 }, connect: () => connect(owner) };
      owners.set(pool, owner);
      return pool as unknown as Pool;
    },
    ask(on, what, effect, names = []) {
      const session = sessions.get(on);
      if (session === undefined) return net.call(owners.get(on)!, what, () => effect(durable));
      return within(session, what, effect, names.toSorted());
    },
    tryLock: (on, name) => locks.take(name, sessions.get(on)!),
  };
}

/** What a transaction asks of a connection. */
function clientOf(
  session: Session,
  database: { commit(session: Session): Promise<void>; end(session: Session): void; refuse(what: string): void },
): object {
  const client = {
    on: () => client,
    off: () => client,
    release: () => database.end(session),
    query(text: string) {
      if (text === 'begin') return Promise.resolve();
      if (text === 'commit') return database.commit(session);
      if (text !== 'rollback') database.refuse(`there is no port for the statement ${text}`);
      if (session.state === 'open') database.end(session);
      return Promise.resolve();
    },
  };
  return client;
}

function createLocks(world: World) {
  const held = new Map<string, Session>();

  const end = (session: Session) => {
    session.state = 'ended';
    for (const name of session.locks) held.delete(name);
    session.locks.clear();
  };
  /** Of those that are gone, only a commit that is under way keeps what it holds. */
  const take = (name: string, session: Session) => {
    const holder = held.get(name);
    if (holder !== undefined && holder !== session && !holder.owner.alive && holder.state !== 'committing') end(holder);
    if (held.has(name) && held.get(name) !== session) return false;
    held.set(name, session);
    session.locks.add(name);
    return true;
  };
  return {
    end,
    take,
    /** Until all are free. Callers name them in one order, so that no two wait for each other. */
    wait(session: Session, names: readonly string[]): Promise<void> {
      const since = world.now();
      return new Promise((resolve, reject) => {
        const attempt = () => {
          if (names.every((name) => take(name, session))) resolve();
          else if (world.now() - since > lockTimeoutMs) {
            end(session);
            reject(Object.assign(new Error('canceling statement due to lock timeout'), { code: '55P03' }));
          } else world.after(lockPollMs, session.owner, attempt);
        };
        attempt();
      });
    },
  };
}

function lost(): Error {
  return new OperationalError('store_unavailable', true, { detail: 'simulated' });
}

/** Reads from the first layer that has the row. */
function rowsOf(layers: readonly Map<string, Table>[], target: Map<string, Table>): SimulatedRows {
  return {
    get<Row>(table: string, key: string) {
      const layer = layers.find((each) => each.get(table)?.has(key));
      return layer?.get(table)?.get(key) as Row | undefined;
    },
    put(table, key, row) {
      const rows = target.get(table) ?? new Map<string, unknown>();
      target.set(table, rows.set(key, row));
    },
    all<Row>(table: string) {
      const merged = new Map(layers.toReversed().flatMap((layer) => [...(layer.get(table) ?? [])]));
      return [...merged] as (readonly [string, Row])[];
    },
  };
}
