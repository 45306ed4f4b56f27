/**
 * Who may send now. An endpoint has two slots, or one while its last attempt failed, and endpoints that fail share half
 * of all slots: however many of them time out, the others find room.
 */
const slotsMax = 64;
const slotsPerEndpoint = 2;
const slotsOfFailing = slotsMax / 2;

export type DeliverySlots = ReturnType<typeof deliverySlots>;

export function deliverySlots() {
  const taken = new Map<string, number>();
  const failing = new Set<string>();
  const countOf = (endpoints: Iterable<string>) => {
    let count = 0;
    for (const endpointId of endpoints) count += taken.get(endpointId) ?? 0;
    return count;
  };
  const failingAreFull = () => countOf(failing) >= slotsOfFailing;
  const isFull = (endpointId: string) => {
    const limit = failing.has(endpointId) ? 1 : slotsPerEndpoint;
    return (taken.get(endpointId) ?? 0) >= limit;
  };
  return {
    free: () => slotsMax - countOf(taken.keys()),
    /** Endpoints whose deliveries are not to be looked for now. */
    full: () => {
      const full = new Set([...taken.keys()].filter(isFull));
      if (failingAreFull()) for (const endpointId of failing) full.add(endpointId);
      return [...full];
    },
    take(endpointId: string): boolean {
      if (countOf(taken.keys()) >= slotsMax || isFull(endpointId)) return false;
      if (failing.has(endpointId) && failingAreFull()) return false;
      taken.set(endpointId, (taken.get(endpointId) ?? 0) + 1);
      return true;
    },
    giveBack(endpointId: string, attempt: 'delivered' | 'failed' | 'skipped'): void {
      const left = (taken.get(endpointId) ?? 1) - 1;
      if (left === 0) taken.delete(endpointId);
      else taken.set(endpointId, left);
      if (attempt === 'failed') failing.add(endpointId);
      else if (attempt === 'delivered') failing.delete(endpointId);
    },
  };
}
