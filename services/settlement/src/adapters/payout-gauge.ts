import { mode } from '@daybook/contracts';
import { Gauge, scraped, type Registry } from '@daybook/runtime';
import type { ArePayoutsStopped } from '../app/payouts';

/** NaN where the store does not answer. */
export function payoutGauge(deps: { readonly metrics: Registry; readonly isStopped: ArePayoutsStopped }): void {
  const reads = mode.options.map((each) => [each, scraped(() => deps.isStopped(each))] as const);
  new Gauge({
    name: 'payouts_stopped',
    help: '1 while payouts of the mode are stopped, and 0 while they leave.',
    labelNames: ['mode'],
    registers: [deps.metrics],
    async collect() {
      const told = await Promise.all(reads.map(async ([each, read]) => [each, await read()] as const));
      for (const [each, isStopped] of told) this.set({ mode: each }, isStopped === undefined ? NaN : Number(isStopped));
    },
  });
}
