/** The goals by their names; docs/performance.md says what each is. */
import { history } from './goal-history';
import { latency } from './goal-latency';
import { projections } from './goal-projections';
import { replay } from './goal-replay';
import { againstSql, contention } from './goal-sql';
import { throughput } from './goal-throughput';
import type { Result } from './measure';
import type { Server } from './server';

export type BenchOptions = {
  readonly server: Server;
  readonly rounds: number;
  readonly seconds: number;
  readonly accounts: number;
  /** Length of the long history. */
  readonly events: number;
  /** Progress, for people. */
  readonly tell: (line: string) => void;
};
export type Goal = (options: BenchOptions) => Promise<readonly Result[]>;

export const goals = {
  g1: throughput,
  g2: againstSql,
  g3: contention,
  g4: latency,
  g6: replay,
  g7: history,
  g8: history,
  g9: projections,
} as const satisfies Record<string, Goal>;
export type GoalName = keyof typeof goals;
