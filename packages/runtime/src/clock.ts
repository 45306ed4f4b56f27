/** Wall clock. Tests pass their own. Nothing is ordered by it; order comes from the event store. */
export type Clock = () => Date;

export const systemClock: Clock = () => new Date();
