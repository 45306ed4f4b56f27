/** Deliveries that wait for a slot, and those whose lease is being asked for. It is bounded: the others are found later. */
import type { KnownDelivery } from '../app/webhooks';
import type { DueDelivery } from '../projections/deliveries';

/** Deliveries of one endpoint, and of all, that wait in line. */
const linePerEndpoint = 500;
const lineMax = 5_000;
/** Of those that only share slots: what waits for few slots must not use up the room of what is sent at once. */
const lineShared = lineMax / 2;

export type Due = DueDelivery & { readonly known: KnownDelivery | undefined };
export type InLine = Due & { readonly leasedAt: number };

/** By endpoint, in the order of their coming; the endpoint that was served least recently is first. */
export function createLine() {
  const waiting = new Map<string, InLine[]>();
  const counts = new Map<string, number>();
  const ids = new Set<string>();
  const shared = new Set<string>();
  const leave = (deliveryId: string, endpointId: string) => {
    ids.delete(deliveryId);
    shared.delete(deliveryId);
    const left = (counts.get(endpointId) ?? 1) - 1;
    if (left === 0) counts.delete(endpointId);
    else counts.set(endpointId, left);
  };
  return {
    /** False when it is here already, or there is no room. `good`: it has slots that it does not share. */
    reserve({ deliveryId, endpointId }: DueDelivery, good: boolean): boolean {
      const count = counts.get(endpointId) ?? 0;
      if (ids.has(deliveryId) || ids.size >= lineMax || count >= linePerEndpoint) return false;
      if (!good && shared.size >= lineShared) return false;
      ids.add(deliveryId);
      if (!good) shared.add(deliveryId);
      counts.set(endpointId, count + 1);
      return true;
    },
    leave,
    add(delivery: InLine) {
      const some = waiting.get(delivery.endpointId);
      if (some === undefined) waiting.set(delivery.endpointId, [delivery]);
      else some.push(delivery);
    },
    endpoints: () => [...waiting.keys()],
    has: (endpointId: string) => waiting.has(endpointId),
    take(endpointId: string): InLine {
      const some = waiting.get(endpointId)!;
      const [next] = some.splice(0, 1) as [InLine];
      // Behind all others: an endpoint that only gave a slot back is not the next to take it.
      waiting.delete(endpointId);
      if (some.length > 0) waiting.set(endpointId, some);
      leave(next.deliveryId, endpointId);
      return next;
    },
    /** Their ids. */
    drain(): readonly string[] {
      const left = [...waiting.values()].flatMap((some) => some.map(({ deliveryId }) => deliveryId));
      waiting.clear();
      counts.clear();
      ids.clear();
      shared.clear();
      return left;
    },
  };
}
