import {
  commandHandler,
  createProjections,
  eventStoreMigrations,
  migrate,
  postgresEventStore,
  type StoredEvent,
} from '@daybook/event-store';
import { messagingMigrations } from '@daybook/messaging';
import { testLogger } from '@daybook/testing';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { blockCursor } from '../src/adapters/block-cursor';
import { publishedEvents } from '../src/adapters/published-events';
import { addressEvents, depositEvents, storedEvents } from '../src/adapters/stored-events';
import { watchPass, type Pass } from '../src/app/watch-chain';
import { steadyPace, type WatchDeps, type Witnesses } from '../src/app/watch-deps';
import { watchlist } from '../src/app/watchlist';
import { addressDecider } from '../src/domain/address';
import type { FinalityRule } from '../src/domain/confirmation';
import { depositDecider, type DepositEvent } from '../src/domain/deposit';
import type { ChainSource } from '../src/ports';
import { addressesAfter, addressesProjection } from '../src/projections/addresses';
import {
  depositsAbove,
  depositsProjection,
  depositsRevertedInCursor,
  depositsSeenUpTo,
} from '../src/projections/deposits';

export const schema = 'chain_watcher';
const tenantId = '7a1c0000-0000-8000-8000-000000000001';

export async function prepare(pool: Pool): Promise<void> {
  const own = { name: 'chain-watcher', directory: join(__dirname, '../migrations') };
  await migrate(pool, schema, [eventStoreMigrations, messagingMigrations, own]);
}

export class Crash extends Error {}

export type WatchProcess = {
  readonly deps: WatchDeps;
  pass(): Promise<Pass>;
  /** Passes until there is nothing more to scan. */
  settle(): Promise<void>;
  /** Watched, as a hot wallet is; with a place under a deposit key, as one of its addresses. */
  allocate(address: string, chain: string, index?: number): Promise<void>;
  stop(): Promise<void>;
};

/**
 * The watcher of one chain as one process of its own: what it remembers is gone when it stops. `crashAt` ends the pass
 * after its events are appended and before the cursor moves.
 */
export async function watchProcess(
  pool: Pool,
  source: ChainSource,
  options: {
    readonly rule: FinalityRule;
    readonly crashAt?: 'extend' | 'unwind';
    readonly startBlock?: number;
    readonly witnesses?: Witnesses;
    readonly pace?: WatchDeps['pace'];
  },
): Promise<WatchProcess> {
  const store = postgresEventStore(pool);
  const { logger } = testLogger();
  const projections = createProjections({
    pool,
    store,
    codec: storedEvents,
    name: 'chain_watcher_v1',
    projections: [addressesProjection, depositsProjection],
    logger,
    onFatal(error) {
      throw error;
    },
  });
  await projections.start();
  const cursor = blockCursor(pool, source.chain);
  const crash = async () => {
    throw new Crash(`before the cursor moves: ${options.crashAt}`);
  };
  const deps: WatchDeps = {
    source,
    cursor: { ...cursor, ...(options.crashAt === undefined ? {} : { [options.crashAt]: crash }) },
    watchlist: watchlist((id) => addressesAfter(pool, source.chain, id)),
    rule: options.rule,
    witnesses: options.witnesses ?? { sources: [], above: {} },
    pace: options.pace ?? steadyPace(),
    startBlock: options.startBlock,
    now: () => new Date(),
    logger,
    handle: commandHandler(depositDecider, depositEvents, store).handle,
    caughtUp: () => projections.caughtUp(),
    depositsAbove: (number) => depositsAbove(pool, source.chain, number),
    depositsSeenUpTo: (number) => depositsSeenUpTo(pool, source.chain, number),
    depositsRevertedInCursor: () => depositsRevertedInCursor(pool, source.chain),
  };
  const pass = () => watchPass(deps, () => undefined);
  const addresses = commandHandler(addressDecider, addressEvents, store);
  return {
    deps,
    pass,
    async settle() {
      while ((await pass()).more);
    },
    async allocate(address, chain, index) {
      const family = chain.startsWith('evm') ? 'evm' : 'tron';
      const command = {
        type: 'AllocateAddress',
        address: {
          reference: `for ${address}`,
          chain,
          address,
          family,
          index: index ?? null,
          keyId: index === undefined ? null : 'key',
          asset: 'ETH',
          amount: 1n,
          tenantId,
          mode: 'sandbox',
        },
        at: new Date().toISOString(),
      } as const;
      const context = { commandId: 'allocate', correlationId: address, causationId: address };
      await addresses.handle(`address-for ${address}`, command, context);
    },
    async stop() {
      await projections.stop();
      await source.stop();
      await store.close();
    },
  };
}

/** Every deposit event of these addresses, in the order of the log. */
export async function depositLog(pool: Pool, addresses: readonly string[]): Promise<DepositEvent[]> {
  return (await storedLog(pool, addresses)).map((event) => depositEvents.decode(event));
}

/** The types of what others are told of these addresses, in the order of the log. */
export async function publishedLog(pool: Pool, addresses: readonly string[]): Promise<string[]> {
  const messages = (await storedLog(pool, addresses)).flatMap(publishedEvents);
  return messages.map(({ value }) => (JSON.parse(value.toString('utf8')) as { readonly type: string }).type);
}

async function storedLog(pool: Pool, addresses: readonly string[]): Promise<StoredEvent[]> {
  const store = postgresEventStore(pool);
  try {
    const { rows } = await pool.query<{ stream: string }>(
      `select distinct stream from events
       where stream like 'deposit-%' and convert_from(payload, 'UTF8')::json ->> 'address' = any($1)`,
      [addresses],
    );
    return (await Promise.all(rows.map(({ stream }) => store.readStream(stream))))
      .flat()
      .toSorted((a, b) => store.compare(a.position, b.position));
  } finally {
    await store.close();
  }
}

/** Type and amount of each event, for comparing. */
export function summary(events: readonly DepositEvent[]): string[] {
  return events.map(({ type, amount, asset }) => `${type.replace('Deposit', '')} ${amount} ${asset}`);
}
