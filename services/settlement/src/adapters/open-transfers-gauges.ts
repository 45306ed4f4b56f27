/**
 * What operations watch: transfers through institutions that nobody has decided yet, while their amounts are held. Read from
 * the database when the metrics are asked for. NaN means that it did not answer.
 */
import { Gauge, type Clock, type Registry } from '@daybook/runtime';
import type { OpenTransactions } from '../projections/transaction-rows';

export function openTransfersGauges(deps: {
  readonly metrics: Registry;
  readonly now: Clock;
  readonly openTransfers: () => Promise<OpenTransactions>;
}): void {
  const { metrics, now, openTransfers } = deps;
  const registers = [metrics];
  new Gauge({
    name: 'institution_transfers_open',
    help: 'Transfers through institutions that are neither paid out nor refused.',
    registers,
    async collect() {
      this.set(
        await openTransfers().then(
          ({ count }) => count,
          () => NaN,
        ),
      );
    },
  });
  new Gauge({
    name: 'institution_transfers_oldest_open_age_seconds',
    help: 'Age of the oldest transfer through an institution that is not decided; 0 when there is none.',
    registers,
    async collect() {
      const ageOf = ({ oldest }: OpenTransactions) =>
        oldest === null ? 0 : Math.max(0, (now().getTime() - oldest.getTime()) / 1_000);
      this.set(await openTransfers().then(ageOf, () => NaN));
    },
  });
}
