/**
 * What operations watch: transfers through institutions that nobody has decided yet, while their amounts are held; and what
 * an institution has paid out or given back that the ledger has not posted. Read from the database when the metrics are
 * asked for. NaN means that it did not answer.
 */
import { Gauge, type Clock, type Registry } from '@daybook/runtime';
import type { OpenTransactions } from '../projections/transaction-rows';

type Read = () => Promise<OpenTransactions>;

export function openTransfersGauges(deps: {
  readonly metrics: Registry;
  readonly now: Clock;
  readonly openTransfers: Read;
  readonly unbookedTransfers: Read;
}): void {
  const { metrics, now } = deps;
  const gauge = (name: string, help: string, read: Read, valueOf: (open: OpenTransactions) => number) =>
    new Gauge({
      name,
      help,
      registers: [metrics],
      async collect() {
        this.set(await read().then(valueOf, () => NaN));
      },
    });
  const countOf = ({ count }: OpenTransactions) => count;
  const ageOf = ({ oldest }: OpenTransactions) =>
    oldest === null ? 0 : Math.max(0, (now().getTime() - oldest.getTime()) / 1_000);

  gauge(
    'institution_transfers_open',
    'Transfers through institutions that are neither paid out nor refused.',
    deps.openTransfers,
    countOf,
  );
  gauge(
    'institution_transfers_oldest_open_age_seconds',
    'Age of the oldest transfer through an institution that is not decided; 0 when there is none.',
    deps.openTransfers,
    ageOf,
  );
  gauge(
    'institution_transfers_unbooked',
    'Payouts and returns of institutions that the ledger has not posted.',
    deps.unbookedTransfers,
    countOf,
  );
  gauge(
    'institution_transfers_oldest_unbooked_age_seconds',
    'Since when the oldest payout or return that the ledger has not posted is known; 0 when there is none.',
    deps.unbookedTransfers,
    ageOf,
  );
}
