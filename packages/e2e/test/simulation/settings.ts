/** Which troubles a run has, and how much of each, is drawn for each run: some need that others are absent. */
import type { BrokerFaults, CallFaults, SeededRandom, StoreFaults } from '@daybook/testing';
import type { ChainFaults } from './chain';
import type { ReceiverFaults } from './receivers';

export type Settings = {
  readonly store: StoreFaults;
  readonly broker: BrokerFaults;
  readonly calls: CallFaults;
  readonly chain: ChainFaults;
  readonly receivers: ReceiverFaults;
  readonly machines: {
    /** Processes of a service at the same time, at most. */
    readonly most: number;
    readonly everyMs: number;
    /** Shares of the moments at which something happens to a process. */
    readonly crash: number;
    readonly stop: number;
    readonly pause: number;
    readonly clockStep: number;
    readonly outage: number;
    /** Clocks are off by as much, either way. */
    readonly skewMs: number;
  };
  readonly book: {
    readonly batchMax: number;
    readonly queueMax: number;
    readonly recordsMax: number;
    readonly snapshotEvery: number;
    readonly filterBytes: number;
    readonly checkpointEvents: number;
  };
  /** How long faults go on, in milliseconds. */
  readonly chaosMs: number;
  readonly intentTtlMs: number;
  readonly intents: number;
  readonly transfers: number;
  readonly bulks: number;
};

const groups = [
  'intents.deposits',
  'intents.ledger-transactions',
  'intents.settlements',
  'ledger.settlements',
  'settlement.intents',
  'settlement.ledger-transactions',
  'notifications.intents',
  'notifications.transfers',
];

export function drawSettings(random: SeededRandom): Settings {
  const some = (most: number) => (random.chance(0.5) ? 0 : (most * (1 + random.below(100))) / 100);
  return {
    store: {
      refused: some(0.15),
      lostBefore: some(0.25),
      lostAfter: some(0.25),
      lostLate: some(0.2),
      readFails: some(0.1),
      latencyMs: random.pick([1, 5, 20]),
      lateMs: random.pick([20, 200, 2_000]),
    },
    broker: {
      lostBefore: some(0.2),
      lostAfter: some(0.2),
      lostLate: some(0.2),
      partly: some(0.2),
      repeated: some(0.3),
      shuffled: some(0.2),
      behind: some(0.6),
      dropped: some(0.2),
      delayMs: random.pick([5, 50, 300]),
      // One group that all others overtake: facts that travel on different ways meet in another order.
      slowGroup: random.pick([null, 'ledger.intents', 'ledger.intents', random.pick(groups)]),
      slowMs: random.pick([1_000, 3_000]),
    },
    calls: {
      lostBefore: some(0.2),
      lostAfter: some(0.3),
      repeated: some(0.3),
      latencyMs: random.pick([5, 50]),
      // Long enough for the longest way to an answer, that of an intent whose earlier attempts are looked through: one who
      // never waits for it, and asks again when the attempt is over, would never hear of any.
      timeoutMs: random.pick([600, 2_000]),
    },
    chain: {
      fails: some(0.15),
      lagging: some(0.2),
      stale: some(0.2),
      // Seldom none: few payments are seen and not yet final at a moment.
      reorg: random.pick([0, 0.1, 0.2, 0.3]),
      forgotten: some(0.3),
      latencyMs: random.pick([5, 30]),
      blockMs: random.pick([200, 400]),
    },
    receivers: { fails: some(0.4), unheard: some(0.3), latencyMs: random.pick([5, 100]) },
    machines: {
      most: random.pick([1, 1, 2]),
      everyMs: random.pick([100, 300, 1_000]),
      crash: random.pick([0, 0.2, 0.5]),
      stop: random.pick([0, 0.1]),
      pause: random.pick([0, 0, 0.2]),
      clockStep: random.pick([0, 0, 0.1]),
      outage: random.pick([0, 0, 0.1]),
      skewMs: random.pick([0, 0, 100, 2_000]),
    },
    book: {
      batchMax: random.pick([1, 4, 100]),
      queueMax: random.pick([8, 1_000]),
      recordsMax: random.pick([4, 1_000]),
      snapshotEvery: random.pick([15, 60, 100_000]),
      filterBytes: random.pick([32, 4_096]),
      checkpointEvents: random.pick([1, 10, 1_000]),
    },
    chaosMs: random.pick([3_000, 6_000]),
    intentTtlMs: random.pick([3_000, 6_000, 60_000]),
    intents: 1 + random.below(5),
    transfers: random.below(8),
    bulks: random.below(3),
  };
}
