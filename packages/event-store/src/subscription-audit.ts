/**
 * Whether every reader has applied exactly the events up to its place. Lag 0 does not say that: a reader that skipped an
 * event stands at the end too. Each keeps a count and a hash of what it applied, and here they are compared with the
 * log, read once from its start by the port, whatever store it is in.
 */
import type { Pool } from 'pg';
import { advance, type Checkpoint } from './checkpoint';
import { start, type EventStore, type Position } from './event-store';
import { asOperational } from './operational';

type Applied = Pick<Checkpoint, 'count' | 'hash'>;

export type SubscriptionAudit = {
  readonly name: string;
  readonly position: Position;
  /** What the subscription says that it applied. */
  readonly applied: Applied;
  /** What the log holds up to its place. */
  readonly log: Applied;
  readonly agrees: boolean;
  /** When all that is wrong is one event too many or too few: its id. */
  readonly suspect?: string;
};

export type AuditOptions = {
  readonly signal?: AbortSignal;
  /** Called after each page with the events read so far; the log's length is not known before. */
  progress?(read: bigint): void;
  readonly pageSize?: number;
};

const pageSizeDefault = 1_000;

/**
 * One entry for each row of `subscriptions`, by name. Readers may go on meanwhile. Costs one read of the log up to the
 * furthest place. Throws OperationalError `store_unavailable`, and the signal's reason when it aborts.
 */
export async function auditSubscriptions(
  pool: Pick<Pool, 'query'>,
  store: Pick<EventStore, 'readAll' | 'compare'>,
  { signal, progress, pageSize = pageSizeDefault }: AuditOptions = {},
): Promise<readonly SubscriptionAudit[]> {
  const subscriptions = await readSubscriptions(pool);
  const waiting = subscriptions.toSorted((a, b) => store.compare(a.position, b.position));
  const audits: SubscriptionAudit[] = [];
  let log: Checkpoint = { position: start, count: 0n, hash: '0'.repeat(32) };
  for (;;) {
    signal?.throwIfAborted();
    const page = waiting.length > 0 ? await store.readAll(log.position, pageSize) : [];
    let read = 0;
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const { position } = next;
      const behind = page.findIndex((event, index) => index >= read && store.compare(event.position, position) > 0);
      if (behind < 0 && page.length === pageSize) break;
      const upTo = behind < 0 ? page.length : behind;
      log = advance(log, page.slice(read, upTo));
      read = upTo;
      audits.push(auditOf(next, log));
      waiting.shift();
    }
    log = advance(log, page.slice(read));
    progress?.(log.count);
    if (waiting.length === 0) break;
  }
  return audits.sort((a, b) => (a.name < b.name ? -1 : 1));
}

type Subscription = Pick<SubscriptionAudit, 'name' | 'position' | 'applied'>;

function auditOf(subscription: Subscription, { count, hash }: Checkpoint): SubscriptionAudit {
  const { applied } = subscription;
  const audit = { ...subscription, log: { count, hash }, agrees: applied.count === count && applied.hash === hash };
  const difference = applied.count - count;
  if (difference !== 1n && difference !== -1n) return audit;
  // Of all ids that both have, nothing is left over; of the one that only one of them has counted, the id is.
  const left = (BigInt(`0x${applied.hash}`) ^ BigInt(`0x${hash}`)).toString(16).padStart(32, '0');
  return { ...audit, suspect: left.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') };
}

async function readSubscriptions(pool: Pick<Pool, 'query'>): Promise<readonly Subscription[]> {
  try {
    const { rows } = await pool.query<{ name: string; position: string; count: string; hash: string }>(
      `select name, position, applied_count::text as count, applied_hash::text as hash from subscriptions`,
    );
    return rows.map(({ name, position, count, hash }) => ({
      name,
      position: position as Position,
      applied: { count: BigInt(count), hash: BigInt(`0b${hash}`).toString(16).padStart(32, '0') },
    }));
  } catch (error) {
    throw asOperational(error);
  }
}
