/**
 * What operations watch: settlements that the ledger has not posted yet. Read from the database when the metrics are
 * asked for, so the numbers are those of all instances together and of now. NaN means that the database did not answer.
 */
import { Gauge, scraped, type Clock, type Registry } from '@daybook/runtime';
import type { OpenSettlements } from '../projections/settlements';

export function settlementGauges(deps: {
  readonly metrics: Registry;
  readonly now: Clock;
  readonly deadlineMs: number;
  readonly openSettlements: (deadline: Date) => Promise<OpenSettlements>;
}): void {
  const read = scraped(() => deps.openSettlements(new Date(deps.now().getTime() - deps.deadlineMs)));

  const gauge = (name: string, help: string, valueOf: (open: OpenSettlements) => number) =>
    new Gauge({
      name,
      help,
      registers: [deps.metrics],
      async collect() {
        const open = await read();
        this.set(open === undefined ? NaN : valueOf(open));
      },
    });
  gauge('settlements_open', 'Settlements instructed and not completed.', ({ count }) => count);
  gauge(
    'settlements_overdue',
    'Settlements instructed longer ago than the deadline and not completed.',
    ({ overdue }) => overdue,
  );
  gauge(
    'settlements_oldest_open_age_seconds',
    'Age of the oldest settlement that is not completed; 0 when there is none.',
    ({ oldest }) => (oldest === null ? 0 : Math.max(0, (deps.now().getTime() - oldest.getTime()) / 1_000)),
  );
}
