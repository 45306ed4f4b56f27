/**
 * One run of a book: real engines, journals, record index and snapshots over a simulated log, tables, clocks and clients.
 *
 *   safety      faults and crashes without end; then the log is examined as it lies there
 *   liveness    the same for a while; then everything answers, one process is left, and all that was asked has to be
 *               answered within a bound
 */
import {
  runWorld,
  simulatedStore,
  type Run,
  type SimulatedStore,
  type StoreFaults,
  type World,
} from '@daybook/testing';
import { examineBook } from './book-checks';
import { bookClients, type Clients } from './book-clients';
import { bookProcesses, type Processes } from './book-processes';
import type { BookTables } from './book-tables';
import { bookWorkload } from './book-workload';

export type Mode = 'safety' | 'liveness';

/** By default. */
export function modeOf(seed: number): Mode {
  return seed % 2 === 0 ? 'safety' : 'liveness';
}

export type BookRun = {
  readonly events: number;
  readonly attempts: number;
  readonly answered: number;
  readonly crashes: number;
  readonly processes: number;
};

const startMs = Date.UTC(2026, 0, 1);
const chaosMs = 6_000;
/** In virtual time, after the last fault. */
const boundMs = 60_000;

/** Which troubles a run has, and how much of each, is drawn as well: some need that others are absent. */
function faultsOf({ random }: World): StoreFaults {
  const some = (most: number) => (random.chance(0.4) ? 0 : (most * (1 + random.below(100))) / 100);
  return {
    refused: some(0.1),
    lostBefore: some(0.15),
    lostAfter: some(0.15),
    lostLate: some(0.15),
    readFails: some(0.15),
    latencyMs: random.pick([1, 5, 20, 60]),
    lateMs: random.pick([20, 200, 2_000]),
  };
}

export function simulateBook(seed: number, mode: Mode, onLine?: (line: string) => void): Promise<Run<BookRun>> {
  const play = async (world: World): Promise<BookRun> => {
    const { random } = world;
    const store = simulatedStore(world, faultsOf(world), startMs);
    const tables: BookTables = { segments: [], snapshots: [] };
    const processes = bookProcesses(world, store, {
      startMs,
      tables,
      sizes: {
        recordsMax: random.pick([4, 20, 1_000]),
        snapshotEvery: random.pick([7, 25, 60, 100_000]),
        // A filter that is full takes every id for a known one.
        filterBytes: random.pick([32, 4_096]),
      },
      batchMax: random.pick([1, 3, 16]),
      queueMax: random.pick([4, 1_000]),
      skewMs: random.pick([0, 0, 50, 2_000]),
    });
    const clients = bookClients({ world, store, processes }, bookWorkload(random), {
      count: 1 + random.below(8),
      thinkMs: random.pick([5, 50, 200]),
      patienceMs: random.pick([100, 1_000, 5_000]),
      commandsMax: 100,
      attemptsMax: 180,
    });
    const trouble = troubles(world, store, processes);
    await world.run(chaosMs, () => false);
    if (mode === 'liveness') await settle(world, { store, processes, clients, trouble });
    const examined = await examineBook(store.durable, { ...clients, tables });
    for (const problem of examined.problems) world.violated(problem);
    world.note(`end ${examined.events}`);
    const { attempts } = clients;
    const answered = attempts.filter(({ answer }) => answer !== undefined).length;
    return { events: examined.events, attempts: attempts.length, answered, ...trouble.counts() };
  };
  return runWorld(seed, play, onLine);
}

type Troubles = { end(): void; counts(): { crashes: number; processes: number } };

/** Starts processes, up to as many as the run may have, and ends them. */
function troubles(world: World, store: SimulatedStore, processes: Processes): Troubles {
  const { random } = world;
  const most = random.pick([1, 1, 2, 3]);
  const everyMs = random.pick([100, 500, 3_000]);
  const crashShare = random.pick([0, 0.2, 0.6]);
  const outageShare = random.pick([0, 0, 0.1]);
  let isOver = false;
  let crashes = 0;
  let started = 0;

  const start = () => {
    started += 1;
    processes.start();
  };
  const again = () => world.after(1 + random.below(everyMs), null, happen);
  function happen(): void {
    if (isOver) return;
    const alive = processes.alive();
    if (alive.length < most) start();
    else if (random.chance(crashShare)) {
      crashes += 1;
      processes.crash(random.pick(alive));
    } else if (random.chance(0.1)) processes.stop(random.pick(alive));
    if (random.chance(outageShare)) store.outage(random.below(4_000));
    again();
  }
  start();
  again();
  return {
    end() {
      isOver = true;
    },
    counts: () => ({ crashes, processes: started }),
  };
}

async function settle(
  world: World,
  run: { store: SimulatedStore; processes: Processes; clients: Clients; trouble: Troubles },
): Promise<void> {
  const { store, processes, clients, trouble } = run;
  trouble.end();
  store.heal();
  clients.finish();
  const from = world.now();
  const supervise = () => {
    if (processes.alive().length === 0) processes.start();
    world.after(500, null, supervise);
  };
  supervise();
  const isThrough = await world.run(from + boundMs, () => clients.isThrough());
  if (!isThrough && world.violation() === undefined) world.violated(`L1: not all is answered after ${boundMs} ms`);
  const isReady = () => processes.alive().some(({ engine }) => engine.ready());
  if (world.violation() === undefined && !(await world.run(from + boundMs, isReady)))
    world.violated('L2: no engine is ready');
}
