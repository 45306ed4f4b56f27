/**
 * The port on EventStoreDB. One append of the port is one event of the server (see append-events.ts), written with the
 * exact revision of its stream, never with ANY. Order: the server's `$all`, filtered to the names of one service.
 * Idempotency: an append that finds its place taken compares what stands there with what it brought, as on Postgres.
 */
import { assert } from '@daybook/core';
import type { Logger } from '@daybook/runtime';
import { assertAppendable, settleRepeat } from '../append-rule';
import { start, type EventStore, type NewEvent, type Position, type StoredEvent } from '../event-store';
import { appender, extentOf, storedEvents } from './append-events';
import { appendFailure, isNoPlace, readFailure } from './failures';
import { followLive, type Live } from './live';
import { comparePlaces, comparePositions, parsedPlace, placeOf, type LogPlace } from './place';
import { quietLog } from './quiet-log';
import { seek, streamEnds } from './stream-ends';
import type * as WireModule from './wire';
import type { Wire } from './wire';

export type EventStoreDbOptions = {
  /** `esdb://` or `esdb+discover://`, as the client reads it. */
  readonly url: string;
  /** What all names of this Daybook on the server begin with. */
  readonly namespace: string;
  /** Whose log it is: services share a server, never a stream. */
  readonly service: string;
  /** Of every call, in milliseconds. */
  readonly deadlineMs?: number;
  /** How long the subscription may owe an event before it is made again, in milliseconds. */
  readonly silenceMs?: number;
  /** What the server takes in one append, in bytes; a lower limit of the server is learned. */
  readonly appendBytesMax?: number;
  readonly logger?: Logger;
};

const deadlineDefaultMs = 10_000;
const silenceDefaultMs = 5_000;
const appendBytesDefault = 1024 * 1024;
/** Appends in one read: few at first, because one may hold a thousand events. */
const pageMin = 32;
const pageMax = 256;

export function eventStoreDb(options: EventStoreDbOptions): EventStore {
  const log = openLog(options);
  const { wire, prefix } = log;

  async function append(stream: string, events: readonly NewEvent[], first: bigint): Promise<{ revision: bigint }> {
    const end = log.ends.known(stream);
    const { next, last } = end?.next === first ? end : await reading(() => log.lookUp(stream));
    if (next !== first) return settle(stream, events, first);
    const appended = await log.append(stream, events, first, last);
    if (appended.outcome === 'wrong_revision') {
      log.ends.forget(stream);
      return settle(stream, events, first);
    }
    log.ends.put(stream, { next: first + BigInt(events.length), last: appended.revision });
    if (appended.place) log.saw(appended.place);
    log.wake();
    return { revision: first + BigInt(events.length) - 1n };
  }

  async function settle(stream: string, events: readonly NewEvent[], first: bigint): Promise<{ revision: bigint }> {
    return settleRepeat(
      await store.readStream(unprefixed(stream), { from: first, limit: events.length }),
      events,
      first,
    );
  }

  const unprefixed = (stream: string) => stream.slice(prefix.length);

  const store: EventStore = {
    async append(stream, events, expected) {
      assertAppendable(events);
      return append(prefix + stream, [...events], expected === 'no_stream' ? 0n : expected + 1n);
    },
    async readStream(stream, { from = 0n, limit = Infinity } = {}) {
      if (limit <= 0) return [];
      const to = Number.isFinite(limit) ? from + BigInt(limit) - 1n : undefined;
      const events: StoredEvent[] = [];
      for await (const page of store.scanStream(stream, { from, ...(to === undefined ? {} : { to }) }))
        events.push(...page);
      return events;
    },
    async *scanStream(stream, { from = 0n, to } = {}) {
      try {
        yield* scan(log, prefix + stream, from, to);
      } catch (error) {
        throw readFailure(error);
      }
    },
    readAll: (from, limit) => reading(() => readAfter(log, from, limit)),
    tail: () => reading(async () => log.quiet.tail(await wire())),
    holds: async (place) => place === start || reading(() => hasEventAt(log, place)),
    compare: comparePositions,
    onAppend: log.add,
    close: log.close,
  };
  return store;
}

type Log = ReturnType<typeof openLog>;

/** The service's part of the server's log, and who waits for news of it. */
function openLog(options: EventStoreDbOptions) {
  const { url, namespace, service, deadlineMs = deadlineDefaultMs, silenceMs = silenceDefaultMs, logger } = options;
  for (const name of [namespace, service]) assert(/^[a-z][a-z0-9_-]*$/.test(name), `${name} cannot begin stream names`);
  const prefix = `${namespace}.${service}:`;
  const readers = new Set<{ readonly wake: () => void }>();
  const ends = streamEnds();
  const appends = appender(`${namespace}.${service}~part:`, options.appendBytesMax ?? appendBytesDefault);
  let opening: Promise<Wire> | undefined;
  let live: Live | undefined;

  const wire = () => (opening ??= loadWire(url, deadlineMs));
  const wake = () => {
    for (const reader of readers) reader.wake();
  };
  const saw = (place: LogPlace) => live?.expect(place);
  const quiet = quietLog(prefix, saw);
  const newest = async () => {
    const tail = await quiet.tail(await wire());
    return tail === start ? undefined : placeOf(tail);
  };
  const quieten = async () => {
    const stopped = live;
    live = undefined;
    await stopped?.stop();
  };

  return {
    prefix,
    ends,
    wire,
    wake,
    quiet,
    saw,
    lookUp: async (stream: string) => ends.lookUp(await wire(), stream),
    async append(stream: string, events: readonly NewEvent[], first: bigint, last: bigint | 'no_stream') {
      try {
        return await appends.append(await wire(), stream, events, { first, last });
      } catch (error) {
        ends.forget(stream);
        throw appendFailure(error);
      }
    },
    add(wakeReader: () => void) {
      const reader = { wake: wakeReader };
      readers.add(reader);
      live ??= followLive({ wire, prefix, newest, silenceMs, wake, logger });
      return {
        async stop() {
          readers.delete(reader);
          if (readers.size === 0) await quieten();
        },
      };
    },
    async close() {
      readers.clear();
      await quieten();
      const opened = opening;
      opening = undefined;
      await (await opened)?.close();
    },
  };
}

async function reading<T>(work: () => Promise<T>): Promise<T> {
  return work().catch((error: unknown) => {
    throw readFailure(error);
  });
}

/** The client takes long to load, and a process whose events are in Postgres needs none of it. */
async function loadWire(url: string, deadlineMs: number): Promise<Wire> {
  const { openWire } = require('./wire') as typeof WireModule;
  return openWire(url, deadlineMs);
}

/** Events `from` to `to` of a stream by its name on the server, one append at a time. */
async function* scan(log: Log, stream: string, from: bigint, to: bigint | undefined): AsyncGenerator<StoredEvent[]> {
  const through = await log.wire();
  const end = from === 0n ? undefined : await log.lookUp(stream);
  if (end !== undefined && (end.last === 'no_stream' || from >= end.next)) return;
  let at = end === undefined ? 0n : await seek(through, stream, from, end.last as bigint);
  const wanted = to === undefined ? pageMin : Number(to - from) + 1;
  for (let limit = Math.min(pageMin, wanted); ; limit = Math.min(limit * 2, pageMax)) {
    const page = await through.read({ direction: 'forwards', limit, from: { stream, revision: at } });
    for (const event of page) {
      const stored = await storedEvents(through, log.prefix, event);
      const within = stored.filter(({ revision }) => revision >= from && (to === undefined || revision <= to));
      if (within.length > 0) yield within;
      if (to !== undefined && stored.at(-1)!.revision >= to) return;
    }
    if (page.length < limit) return;
    at += BigInt(page.length);
  }
}

/** Asks without a filter: where nothing of ours stands, the server would look through all that others have. */
async function hasEventAt(log: Log, position: Position): Promise<boolean> {
  const place = parsedPlace(position);
  if (place === undefined) return false;
  const wire = await log.wire();
  const [found] = await wire.read({ direction: 'forwards', limit: 1, from: { place } }).catch((error: unknown) => {
    if (isNoPlace(error)) return [];
    throw error;
  });
  if (found === undefined || comparePlaces(found.place, place) !== 0) return false;
  return found.stream.startsWith(log.prefix) && place.index < extentOf(found).count;
}

async function readAfter(log: Log, from: Position, limit: number): Promise<StoredEvent[]> {
  if (limit <= 0) return [];
  const wire = await log.wire();
  const events: StoredEvent[] = [];
  let place = log.quiet.beginning(from);
  for (let size = Math.min(pageMin, limit + 1); ; size = Math.min(size * 2, pageMax)) {
    const page = await wire.read({ direction: 'forwards', limit: size, from: { prefix: log.prefix, place } });
    for (const event of page) {
      log.saw(event.place);
      // The place itself is read again: a part of its append may have been left over.
      for (const stored of await storedEvents(wire, log.prefix, event)) {
        if (comparePositions(stored.position, events.at(-1)?.position ?? from) > 0) events.push(stored);
        if (events.length === limit) return events;
      }
    }
    const newest = page.at(-1);
    if (newest === undefined || page.length < size) break;
    place = newest.place;
  }
  if (events.length === 0) await log.quiet.look(wire);
  return events;
}
