import { assertAppendable, settleRepeat } from './append-rule';
import { start, type EventStore, type Position, type StoredEvent } from './event-store';

/** The port in memory: for unit tests and simulations. Passes the same contract suite as Postgres. */
export function memoryEventStore(now: () => Date = () => new Date()): EventStore {
  const log: StoredEvent[] = [];
  const streams = new Map<string, StoredEvent[]>();
  const listeners = new Set<() => void>();

  return {
    async append(stream, given, expected) {
      assertAppendable(given);
      const events = [...given];
      const existing = streams.get(stream) ?? [];
      const first = expected === 'no_stream' ? 0n : expected + 1n;
      if (first !== BigInt(existing.length)) return settleRepeat(existing, events, first);
      for (const [index, event] of events.entries()) {
        const stored: StoredEvent = {
          ...event,
          stream,
          revision: first + BigInt(index),
          position: String(log.length + 1) as Position,
          recordedAt: now(),
        };
        log.push(stored);
        existing.push(stored);
      }
      streams.set(stream, existing);
      for (const wake of listeners) queueMicrotask(wake);
      return { revision: first + BigInt(events.length) - 1n };
    },
    async readStream(stream, { from = 0n, limit = Number.MAX_SAFE_INTEGER } = {}) {
      return (streams.get(stream) ?? []).filter((event) => event.revision >= from).slice(0, limit);
    },
    async *scanStream(stream, { from = 0n, to } = {}) {
      const events = (streams.get(stream) ?? []).filter(
        ({ revision }) => revision >= from && (to === undefined || revision <= to),
      );
      if (events.length > 0) yield events;
    },
    async readAll(from, limit) {
      const index = indexOf(from);
      return log.slice(index, index + limit);
    },
    async tail() {
      return log.at(-1)?.position ?? start;
    },
    async holds(place) {
      return place === start || log[Number(place) - 1]?.position === place;
    },
    compare: (a, b) => indexOf(a) - indexOf(b),
    onAppend(wake) {
      listeners.add(wake);
      return { stop: async () => void listeners.delete(wake) };
    },
    async close() {
      listeners.clear();
    },
  };
}

function indexOf(position: Position): number {
  return position === start ? 0 : Number(position);
}
