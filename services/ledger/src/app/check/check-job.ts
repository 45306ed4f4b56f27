/** The check as a job: what operators ask for, and what the schedule asks for by itself. */
import { checkParameters, mode as modes, type Mode } from '@daybook/contracts';
import type { Clock, Logger } from '@daybook/runtime';
import { JobCancelled, jobKind, type JobKind, type JobReport } from '../job';
import { checkLedger } from './check';
import type { CheckMetrics } from './check-metrics';
import type { CheckReport, Watermarks } from './findings';
import type { Examination } from './invariant';
import type { CheckSource } from './source';

export type CheckJobDeps = {
  readonly source: CheckSource;
  /** Where the last clean check ended; undefined when there was none. */
  readonly lastClean: () => Promise<Watermarks | undefined>;
  readonly clearingDeadlineS: number;
  readonly examinations?: readonly Examination[];
  readonly metrics: CheckMetrics;
  readonly now: Clock;
  readonly logger: Logger;
};

export function checkJob(deps: CheckJobDeps): JobKind {
  const { source, lastClean, clearingDeadlineS, examinations = [], metrics, now, logger } = deps;
  return jobKind({
    kind: 'check',
    parameters: checkParameters,
    // What is half looked at is worth nothing: another check begins anew.
    resumable: false,
    async run({ mode, parameters: { incremental }, signal, progress }) {
      const since = incremental ? await lastClean() : undefined;
      const report = await checkLedger({
        source,
        since,
        now: now(),
        clearingDeadlineS,
        examinations,
        signal,
        progress: (phase, done, total) => progress({ phase, done, total }),
      });
      if (signal.aborted) throw new JobCancelled(shownTo(mode, report));
      metrics.record(report, now());
      tell(logger, report);
      return shownTo(mode, report);
    },
  });
}

/** Both books are checked. What is listed of the other one is for those who have a credential of its mode; all is counted. */
function shownTo(mode: Mode, report: CheckReport): JobReport {
  const others = modes.options.filter((one): one is Mode => one !== mode);
  const own = <Finding extends { readonly mode: string | null }>(listed: readonly Finding[]) =>
    listed.filter((finding) => !others.some((other) => other === finding.mode));
  return {
    ...report,
    passes: report.passes.map((pass) => ({ ...pass, listed: own(pass.listed) })),
    invariants: report.invariants.map((invariant) => ({ ...invariant, listed: own(invariant.listed) })),
  };
}

/** Findings of a pass or an invariant in one line of the log. */
const toldMax = 5;

function tell(logger: Logger, { status, scope, passes, invariants, incomplete }: CheckReport): void {
  for (const { table, differences, listed } of passes) {
    if (differences > 0)
      logger.error(
        { table, differences, first: listed.slice(0, toldMax) },
        'a read model is not what the journal says',
      );
  }
  for (const { id, rule, violations, listed } of invariants) {
    if (violations > 0)
      logger.error({ invariant: id, rule, violations, first: listed.slice(0, toldMax) }, 'an invariant does not hold');
  }
  const unclear = [...passes, ...invariants].flatMap((part) => part.incomplete);
  if (status === 'INCOMPLETE')
    logger.warn({ scope, reasons: [...new Set([...incomplete, ...unclear])] }, 'check incomplete');
  else logger.info({ scope, status }, 'checked');
}
