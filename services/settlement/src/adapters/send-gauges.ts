/**
 * What operations watch of sends: those that are not done, and wallets whose chain and ledger differ, as the last look
 * found them. NaN means that the database did not answer, or that a chain or the ledger could not be asked.
 */
import { Gauge, scraped, type Clock, type Registry } from '@daybook/runtime';
import type { OpenTransactions } from '../projections/transaction-rows';

type Seen = { readonly walletId: string; readonly asset: string; readonly difference: bigint | null };

export function sendGauges(deps: {
  readonly metrics: Registry;
  readonly now: Clock;
  readonly openSends: () => Promise<OpenTransactions>;
  readonly wallets: () => readonly Seen[];
}): void {
  const { now } = deps;
  const read = scraped(deps.openSends);
  const registers = [deps.metrics];
  const gauge = (name: string, help: string, valueOf: (open: OpenTransactions) => number) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const open = await read();
        this.set(open === undefined ? NaN : valueOf(open));
      },
    });
  gauge('sends_open', 'Sends that are neither booked nor failed.', ({ count }) => count);
  gauge('sends_oldest_open_age_seconds', 'Age of the oldest send that is not done; 0 when there is none.', (open) =>
    open.oldest === null ? 0 : Math.max(0, (now().getTime() - open.oldest.getTime()) / 1_000),
  );
  new Gauge({
    name: 'wallet_difference',
    help: 'What a hot wallet holds on chain less what the ledger says, in minor units; sends under way show up.',
    labelNames: ['wallet', 'asset'],
    registers,
    collect() {
      this.reset();
      for (const { walletId: wallet, asset, difference } of deps.wallets())
        // A gauge is for an alarm: that it is not zero is what counts, and that is exact.
        this.set({ wallet, asset }, difference === null ? NaN : Number(difference));
    },
  });
}
