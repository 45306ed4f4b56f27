/**
 * Who may send now. An endpoint has two slots, or one while its last attempt failed or was slow, whatever it answered: a
 * slot that is held for long is lost to the others either way. Half of all slots are for endpoints whose last attempt was
 * delivered soon. All others share the other half, those too of which nothing is known yet: anyone may register new ones
 * all the time. One that answers quickly gets more with every answer, out of the half that nobody else needs.
 */
import type { Attempt } from '../app/send-delivery';

const slotsMax = 64;
const slotsPerEndpoint = 2;
const slotsOfQuick = 16;
const slotsShared = slotsMax / 2;
const quickMs = 1_000;
const slowMs = 3_000;

export function deliverySlots() {
  const taken = new Map<string, number>();
  const standings = createStandings();
  let all = 0;
  /** Taken by endpoints that are not good. */
  let shared = 0;
  const limitOf = (endpointId: string) => {
    if (standings.of(endpointId) === 'bad') return 1;
    if (all >= slotsMax / 2) return slotsPerEndpoint;
    return Math.min(slotsPerEndpoint + standings.quickAnswers(endpointId), slotsOfQuick);
  };
  const isFull = (endpointId: string) => (taken.get(endpointId) ?? 0) >= limitOf(endpointId);
  const countShared = () => {
    shared = 0;
    for (const [endpointId, count] of taken) if (!standings.isGood(endpointId)) shared += count;
  };
  return {
    free: () => slotsMax - all,
    isGood: standings.isGood,
    /** Endpoints whose deliveries are not to be looked for now. */
    full: () => {
      const full = [...taken.keys()].filter(isFull);
      return shared < slotsShared ? full : [...new Set([...full, ...standings.bad()])];
    },
    take(endpointId: string): boolean {
      if (all >= slotsMax || isFull(endpointId)) return false;
      const isGood = standings.isGood(endpointId);
      if (!isGood && shared >= slotsShared) return false;
      taken.set(endpointId, (taken.get(endpointId) ?? 0) + 1);
      all += 1;
      if (!isGood) shared += 1;
      return true;
    },
    giveBack(endpointId: string, attempt: Attempt, tookMs: number): void {
      const left = (taken.get(endpointId) ?? 1) - 1;
      all -= 1;
      if (left === 0) taken.delete(endpointId);
      else taken.set(endpointId, left);
      standings.learn(endpointId, attempt, tookMs);
      countShared();
    },
  };
}

/** Endpoints that are remembered. After that all are learned again: forgetting one that is bad gives it no slot of others. */
const rememberedMax = 10_000;

type Standing = { readonly good: boolean; /** In a row. */ readonly quickAnswers: number };

/** What the last attempts tell of each endpoint. */
function createStandings() {
  const known = new Map<string, Standing>();
  const isGood = (endpointId: string) => known.get(endpointId)?.good === true;
  return {
    isGood,
    of: (endpointId: string) => (isGood(endpointId) ? 'good' : known.has(endpointId) ? 'bad' : 'unknown'),
    quickAnswers: (endpointId: string) => known.get(endpointId)?.quickAnswers ?? 0,
    bad: () => [...known].filter(([, { good }]) => !good).map(([endpointId]) => endpointId),
    learn(endpointId: string, attempt: Attempt, tookMs: number): void {
      if (attempt === 'skipped') return;
      const good = attempt === 'delivered' && tookMs < slowMs;
      const before = known.get(endpointId)?.quickAnswers ?? 0;
      if (!known.has(endpointId) && known.size >= rememberedMax) known.clear();
      known.set(endpointId, { good, quickAnswers: good && tookMs < quickMs ? before + 1 : 0 });
    },
  };
}
