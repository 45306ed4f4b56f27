import { uuidv7 } from '@daybook/runtime';
import { start, type EventStore, type NewEvent, type StoredEvent } from '../src/event-store';

export function anEvent(id = uuidv7(), payload: Buffer | string = '{"n":1}'): NewEvent {
  const metadata = { correlationId: 'correlation "1"', causationId: 'cause\\ü' };
  return { id, type: 'Counted', version: 1, payload: Buffer.from(payload), metadata };
}

export const someEvents = (count: number): NewEvent[] => Array.from({ length: count }, () => anEvent());

/** The whole log, in pages of `limit`. */
export async function readWhole(store: EventStore, limit = 500): Promise<StoredEvent[]> {
  const log: StoredEvent[] = [];
  for (;;) {
    const page = await store.readAll(log.at(-1)?.position ?? start, limit);
    log.push(...page);
    if (page.length === 0) return log;
  }
}

/** The outcome of an append elsewhere than at the end of the stream. */
export const conflict = { code: 'version_conflict', retryable: true };
/** The outcome of what no correct caller does. */
export const bug = { name: 'AssertionError' };

export type Comparable = Omit<StoredEvent, 'payload'> & { readonly payload: string };

/** Jest compares Buffers byte by byte, which takes seconds for what a scan reads. */
export function comparable(event: StoredEvent): Comparable {
  return { ...event, payload: event.payload.toString('base64') };
}
