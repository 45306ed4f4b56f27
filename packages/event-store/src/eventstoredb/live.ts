/**
 * The catch-up subscription that tells of appends by others, under a supervisor: the client does not subscribe again by
 * itself, and a server may stop telling without closing. The readers' own polls are the heartbeat: an event that an
 * append, a read or the tail has seen, and that the subscription has not told of in time, means that it is dead. So a
 * quiet store needs no heartbeat events, and a dead subscription costs a reader its poll interval, never an event.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@daybook/runtime';
import { comparePlaces, type LogPlace } from './place';
import type { Wire } from './wire';

export type LiveOptions = {
  readonly wire: () => Promise<Wire>;
  readonly prefix: string;
  /** Where to begin: the place of the newest append of ours, if any. */
  readonly newest: () => Promise<LogPlace | undefined>;
  readonly silenceMs: number;
  readonly wake: () => void;
  readonly logger?: Logger | undefined;
};

const retryMinMs = 100;
const retryMaxMs = 5_000;

export type Live = ReturnType<typeof followLive>;

export function followLive(options: LiveOptions) {
  const stopping = new AbortController();
  /** The newest of ours that it told of, and how far it has looked. A new subscription goes on there. */
  let told: LogPlace | undefined;
  let passed: LogPlace | undefined;
  let begun = false;
  const owed = createDebt(options.silenceMs);

  const hear = (place: LogPlace) => {
    told = place;
    passed = place;
    owed.pay(place);
  };

  async function follow(signal: AbortSignal): Promise<void> {
    const wire = await options.wire();
    if (!begun) {
      const newest = await options.newest();
      if (newest) hear(newest);
      begun = true;
    }
    for await (const heard of wire.follow({ prefix: options.prefix, place: passed ?? 'start' }, signal)) {
      if ('event' in heard) hear(heard.event.place);
      if ('passed' in heard) passed = later(passed, heard.passed);
      // The confirmation too: it tells of what was appended while nobody listened.
      else options.wake();
    }
  }

  /** One subscription until it ends, fails or has been silent for too long. */
  async function followOnce(): Promise<string> {
    const cut = new AbortController();
    const signal = AbortSignal.any([cut.signal, stopping.signal]);
    owed.grantTime();
    const following = follow(signal).then(
      () => 'ended',
      (error: unknown) => `failed: ${error instanceof Error ? error.message : String(error)}`,
    );
    const reason = await Promise.race([following, owed.overdue(signal)]);
    cut.abort();
    return reason;
  }

  async function supervise(): Promise<void> {
    let retryMs = retryMinMs;
    while (!stopping.signal.aborted) {
      const before = passed;
      const reason = await followOnce();
      if (stopping.signal.aborted) return;
      // What it owes may stand before what it says to have passed.
      if (reason === 'silent') passed = told;
      retryMs = reason === 'silent' || passed !== before ? retryMinMs : Math.min(retryMs * 2, retryMaxMs);
      options.logger?.warn({ reason, retryMs }, 'the subscription to EventStoreDB is made again');
      await delay(retryMs * Math.random(), undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const running = supervise();
  return {
    /** An event of ours that the subscription must tell of. */
    expect(place: LogPlace) {
      if (told === undefined || comparePlaces(place, told) > 0) owed.add(place);
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** The newest event that is known to exist and has not been told of, and since when. */
function createDebt(silenceMs: number) {
  let debt: { readonly place: LogPlace; readonly since: number } | undefined;
  return {
    add(place: LogPlace) {
      if (debt && comparePlaces(place, debt.place) <= 0) return;
      debt = { place, since: debt?.since ?? performance.now() };
    },
    pay(place: LogPlace) {
      if (debt && comparePlaces(place, debt.place) >= 0) debt = undefined;
      else if (debt) debt = { place: debt.place, since: performance.now() };
    },
    grantTime() {
      if (debt) debt = { place: debt.place, since: performance.now() };
    },
    async overdue(signal: AbortSignal): Promise<'silent' | 'stopped'> {
      while (!signal.aborted) {
        if (debt && performance.now() - debt.since >= silenceMs) return 'silent';
        await delay(silenceMs / 4, undefined, { signal }).catch(() => undefined);
      }
      return 'stopped';
    },
  };
}

function later(a: LogPlace | undefined, b: LogPlace): LogPlace {
  return a !== undefined && comparePlaces(a, b) > 0 ? a : b;
}
