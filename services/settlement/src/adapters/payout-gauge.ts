import { mode } from '@daybook/contracts';
import { Gauge, type Registry } from '@daybook/runtime';
import type { ArePayoutsStopped } from '../app/payouts';

/** NaN where the store does not answer. */
export function payoutGauge(deps: { readonly metrics: Registry; readonly isStopped: ArePayoutsStopped }): void {
  new Gauge({
    name: 'payouts_stopped',
    help: '1 while payouts of the mode are stopped, and 0 while they leave.',
    labelNames: ['mode'],
    registers: [deps.metrics],
    async collect() {
      for (const each of mode.options)
        this.set(
          { mode: each },
          await deps.isStopped(each).then(
            (isStopped) => (isStopped ? 1 : 0),
            () => NaN,
          ),
        );
    },
  });
}
