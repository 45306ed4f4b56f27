import type { Logger } from '@daybook/runtime';
import { eventually, fakeClock } from '@daybook/testing';
import type { Attempt } from '../app/send-delivery';
import type { KnownDelivery } from '../app/webhooks';
import type { DueDelivery } from '../projections/deliveries';
import { leaseMs, startWithinMs, type Leases } from './delivery-leases';
import { deliveryWorker, type DeliveryWorkerDeps } from './delivery-worker';
import { attemptTimeoutMs } from './webhook-client';

const soon = { timeoutMs: 5_000 };

const started: { stop(): Promise<void> }[] = [];
const held: { letGo(): void }[] = [];
afterEach(async () => {
  for (const attempts of held.splice(0)) attempts.letGo();
  await Promise.all(started.splice(0).map((worker) => worker.stop()));
});

/** What several workers share: deliveries that are due until they are sent, and leases by the clock. */
function sharedWork(due: readonly DueDelivery[]) {
  const clock = fakeClock('2026-03-01T10:00:00.000Z');
  const leasedUntil = new Map<string, number>();
  const sent: string[] = [];
  const isFree = (deliveryId: string) => (leasedUntil.get(deliveryId) ?? 0) <= clock().getTime();
  const leases: Leases = {
    async acquire(deliveryIds) {
      const free = deliveryIds.filter(isFree);
      for (const deliveryId of free) leasedUntil.set(deliveryId, clock().getTime() + leaseMs);
      return new Set(free);
    },
    async release(deliveryIds) {
      for (const deliveryId of deliveryIds) leasedUntil.delete(deliveryId);
    },
  };
  const startWorker = async (send: DeliveryWorkerDeps['send'], looks: () => void = () => undefined) => {
    const worker = deliveryWorker({
      async due({ exceptEndpoints }) {
        looks();
        return due.filter(
          ({ deliveryId, endpointId }) =>
            isFree(deliveryId) && !sent.includes(deliveryId) && !exceptEndpoints.includes(endpointId),
        );
      },
      send,
      leases,
      onAppend: () => ({ stop: async () => undefined }),
      now: clock,
      logger: {} as Logger,
      onFatal: (error) => {
        throw error;
      },
      pollMs: 5,
    });
    started.push(worker);
    await worker.start();
    return worker;
  };
  return { clock, leasedUntil, sent, startWorker };
}

/** Attempts that end when the test says so. */
function heldAttempts(sent: string[]) {
  const begun: string[] = [];
  const ends = new Map<string, (attempt: Attempt) => void>();
  let isHeld = true;
  const end = (deliveryId: string, attempt: Attempt): void => {
    sent.push(deliveryId);
    ends.get(deliveryId)?.(attempt);
    ends.delete(deliveryId);
  };
  const attempts = {
    begun,
    end,
    async send({ deliveryId }: DueDelivery): Promise<Attempt> {
      begun.push(deliveryId);
      const ending = new Promise<Attempt>((resolve) => ends.set(deliveryId, resolve));
      if (!isHeld) end(deliveryId, 'delivered');
      return ending;
    },
    /** Ends all, and what is still to come at once. */
    letGo(): void {
      isHeld = false;
      for (const deliveryId of ends.keys()) end(deliveryId, 'delivered');
    },
  };
  held.push(attempts);
  return attempts;
}

test('more endpoints than there are slots are all served, though nothing else happens', async () => {
  const due = Array.from({ length: 100 }, (_, n) => ({ deliveryId: `d${n}`, endpointId: `e${n}` }));
  const { sent, startWorker } = sharedWork(due);
  await startWorker(async ({ deliveryId }) => {
    await new Promise((resolve) => setImmediate(resolve));
    sent.push(deliveryId);
    return 'delivered';
  });
  await eventually(() => expect(sent.toSorted()).toEqual(due.map(({ deliveryId }) => deliveryId).toSorted()), soon);
});

test('an endpoint that gives a slot back takes it again after all others that wait', async () => {
  const due = ['-1', '-2', '-3'].flatMap((n) =>
    Array.from({ length: 40 }, (_, each) => ({ deliveryId: `e${each}${n}`, endpointId: `e${each}` })),
  );
  const { sent, startWorker } = sharedWork(due);
  const attempts = heldAttempts(sent);
  await startWorker(attempts.send);
  await eventually(() => expect(attempts.begun).toHaveLength(32), soon);
  for (const deliveryId of attempts.begun.slice(0, 32)) {
    attempts.end(deliveryId, 'failed');
    const ended = sent.length;
    await eventually(() => expect(attempts.begun).toHaveLength(32 + ended), soon);
  }
  const endpoints = attempts.begun.map((deliveryId) => deliveryId.split('-')[0]);
  expect(new Set(endpoints.slice(0, 40)).size).toBe(40);
});

test('what waited for a slot is sent by one worker only, however long its attempt takes', async () => {
  const due = ['d1', 'd2', 'd3'].map((deliveryId) => ({ deliveryId, endpointId: 'e' }));
  const { clock, leasedUntil, sent, startWorker } = sharedWork(due);
  const [attempts, ofOther] = [heldAttempts(sent), heldAttempts(sent)];
  let looked = 0;
  await startWorker(attempts.send);
  await eventually(() => expect([attempts.begun, leasedUntil.size]).toEqual([['d1', 'd2'], 3]), soon);
  clock.advance(startWithinMs - 1);
  attempts.end('d1', 'delivered');
  await eventually(() => expect(attempts.begun).toEqual(['d1', 'd2', 'd3']), soon);
  attempts.end('d2', 'delivered');
  clock.advance(attemptTimeoutMs);
  await startWorker(ofOther.send, () => (looked += 1));
  // What the first look finds is taken before the second.
  await eventually(() => expect(looked).toBeGreaterThan(1), soon);
  expect(ofOther.begun).toEqual([]);
});

test('an endpoint that gets more than it takes is still sent what waits longest', async () => {
  const of = (n: number) => ({ deliveryId: `d${n}`, endpointId: 'e' });
  const due: DueDelivery[] = [];
  const { clock, sent, startWorker } = sharedWork(due);
  const attempts = heldAttempts(sent);
  const worker = await startWorker(attempts.send);
  const offer = (n: number) => {
    due.push(of(n));
    worker.offer({ state: { status: 'pending', ...of(n) } } as unknown as KnownDelivery);
  };
  for (const n of [1, 2, 3]) offer(n);
  await eventually(() => expect(attempts.begun).toEqual(['d1', 'd2']), soon);
  clock.advance(startWithinMs);
  for (const n of [4, 5]) offer(n);
  // One slot is left to it, and each time that it is free something new has come.
  attempts.end('d1', 'failed');
  for (let n = 6; n < 16; n++) {
    offer(n);
    const begun = attempts.begun.length;
    attempts.end(attempts.begun.at(-1)!, 'failed');
    await eventually(() => expect(attempts.begun.length).toBeGreaterThan(begun), soon);
  }
  expect(attempts.begun.slice(0, 8)).toEqual(['d1', 'd2', 'd4', 'd5', 'd6', 'd3', 'd7', 'd8']);
});
