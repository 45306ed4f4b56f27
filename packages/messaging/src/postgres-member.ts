/**
 * One consumer on the Postgres log: its share of the partitions, and a loop per partition that it holds. The loop reads
 * in bounded batches, waits for the handler, and starts again from the same offset when the handler rejects.
 */
import { createAlarm, type Alarm, type Logger } from '@daybook/runtime';
import { backoffMs, pause } from './backoff';
import { placeName } from './postgres-log';
import type { LockSession } from './postgres-session';
import type { ConsumeOptions, RawMessage } from './transport';

export type Log = {
  read(
    place: { readonly topic: string; readonly partition: number },
    from: bigint,
    bounds: { readonly limit: number; readonly bytesMax: number },
  ): Promise<readonly RawMessage[]>;
  /** As last seen; refreshed by the transport, which then wakes its members. */
  end(topic: string, partition: number): bigint;
  endNow(topic: string, partition: number): Promise<bigint>;
};

export type Member = {
  /**
   * Takes or gives back partitions, so that each of the group's members has its share. Waits for no handler: a partition
   * that is given back keeps its lock until the call in hand has ended.
   */
  balance(session: LockSession, members: (name: string) => number): Promise<void>;
  /** The locks are gone with their connection: finish what is in hand and hold nothing. */
  release(): void;
  wake(): void;
  stop(): Promise<void>;
};

/** What a member holds in memory of each partition at most, but for a single message that is larger. */
const bounds = { limit: 200, bytesMax: 1_048_576 };
const idleMs = 5_000;
const backoff = { firstMs: 50, maxMs: 5_000 };

type Held = {
  readonly session: LockSession;
  readonly stopping: AbortController;
  readonly alarm: Alarm;
  /** When its last handler has ended and its lock is free. */
  done: Promise<void>;
};

export function createMember(log: Log, logger: Logger, partitions: number, options: ConsumeOptions): Member {
  const name = `${options.group} ${options.topic}`;
  const held = new Map<number, Held>();
  let membership: { readonly session: LockSession; leave(): Promise<void> } | undefined;
  let stopped = false;

  function hold(session: LockSession, partition: number): void {
    const entry: Held = { session, stopping: new AbortController(), alarm: createAlarm(), done: Promise.resolve() };
    held.set(partition, entry);
    entry.done = pump(log, logger, options, partition, entry).finally(() => giveBack(partition, entry));
  }

  /** Forgotten last, so that it is not taken again before. If the connection breaks here, the lock goes with it. */
  async function giveBack(partition: number, { session }: Held): Promise<void> {
    await session.unlock(lockName(options, partition)).catch(() => undefined);
    held.delete(partition);
  }

  /** Without those that end, however long that takes. */
  function serving(): readonly Held[] {
    return [...held.values()].filter(({ stopping }) => !stopping.signal.aborted);
  }

  return {
    async balance(session, members) {
      if (stopped) return;
      if (membership?.session !== session) {
        const joined = await session.join(name);
        if (stopped) return joined.leave();
        membership = { session, ...joined };
      }
      const share = Math.ceil(partitions / Math.max(1, members(name)));
      for (const entry of serving().slice(share)) stop(entry);
      for (let partition = 0; partition < partitions && serving().length < share; partition++) {
        if (stopped || held.has(partition) || !(await session.tryLock(lockName(options, partition)))) continue;
        if (stopped) await session.unlock(lockName(options, partition));
        else hold(session, partition);
      }
    },
    release() {
      for (const entry of held.values()) stop(entry);
    },
    wake() {
      for (const entry of held.values()) entry.alarm.ring();
    },
    async stop() {
      stopped = true;
      for (const entry of held.values()) stop(entry);
      await Promise.all([...held.values()].map(({ done }) => done));
      // If the connection breaks here, the server lets go of the membership with it.
      await membership?.leave().catch(() => undefined);
      membership = undefined;
    },
  };
}

async function pump(log: Log, logger: Logger, options: ConsumeOptions, partition: number, entry: Held): Promise<void> {
  const { topic } = options;
  const { signal } = entry.stopping;
  let next: bigint | undefined;
  let last: RawMessage | undefined;
  let failures = 0;
  while (!signal.aborted) {
    try {
      if (next === undefined) last = undefined;
      next ??= await options.startAt(partition);
      const end = log.end(topic, partition);
      if (end <= next) {
        const woken = await entry.alarm.wait(idleMs);
        // It may have been looked at before we read it. One that still ends before our place has begun again.
        if (woken && log.end(topic, partition) < next && (await log.endNow(topic, partition)) < next) next = undefined;
        continue;
      }
      const messages = await readBehind(log, { topic, partition }, next, last);
      if (messages === undefined) {
        next = undefined;
        continue;
      }
      if (signal.aborted) return;
      if (messages.length > 0) await options.handle(messages);
      last = messages.at(-1) ?? last;
      next = (messages.at(-1)?.offset ?? end - 1n) + 1n;
      failures = 0;
    } catch (error) {
      next = undefined;
      logger.warn({ error, group: options.group, topic, partition, failures }, 'messages not handled; trying again');
      await pause(backoffMs(failures++, backoff), signal);
    }
  }
}

/**
 * From `next`; undefined when the message before it is not the one that was delivered last: a log that was made anew may
 * be longer than our place.
 */
async function readBehind(
  log: Log,
  place: { readonly topic: string; readonly partition: number },
  next: bigint,
  last: RawMessage | undefined,
): Promise<readonly RawMessage[] | undefined> {
  if (last === undefined) return log.read(place, next, bounds);
  const [before, ...behind] = await log.read(place, last.offset, bounds);
  if (!isSame(last, before)) return undefined;
  // None fits behind a message that is large itself.
  return behind.length > 0 ? behind : log.read(place, next, bounds);
}

function isSame(known: RawMessage, found: RawMessage | undefined): boolean {
  return (
    found?.offset === known.offset &&
    Buffer.compare(known.value ?? Buffer.alloc(0), found.value ?? Buffer.alloc(0)) === 0
  );
}

function stop(entry: Held): void {
  entry.stopping.abort();
  entry.alarm.ring();
}

function lockName(options: ConsumeOptions, partition: number): string {
  return `${options.group} ${placeName(options.topic, partition)}`;
}
