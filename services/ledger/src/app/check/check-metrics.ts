import { Gauge, type Registry } from '@daybook/runtime';
import type { CheckReport } from './findings';

export type CheckMetrics = { record(report: CheckReport, at: Date): void };

/** What an alarm looks at: that the last check was clean, and that it was not long ago. */
export function checkMetrics(registry: Registry): CheckMetrics {
  const registers = [registry];
  const clean = new Gauge({
    name: 'daybook_check_clean',
    help: '1 when the last check of the scope was clean, 0 when it found something or was incomplete.',
    labelNames: ['scope'],
    registers,
  });
  const lastRun = new Gauge({
    name: 'daybook_check_last_run_timestamp_seconds',
    help: 'When a check of the scope ended last.',
    labelNames: ['scope'],
    registers,
  });
  const lastClean = new Gauge({
    name: 'daybook_check_last_clean_timestamp_seconds',
    help: 'When a check of the scope was clean last.',
    labelNames: ['scope'],
    registers,
  });
  const differences = new Gauge({
    name: 'daybook_check_differences',
    help: 'Rows and columns of a read model that differ from the journal, at the last full check or found since.',
    labelNames: ['table'],
    registers,
  });
  const violations = new Gauge({
    name: 'daybook_check_violations',
    help: 'Violations of an invariant, at the last full check or found since.',
    labelNames: ['invariant'],
    registers,
  });
  const [ofTables, ofInvariants] = [standing(), standing()];
  return {
    record({ status, scope, passes, invariants }, at) {
      const seconds = at.getTime() / 1_000;
      clean.set({ scope }, status === 'CLEAN' ? 1 : 0);
      lastRun.set({ scope }, seconds);
      if (status === 'CLEAN') lastClean.set({ scope }, seconds);
      const isWhole = (incomplete: readonly string[]) => scope === 'full' && incomplete.length === 0;
      for (const { table, differences: count, incomplete } of passes)
        differences.set({ table }, ofTables.after(table, count, isWhole(incomplete)));
      for (const { id, violations: count, incomplete } of invariants)
        violations.set({ invariant: id }, ofInvariants.after(id, count, isWhole(incomplete)));
    },
  };
}

/** What is known to be wrong of each name: a check that has not looked at all of it takes nothing away. */
function standing() {
  const counts = new Map<string, number>();
  return {
    after(name: string, found: number, isWhole: boolean): number {
      const count = isWhole ? found : Math.max(found, counts.get(name) ?? 0);
      counts.set(name, count);
      return count;
    },
  };
}
