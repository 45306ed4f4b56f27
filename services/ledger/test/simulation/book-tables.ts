/** The tables of a book's memory: durable rows, and for each process a way to them that fails as that to the log does. */
import { createLogger } from '@daybook/runtime';
import type { SimulatedProcess, SimulatedStore, World } from '@daybook/testing';
import type { BookMemory, StoredSnapshot } from '../../src/adapters/book-memory';
import { createRecordFilter } from '../../src/adapters/record-filter';
import type { StoredSegment } from '../../src/adapters/record-index';

export type BookTables = { readonly segments: StoredSegment[]; snapshots: StoredSnapshot[] };

export const silent = createLogger({ service: 'simulation', level: 'silent' });

export type MemorySizes = { readonly recordsMax: number; readonly snapshotEvery: number; readonly filterBytes: number };

/** `ask` makes a call to the tables; `damage` says whether a snapshot goes bad on its disk. */
function memoryOn(
  tables: BookTables,
  { recordsMax, snapshotEvery, filterBytes }: MemorySizes,
  ask: <T>(what: string, effect: () => T) => Promise<T>,
  damage: () => boolean,
): BookMemory {
  const before = (sequence: number) => tables.segments.filter(({ first }) => first < sequence);
  return {
    recordsMax,
    snapshotEvery,
    logger: silent,
    filter: createRecordFilter(filterBytes),
    segments: {
      key: async () => new Uint8Array(8),
      add: (segment) =>
        ask('add segment', () => {
          if (!tables.segments.some(({ first }) => first === segment.first)) tables.segments.push(segment);
        }),
      async *before(sequence) {
        yield* await ask('read segments', () => before(sequence));
      },
      async *near(_hashes, sequence) {
        yield* await ask('look into segments', () => before(sequence));
      },
      count: (sequence) => ask('count segments', () => before(sequence).length),
    },
    snapshots: {
      latest: () => ask('latest snapshot', () => tables.snapshots.at(-1)),
      async add(snapshot, parts, stateHash) {
        const all: Buffer[] = [];
        for await (const part of parts) {
          await ask('snapshot part', () => undefined);
          all.push(part);
        }
        const stored = { ...snapshot, parts: all, stateHash: stateHash() };
        await ask(`snapshot ${snapshot.sequence} ${stored.stateHash}`, () => {
          if (tables.snapshots.some(({ sequence }) => sequence === snapshot.sequence)) return;
          const bytes = damage() ? all.map((part) => Buffer.from(part).fill(0x20, 0, 8)) : all;
          // The table keeps the two newest.
          tables.snapshots = [...tables.snapshots, { ...stored, parts: bytes }]
            .toSorted((a, b) => a.sequence - b.sequence)
            .slice(-2);
        });
      },
    },
  };
}

export function bookMemoryOf(
  world: World,
  store: SimulatedStore,
  owner: SimulatedProcess,
  { tables, sizes }: { readonly tables: BookTables; readonly sizes: MemorySizes },
): BookMemory {
  const ask = <T>(what: string, effect: () => T) => store.call(owner, what, effect);
  return memoryOn(tables, sizes, ask, () => world.random.chance(0.05));
}

/** For checks: everything answers at once. */
export function certainMemory(tables: BookTables): BookMemory {
  const sizes = { recordsMax: 1_000_000, snapshotEvery: 1_000_000_000, filterBytes: 4_096 };
  return memoryOn(
    tables,
    sizes,
    async (_what, effect) => effect(),
    () => false,
  );
}
