/**
 * Alarm: when a chain needs somebody. A chain that stands still and one that nobody hears from look alike from here, and
 * are the same hazard: deposits are late and nobody knows.
 *
 * Invariants (each has a property test of the same name):
 *   L1  A chain whose newest block has not changed for the limit is frozen, whatever else it says; one that is halted is
 *       halted first.
 */
const chainAlarms = ['halted', 'frozen', 'lagging', 'asset_off'] as const;
export type ChainAlarm = (typeof chainAlarms)[number];

export type AlarmLimits = {
  /** Null for a chain that may stand still. */
  readonly frozenMs: number | null;
  readonly lagBlocks: number;
};

/** Times in milliseconds. `changedAt` is when the newest block was last another one, or when the watching began. */
export function chainAlarm(
  {
    halted,
    changedAt,
    lagBlocks,
    faults,
  }: {
    readonly halted: boolean;
    readonly changedAt: number;
    readonly lagBlocks: number | null;
    /** Assets that are not credited. */
    readonly faults: number;
  },
  limits: AlarmLimits,
  at: number,
): ChainAlarm | null {
  if (halted) return 'halted';
  if (limits.frozenMs !== null && at - changedAt >= limits.frozenMs) return 'frozen';
  if ((lagBlocks ?? 0) > limits.lagBlocks) return 'lagging';
  return faults > 0 ? 'asset_off' : null;
}
