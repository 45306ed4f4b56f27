/** What outlives the processes of one simulated product: logs, tables, broker, network, chain, receivers. */
import { isOperationalError } from '@daybook/core';
import type { Transport } from '@daybook/messaging';
import type { CheckpointTable, EventStore } from '@daybook/event-store';
import type { CallAnswer, OutgoingCall } from '@daybook/http';
import type { ConsumerTables } from '@daybook/messaging';
import {
  createLogger,
  Secret,
  type Clock,
  type Component,
  type Logger,
  type OnFatal,
  type Registry,
} from '@daybook/runtime';
import {
  simulatedBroker,
  simulatedDatabase,
  simulatedNetwork,
  simulatedStore,
  testMetrics,
  type SimulatedBroker,
  type SimulatedDatabase,
  type SimulatedNetwork,
  type SimulatedProcess,
  type SimulatedStore,
  type World,
} from '@daybook/testing';
import type { Pool } from 'pg';
import type { BookTables } from '../../../../services/ledger/test/simulation/book-tables';
import { simulatedChain, type SimulatedEvm } from './chain';
import { drawSettings, type Settings } from './settings';
import { receivers, type Receivers } from './receivers';

export const services = ['chain-watcher', 'ledger', 'notifications', 'settlement', 'intents'] as const;
export type ServiceName = (typeof services)[number];

export const startMs = Date.UTC(2026, 0, 1);
export const tenants = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const;
export const mode = 'sandbox' as const;

/** Of one service. */
export type Place = { readonly log: SimulatedStore; readonly database: SimulatedDatabase };

export type Product = {
  readonly world: World;
  readonly settings: Settings;
  readonly places: Readonly<Record<ServiceName, Place>>;
  readonly broker: SimulatedBroker;
  readonly network: SimulatedNetwork<OutgoingCall, CallAnswer>;
  readonly chain: SimulatedEvm;
  readonly receivers: Receivers;
  /** The tenants of all endpoints, by their ids. */
  readonly endpoints: Map<string, string>;
  /** Of the two books. */
  readonly books: Readonly<Record<string, BookTables>>;
  heal(): void;
};

export function createProduct(world: World): Product {
  const settings = drawSettings(world.random);
  const broker = simulatedBroker(world, settings.broker);
  const network = simulatedNetwork<OutgoingCall, CallAnswer>(world, settings.calls);
  const chain = simulatedChain(world, settings.chain);
  const told = receivers(world, settings.receivers);
  const placeOf = (): Place => {
    const log = simulatedStore(world, settings.store, startMs);
    return { log, database: simulatedDatabase(world, log) };
  };
  const places = Object.fromEntries(services.map((name) => [name, placeOf()])) as Record<ServiceName, Place>;
  return {
    world,
    settings,
    places,
    broker,
    network,
    chain,
    receivers: told,
    endpoints: new Map(),
    books: {
      'book-sandbox': { segments: [], snapshots: [] },
      'book-live': { segments: [], snapshots: [] },
    },
    heal() {
      for (const { log } of Object.values(places)) log.heal();
      broker.heal();
      network.heal();
      chain.heal();
      told.heal();
    },
  };
}

/** What a process is given, as a composition root has it. */
export type Parts = {
  readonly owner: SimulatedProcess;
  readonly now: Clock;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly onFatal: OnFatal;
  readonly store: EventStore;
  readonly database: SimulatedDatabase;
  readonly pool: Pool;
  readonly checkpoints: CheckpointTable;
  readonly tables: ConsumerTables;
  readonly transport: Transport;
};

/** Started in this order; serving comes last. */
export type Composition = { readonly components: readonly Component[]; serve(): void };

/** For `callServer`: whoever cannot answer now says so. Anything else that a call throws is a bug. */
export const faultsOf =
  (world: World, { name }: SimulatedProcess) =>
  (error: unknown) => {
    if (isOperationalError(error)) world.note(`${name} answers 503: ${String(error)}`);
    else world.violated(`${name} answers 500: ${String(error)}`);
  };

export const silent = createLogger({ service: 'simulation', level: 'silent' });
export const metrics = testMetrics();
export const token = new Secret('simulated');
