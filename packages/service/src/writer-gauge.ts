import { oldestWriter } from '@daybook/event-store';
import { Gauge, scraped, type Registry } from '@daybook/runtime';
import type { Pool } from 'pg';

/** Asked of the database when the metrics are asked for, so that it is of now. */
export function oldestWriterGauge(metrics: Registry, pool: Pool): void {
  const read = scraped(async () => ((await oldestWriter(pool))?.ageMs ?? 0) / 1_000);
  void new Gauge({
    name: 'daybook_oldest_writer_seconds',
    help: 'Age of the oldest open transaction that has written; no reader of the log passes it. 0 when there is none, NaN when that is not known.',
    registers: [metrics],
    async collect() {
      this.set((await read()) ?? NaN);
    },
  });
}
