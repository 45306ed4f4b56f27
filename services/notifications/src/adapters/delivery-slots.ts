/**
 * Who may send now. An endpoint has two slots, or one while its last attempt failed, and endpoints that fail share half
 * of all slots: however many of them time out, the others find room. One that answers quickly gets more with every answer,
 * out of the half that nobody else needs.
 */
const slotsMax = 64;
const slotsPerEndpoint = 2;
const slotsOfQuick = 16;
const slotsOfFailing = slotsMax / 2;
const quickMs = 1_000;

export type DeliverySlots = ReturnType<typeof deliverySlots>;

export function deliverySlots() {
  const taken = new Map<string, number>();
  const failing = new Set<string>();
  /** Quick answers in a row. */
  const quick = new Map<string, number>();
  let all = 0;
  const failingAreFull = () => {
    let count = 0;
    for (const endpointId of failing) count += taken.get(endpointId) ?? 0;
    return count >= slotsOfFailing;
  };
  const limitOf = (endpointId: string) => {
    if (failing.has(endpointId)) return 1;
    if (all >= slotsMax / 2) return slotsPerEndpoint;
    return Math.min(slotsPerEndpoint + (quick.get(endpointId) ?? 0), slotsOfQuick);
  };
  const isFull = (endpointId: string) => (taken.get(endpointId) ?? 0) >= limitOf(endpointId);
  return {
    free: () => slotsMax - all,
    /** Endpoints whose deliveries are not to be looked for now. */
    full: () => {
      const full = new Set([...taken.keys()].filter(isFull));
      if (failingAreFull()) for (const endpointId of failing) full.add(endpointId);
      return [...full];
    },
    take(endpointId: string): boolean {
      if (all >= slotsMax || isFull(endpointId)) return false;
      if (failing.has(endpointId) && failingAreFull()) return false;
      taken.set(endpointId, (taken.get(endpointId) ?? 0) + 1);
      all += 1;
      return true;
    },
    giveBack(endpointId: string, attempt: 'delivered' | 'failed' | 'skipped', tookMs = Infinity): void {
      const left = (taken.get(endpointId) ?? 1) - 1;
      all -= 1;
      if (left === 0) taken.delete(endpointId);
      else taken.set(endpointId, left);
      if (attempt === 'failed') failing.add(endpointId);
      else if (attempt === 'delivered') failing.delete(endpointId);
      if (attempt === 'delivered' && tookMs < quickMs) quick.set(endpointId, (quick.get(endpointId) ?? 0) + 1);
      else if (attempt !== 'skipped') quick.delete(endpointId);
      // What nobody sends to for long is learned again.
      if (quick.size > quickMax) quick.clear();
    },
  };
}

const quickMax = 10_000;
