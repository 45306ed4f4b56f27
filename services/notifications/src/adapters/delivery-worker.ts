/**
 * Finds deliveries that are due and sends them. Source: deliveries_v1, after it has caught up; wakes on appends, on ended
 * attempts, and by the clock. Several workers share the work through leases. Stopping gives attempts in progress a
 * moment, then breaks them off unrecorded: they are sent again later with the same id.
 */
import { isOperationalError } from '@daybook/core';
import { asOperational } from '@daybook/event-store';
import { createAlarm, type Clock, type Component, type Logger, type OnFatal } from '@daybook/runtime';
import type { Attempt } from '../app/send-delivery';
import type { DueDelivery } from '../projections/deliveries';
import type { Leases } from './delivery-leases';
import { deliverySlots } from './delivery-slots';

const pollMsDefault = 1_000;
const stopGraceMs = 3_000;

export type DeliveryWorkerDeps = {
  due(options: {
    readonly now: Date;
    readonly limit: number;
    readonly exceptEndpoints: readonly string[];
    readonly exceptDeliveries: readonly string[];
  }): Promise<readonly DueDelivery[]>;
  send(deliveryId: string, abort: AbortSignal): Promise<Attempt>;
  readonly leases: Leases;
  onAppend(wake: () => void): { stop(): Promise<void> };
  readonly now: Clock;
  readonly logger: Logger;
  readonly onFatal: OnFatal;
  readonly pollMs?: number;
};

export function deliveryWorker(deps: DeliveryWorkerDeps): Component {
  const { logger, now, pollMs = pollMsDefault } = deps;
  const slots = deliverySlots();
  const inFlight = new Map<string, Promise<void>>();
  const alarm = createAlarm();
  const breakOff = new AbortController();
  let stopping = false;
  let running: Promise<void> | undefined;
  let appends: { stop(): Promise<void> } | undefined;

  const fail = (error: unknown) => {
    const known = asOperational(error);
    if (isOperationalError(known)) return logger.warn({ error: known }, 'deliveries wait for the database');
    stopping = true;
    alarm.ring();
    return deps.onFatal(error);
  };

  async function sendOne({ deliveryId, endpointId }: DueDelivery): Promise<void> {
    let attempt: Attempt = 'skipped';
    try {
      if (!(await deps.leases.acquire(deliveryId, now()))) return;
      attempt = await deps.send(deliveryId, breakOff.signal);
      await deps.leases.release(deliveryId);
    } catch (error) {
      fail(error);
    } finally {
      inFlight.delete(deliveryId);
      slots.giveBack(endpointId, attempt);
      // A skipped delivery is due again only when something else has happened, which wakes by itself.
      if (attempt !== 'skipped') alarm.ring();
    }
  }

  async function fill(): Promise<void> {
    const limit = slots.free();
    if (limit === 0) return;
    const due = await deps.due({
      now: now(),
      limit,
      exceptEndpoints: slots.full(),
      exceptDeliveries: [...inFlight.keys()],
    });
    for (const found of due) {
      if (stopping || !slots.take(found.endpointId)) continue;
      inFlight.set(found.deliveryId, sendOne(found));
    }
  }

  async function run(): Promise<void> {
    while (!stopping) {
      await fill().catch(fail);
      await alarm.wait(pollMs);
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
      const late = setTimeout(() => breakOff.abort(), stopGraceMs);
      await Promise.all(inFlight.values());
      clearTimeout(late);
    },
  };
}
