/**
 * Sends deliveries that are due. Those that were scheduled here are offered as soon as they are durable; the others, and
 * what was not taken, it finds in deliveries_v1 after that has caught up: it looks on appends and by the clock. Several
 * workers share the work through leases, which are taken before a delivery waits in line here. Stopping gives attempts in
 * progress a moment, then breaks them off unrecorded: they are sent again later with the same id.
 *
 * An endpoint that gets more than it takes falls behind: what it has left to looks is older than what is offered, and is only
 * found while nothing of it is in line. Until a look has found all of it, nothing that is offered for it is taken.
 */
import { isOperationalError } from '@daybook/core';
import { asOperational } from '@daybook/event-store';
import { createAlarm, type Clock, type Component, type Logger, type OnFatal } from '@daybook/runtime';
import { gathered } from '../app/gathered';
import type { Attempt } from '../app/send-delivery';
import type { KnownDelivery } from '../app/webhooks';
import { dueMax, duePerEndpoint, type DueDelivery } from '../projections/deliveries';
import { startWithinMs, type Leases } from './delivery-leases';
import { createLine, type Due, type InLine } from './delivery-line';
import { deliverySlots } from './delivery-slots';

const pollMsDefault = 1_000;
/** Appends come without end where much is sent; between two looks is so much time at least, if the clock allows it. */
const lookGapMs = 100;
const stopGraceMs = 3_000;
const leasesTogether = 500;

export type DeliveryWorkerDeps = {
  due(options: { readonly now: Date; readonly exceptEndpoints: readonly string[] }): Promise<readonly DueDelivery[]>;
  send(delivery: Due, abort: AbortSignal): Promise<Attempt>;
  readonly leases: Leases;
  onAppend(wake: () => void): { stop(): Promise<void> };
  readonly now: Clock;
  readonly logger: Logger;
  readonly onFatal: OnFatal;
  readonly pollMs?: number;
};

export type DeliveryWorker = Component & {
  /** Of a delivery that is due and durable. Whether it is taken is not told: what is not is found later. */
  offer(delivery: KnownDelivery): void;
};

type Fail = (error: unknown) => void;

/** Endpoints of which something was left to looks, and how often so far. */
function createBehind() {
  const left = new Map<string, number>();
  return {
    has: (endpointId: string) => left.has(endpointId),
    add: (endpointId: string) => void left.set(endpointId, (left.get(endpointId) ?? 0) + 1),
    all: (): ReadonlyMap<string, number> => new Map(left),
    /** Unless something was left since, when it was so often. */
    caughtUp(endpointId: string, often: number): void {
      if (left.get(endpointId) === often) left.delete(endpointId);
    },
  };
}

function gatheredLeases({ leases, now }: Pick<DeliveryWorkerDeps, 'leases' | 'now'>) {
  return {
    acquire: gathered(async (ids: readonly string[]) => {
      const leased = await leases.acquire(ids, now());
      return ids.map((id) => leased.has(id));
    }, leasesTogether),
    release: gathered(async (ids: readonly string[]) => {
      await leases.release(ids);
      return ids;
    }, leasesTogether),
  };
}

/** Leases, lines up and sends what it is given, as slots are free. `idle` tells that a line has got empty. */
function createSending(deps: DeliveryWorkerDeps, fail: Fail, idle: () => void) {
  const { now, leases } = deps;
  const slots = deliverySlots();
  const line = createLine();
  const behind = createBehind();
  const inFlight = new Map<string, Promise<void>>();
  const breakOff = new AbortController();
  let stopping = false;
  const { acquire, release } = gatheredLeases(deps);

  function pump(): void {
    // In turns: who may send more than one takes the second after all others have taken their first.
    while (!stopping && slots.free() > 0 && takeTurn());
  }

  /** At most one delivery of each endpoint in line; false when there was none. */
  function takeTurn(): boolean {
    const turn = line.endpoints().filter((endpointId) => slots.take(endpointId));
    for (const endpointId of turn) {
      const next = line.take(endpointId);
      inFlight.set(next.deliveryId, sendOne(next));
    }
    return turn.length > 0;
  }

  async function sendOne(delivery: InLine): Promise<void> {
    const { deliveryId, endpointId, leasedAt } = delivery;
    const begun = performance.now();
    let attempt: Attempt = 'skipped';
    let tookMs = 0;
    try {
      // What waited for longer could be found by others before its attempt is over, and is left to them.
      if (now().getTime() - leasedAt < startWithinMs) attempt = await deps.send(delivery, breakOff.signal);
      else behind.add(endpointId);
      tookMs = performance.now() - begun;
      await release(deliveryId);
    } catch (error) {
      fail(error);
    } finally {
      slots.giveBack(endpointId, attempt, tookMs);
      inFlight.delete(deliveryId);
      // There may be more than the line could take. A skipped one is due again only when something else has happened.
      if (!line.has(endpointId) && (attempt !== 'skipped' || behind.has(endpointId))) idle();
      // The slot may be what another endpoint waits for: what is in line is not looked for.
      pump();
    }
  }

  return {
    behind,
    isFull: () => slots.free() === 0,
    /** Endpoints that need no more now. */
    served: () => [...new Set([...slots.full(), ...line.endpoints()])],
    async queue(due: Due): Promise<void> {
      const { deliveryId, endpointId } = due;
      if (stopping || inFlight.has(deliveryId)) return;
      const isOffered = due.known !== undefined;
      if ((isOffered && behind.has(endpointId)) || !line.reserve(due, slots.isGood(endpointId)))
        return behind.add(endpointId);
      const leasedAt = now().getTime();
      try {
        if (await acquire(deliveryId)) line.add({ ...due, leasedAt });
        else line.leave(deliveryId, endpointId);
      } catch (error) {
        line.leave(deliveryId, endpointId);
        fail(error);
      }
      pump();
    },
    async stop(): Promise<void> {
      stopping = true;
      const late = setTimeout(() => breakOff.abort(), stopGraceMs);
      await Promise.all(inFlight.values());
      clearTimeout(late);
      const waiting = line.drain();
      if (waiting.length > 0) await leases.release(waiting).catch(fail);
    },
  };
}

export function deliveryWorker(deps: DeliveryWorkerDeps): DeliveryWorker {
  const { logger, now, pollMs = pollMsDefault } = deps;
  const alarm = createAlarm();
  let running: Promise<void> | undefined;
  let stopping = false;
  let appends: { stop(): Promise<void> } | undefined;

  const fail = (error: unknown) => {
    const known = asOperational(error);
    if (isOperationalError(known)) return logger.warn({ error: known }, 'deliveries wait for the database');
    stopping = true;
    alarm.ring();
    return deps.onFatal(error);
  };
  const sending = createSending(deps, fail, alarm.ring);

  async function look(): Promise<void> {
    if (sending.isFull()) return;
    const [behind, exceptEndpoints] = [sending.behind.all(), sending.served()];
    const found = await deps.due({ now: now(), exceptEndpoints });
    await Promise.all(found.map((due) => sending.queue({ ...due, known: undefined })));
    if (found.length >= dueMax) return;
    for (const [endpointId, often] of behind) {
      const count = found.filter((due) => due.endpointId === endpointId).length;
      if (count < duePerEndpoint && !exceptEndpoints.includes(endpointId)) sending.behind.caughtUp(endpointId, often);
    }
  }

  async function run(): Promise<void> {
    while (!stopping) {
      const begun = performance.now();
      await look().catch(fail);
      await alarm.wait(pollMs);
      const gap = Math.min(lookGapMs, pollMs) - (performance.now() - begun);
      if (gap > 0 && !stopping) await new Promise((resolve) => setTimeout(resolve, gap));
    }
  }

  return {
    name: 'delivery worker',
    async start() {
      appends = deps.onAppend(alarm.ring);
      running = run();
    },
    async stop() {
      stopping = true;
      alarm.ring();
      await appends?.stop();
      await running;
      await sending.stop();
    },
    offer(known) {
      if (known.state.status === 'none') return;
      const { deliveryId, endpointId } = known.state;
      void sending.queue({ deliveryId, endpointId, known });
    },
  };
}
