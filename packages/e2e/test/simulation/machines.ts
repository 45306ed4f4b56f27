/** Processes with the real services, and what happens to them: crashes at any await, ends, stand-stills, clock steps. */
import { isOperationalError } from '@daybook/core';
import { inOrder, type Component } from '@daybook/runtime';
import { simulatedCheckpoints, simulatedConsumerTables, type SimulatedProcess } from '@daybook/testing';
import { composeChainWatcher } from './chain-watcher-machine';
import { composeIntents } from './intents-machine';
import { composeLedger } from './ledger-machine';
import { composeNotifications } from './notifications-machine';
import {
  metrics,
  services,
  silent,
  startMs,
  type Composition,
  type Parts,
  type Product,
  type ServiceName,
} from './product';
import { composeSettlement } from './settlement-machine';

type Machine = SimulatedProcess & { readonly service: ServiceName; readonly all: Component; clockStepMs: number };

export type Machines = {
  /** Nothing bad happens any more; one process of each service runs on, or is started. */
  settle(): void;
  counts(): { readonly processes: number; readonly crashes: number };
};

const compositions: Record<ServiceName, (product: Product, parts: Parts) => Composition> = {
  'chain-watcher': composeChainWatcher,
  ledger: composeLedger,
  notifications: composeNotifications,
  settlement: composeSettlement,
  intents: composeIntents,
};

export function runMachines(product: Product): Machines {
  const { world, settings } = product;
  const { random } = world;
  const { most, everyMs, crash, stop, pause, clockStep, outage } = settings.machines;
  let alive: Machine[] = [];
  let isOver = false;
  let started = 0;
  let crashes = 0;

  const remove = (machine: Machine, why: string) => {
    if (!machine.alive) return;
    machine.alive = false;
    alive = alive.filter((each) => each !== machine);
    world.note(`${machine.name} ${why}`);
  };

  function start(service: ServiceName): void {
    const machine = open(product, service, started++, remove);
    alive.push(machine);
    world.note(`${machine.name} starts`);
    world.after(0, machine, () => {
      machine.all.start().catch((error: unknown) => {
        const cause = causeOf(error);
        if (!isOperationalError(cause)) world.violated(`${machine.name} could not start: ${textOf(cause)}`);
        remove(machine, 'did not start');
      });
    });
  }

  function end(machine: Machine): void {
    world.note(`${machine.name} stops`);
    world.after(0, machine, () => {
      machine.all.stop().then(
        () => remove(machine, 'stopped'),
        (error: unknown) => world.violated(`${machine.name} could not stop: ${textOf(causeOf(error))}`),
      );
    });
    // A process that takes too long to stop is killed.
    world.after(5_000, null, () => remove(machine, 'is killed'));
  }

  function happen(): void {
    if (isOver) return;
    const service = random.pick(services);
    const own = alive.filter((machine) => machine.service === service);
    const missing = services.find((name) => !alive.some((machine) => machine.service === name));
    if (missing !== undefined && random.chance(0.7)) start(missing);
    else if (own.length < most) start(service);
    else if (random.chance(crash)) {
      crashes += 1;
      remove(random.pick(own), 'crashes');
    } else if (random.chance(stop)) end(random.pick(own));
    else if (random.chance(pause)) standStill(random.pick(own));
    else if (random.chance(clockStep)) random.pick(own).clockStepMs += random.below(8_000) - 4_000;
    if (random.chance(outage)) product.places[random.pick(services)].log.outage(random.below(3_000));
    if (random.chance(outage)) product.broker.outage(random.below(3_000));
    world.after(1 + random.below(everyMs), null, happen);
  }

  function standStill(machine: Machine): void {
    machine.pausedUntil = world.now() + 200 + random.below(6_000);
    world.note(`${machine.name} stands still until ${machine.pausedUntil}`);
  }

  for (const service of services) start(service);
  world.after(1 + random.below(everyMs), null, happen);
  return {
    settle() {
      isOver = true;
      const supervise = () => {
        for (const service of services) if (!alive.some((machine) => machine.service === service)) start(service);
        world.after(500, null, supervise);
      };
      supervise();
    },
    counts: () => ({ processes: started, crashes }),
  };
}

function open(
  product: Product,
  service: ServiceName,
  number: number,
  remove: (machine: Machine, why: string) => void,
): Machine {
  const { world, places, broker, settings } = product;
  const { log, database } = places[service];
  const { skewMs } = settings.machines;
  const skew = skewMs === 0 ? 0 : world.random.below(2 * skewMs) - skewMs;
  const owner: SimulatedProcess & { clockStepMs: number } = {
    name: `${service}-${number}`,
    alive: true,
    clockStepMs: 0,
  };
  const { components, serve } = compositions[service](product, {
    owner,
    now: () => new Date(startMs + world.now() + skew + owner.clockStepMs),
    logger: silent,
    metrics,
    onFatal(error) {
      if (!isOperationalError(error)) world.violated(`${owner.name} cannot go on: ${textOf(error)}`);
      remove(machine, 'ended');
    },
    store: log.connect(owner),
    database,
    pool: database.pool(owner),
    checkpoints: simulatedCheckpoints(database),
    tables: simulatedConsumerTables(database),
    transport: broker.connect(owner),
  });
  const server: Component = { name: 'server', start: async () => serve(), stop: async () => undefined };
  const machine: Machine = Object.assign(owner, { service, all: inOrder(service, [...components, server]) });
  return machine;
}

/** What is behind `… did not start`. */
function causeOf(error: unknown): unknown {
  const { cause } = error as { cause?: unknown };
  return isOperationalError(error) || cause === undefined ? error : causeOf(cause);
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)).split('\n').slice(0, 4).join(' | ') : String(error);
}
