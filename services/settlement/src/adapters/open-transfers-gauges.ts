/**
 * What operations watch: transfers through institutions that nobody has decided yet, while their amounts are held; and what
 * an institution has paid out or given back that the ledger has not posted. Read from the database when the metrics are
 * asked for. NaN means that it did not answer.
 */
import { Gauge, scraped, type Clock, type Registry } from '@daybook/runtime';
import type { OpenTransactions } from '../projections/transaction-rows';

type Read = () => Promise<OpenTransactions | undefined>;

export function openTransfersGauges(deps: {
  readonly metrics: Registry;
  readonly now: Clock;
  readonly openTransfers: () => Promise<OpenTransactions>;
  readonly unbookedTransfers: () => Promise<OpenTransactions>;
}): void {
  const { metrics, now } = deps;
  const [openTransfers, unbookedTransfers] = [scraped(deps.openTransfers), scraped(deps.unbookedTransfers)];
  const gauge = (name: string, help: string, read: Read, valueOf: (open: OpenTransactions) => number) =>
    new Gauge({
      name,
      help,
      registers: [metrics],
      async collect() {
        const open = await read();
        this.set(open === undefined ? NaN : valueOf(open));
      },
    });
  const countOf = ({ count }: OpenTransactions) => count;
  const ageOf = ({ oldest }: OpenTransactions) =>
    oldest === null ? 0 : Math.max(0, (now().getTime() - oldest.getTime()) / 1_000);

  gauge(
    'institution_transfers_open',
    'Transfers through institutions that are neither paid out nor refused.',
    openTransfers,
    countOf,
  );
  gauge(
    'institution_transfers_oldest_open_age_seconds',
    'Age of the oldest transfer through an institution that is not decided; 0 when there is none.',
    openTransfers,
    ageOf,
  );
  gauge(
    'institution_transfers_unbooked',
    'Payouts and returns of institutions that the ledger has not posted.',
    unbookedTransfers,
    countOf,
  );
  gauge(
    'institution_transfers_oldest_unbooked_age_seconds',
    'Since when the oldest payout or return that the ledger has not posted is known; 0 when there is none.',
    unbookedTransfers,
    ageOf,
  );
}
