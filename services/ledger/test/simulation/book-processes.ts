/** Processes with the real engine of one book: started, stopped and crashed at any moment, up to three at a time. */
import { isOperationalError } from '@daybook/core';
import type { SimulatedProcess, SimulatedStore, World } from '@daybook/testing';
import { createEngine, type Engine } from '../../src/app/engine';
import { bookJournal } from '../../src/adapters/book-journal';
import { bookMemoryOf, silent, type BookTables, type MemorySizes } from './book-tables';

export const stream = 'book-sandbox';

export type BookProcess = SimulatedProcess & { readonly engine: Engine; clock(): Date };

export type ProcessSettings = {
  readonly startMs: number;
  readonly tables: BookTables;
  readonly sizes: MemorySizes;
  readonly batchMax: number;
  readonly queueMax: number;
  /** Clocks are off by as much, either way. */
  readonly skewMs: number;
};

export type Processes = {
  alive(): readonly BookProcess[];
  start(): void;
  /** The process is gone at once, with all that only it knew. */
  crash(process: BookProcess): void;
  /** As an orderly end does: it finishes what it took, as far as it can. */
  stop(process: BookProcess): void;
};

export function bookProcesses(world: World, store: SimulatedStore, settings: ProcessSettings): Processes {
  const { random } = world;
  const { startMs, tables, sizes, batchMax, queueMax, skewMs } = settings;
  let processes: BookProcess[] = [];
  let started = 0;

  const remove = (process: BookProcess, why: string) => {
    process.alive = false;
    processes = processes.filter((each) => each !== process);
    world.note(`${process.name} ${why}`);
  };

  function open(): BookProcess {
    const skew = skewMs === 0 ? 0 : random.below(2 * skewMs) - skewMs;
    const owner = { name: `p${started++}`, alive: true };
    const memory = bookMemoryOf(world, store, owner, { tables, sizes });
    const log = store.connect(owner);
    const clock = () => new Date(startMs + world.now() + skew);
    const engine = createEngine({
      stream,
      openJournal: (name) => bookJournal(log, name, memory, owner.name),
      now: clock,
      logger: silent,
      batchMax,
      queueMax,
      onAppend: (wake) => log.onAppend(wake),
      onFatal(error) {
        if (!isOperationalError(error)) world.violated(`${owner.name} ended: ${String(error)}`);
        remove(process, 'ended');
      },
    });
    const process: BookProcess = Object.assign(owner, { engine, clock });
    return process;
  }

  return {
    alive: () => processes,
    start() {
      const process = open();
      processes.push(process);
      world.note(`${process.name} starts`);
      world.after(0, process, () => {
        process.engine.start().catch((error: unknown) => {
          if (!isOperationalError(error)) world.violated(`${process.name} could not start: ${String(error)}`);
          remove(process, 'did not start');
        });
      });
    },
    crash: (process) => remove(process, 'crashes'),
    stop(process) {
      world.note(`${process.name} stops`);
      world.after(0, process, () => {
        process.engine.stop().then(
          () => remove(process, 'stopped'),
          (error: unknown) => world.violated(`${process.name} could not stop: ${String(error)}`),
        );
      });
    },
  };
}
