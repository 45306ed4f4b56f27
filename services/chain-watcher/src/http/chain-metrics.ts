import { Gauge, scraped, type Registry } from '@daybook/runtime';
import type { CallOutcome, chainStatus } from '@daybook/contracts';

type Chain = Extract<CallOutcome<typeof chainStatus>, { ok: true }>['value']['chains'][number];

/** Read when scraped. Anything but 0 is a payer whose payment is told under somebody else's reference. */
export function addressMetrics(registry: Registry, countConflicts: () => Promise<number>): void {
  const read = scraped(countConflicts);
  new Gauge({
    name: 'chain_address_conflicts',
    help: 'Addresses that were recorded for a second reference; NaN when that is not known.',
    registers: [registry],
    async collect() {
      this.set((await read()) ?? NaN);
    },
  });
}

/** Read when scraped, so that a frozen head and a chain in error are seen by whoever watches the series. */
export function chainMetrics(registry: Registry, status: () => Promise<CallOutcome<typeof chainStatus>>): void {
  const read = scraped(status);
  const gauge = (name: string, help: string, valueOf: (chain: Chain) => number | null) =>
    new Gauge({
      name,
      help,
      labelNames: ['chain'],
      registers: [registry],
      async collect() {
        const outcome = await read();
        // No series while it is not known.
        this.reset();
        if (outcome?.ok !== true) return;
        for (const chain of outcome.value.chains) {
          const value = valueOf(chain);
          if (value !== null) this.set({ chain: chain.chain }, value);
        }
      },
    });
  gauge('chain_head_number', 'Newest block that the source of the chain names.', (chain) => chain.headNumber);
  gauge('chain_cursor_number', 'Newest block that was scanned.', (chain) => chain.cursorNumber);
  gauge('chain_lag_blocks', 'Blocks between the cursor and the head.', (chain) => chain.lagBlocks);
  gauge('chain_head_changed_timestamp_seconds', 'When the head was last another block.', ({ headChangedAt }) =>
    headChangedAt === null ? null : Date.parse(headChangedAt) / 1000,
  );
  gauge('chain_failing', '1 while something keeps the chain from being followed.', (chain) =>
    chain.error === null ? 0 : 1,
  );
  gauge('chain_alarm', '1 while a chain is halted, its head frozen or its cursor far behind.', (chain) =>
    chain.alarm ? 1 : 0,
  );
  gauge(
    'chain_unexplained_balances',
    'Addresses whose balance differs from what their deposits come to.',
    (chain) => chain.unexplainedCount ?? 0,
  );
}
