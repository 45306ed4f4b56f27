import type { Logger } from '@daybook/runtime';
import { eventually } from '@daybook/testing';
import { deliveryWorker } from './delivery-worker';

test('more endpoints than there are slots are all served, though nothing else happens', async () => {
  const due = Array.from({ length: 100 }, (_, n) => ({ deliveryId: `d${n}`, endpointId: `e${n}` }));
  const leased = new Set<string>();
  const sent: string[] = [];
  const worker = deliveryWorker({
    due: async ({ exceptEndpoints }) =>
      due.filter(
        ({ deliveryId, endpointId }) =>
          !leased.has(deliveryId) && !sent.includes(deliveryId) && !exceptEndpoints.includes(endpointId),
      ),
    async send({ deliveryId }) {
      await new Promise((resolve) => setImmediate(resolve));
      sent.push(deliveryId);
      return 'delivered';
    },
    leases: {
      async acquire(deliveryIds) {
        const free = deliveryIds.filter((deliveryId) => !leased.has(deliveryId));
        for (const deliveryId of free) leased.add(deliveryId);
        return new Set(free);
      },
      async release(deliveryIds) {
        for (const deliveryId of deliveryIds) leased.delete(deliveryId);
      },
    },
    onAppend: () => ({ stop: async () => undefined }),
    now: () => new Date('2026-03-01T10:00:00.000Z'),
    logger: {} as Logger,
    onFatal: (error) => {
      throw error;
    },
    pollMs: 5,
  });
  await worker.start();
  await eventually(async () => expect(sent.toSorted()).toEqual(due.map(({ deliveryId }) => deliveryId).toSorted()), {
    timeoutMs: 2_000,
  });
  await worker.stop();
});
