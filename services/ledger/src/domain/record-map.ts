/**
 * Records in memory, forgotten in bulk. What is set comes into a young generation; `turn` forgets the old one but for what
 * is to stay, and makes the young one old. So nothing is deleted one by one: a `Map` in which entries come and go makes one
 * table after the other, and each of them keeps the next, with all that is in it, from the collector of young objects.
 */
import type { BookRecord, Cells } from './records';

/** `apart`: it is not asked about until it is set again. */
export type Fate = 'forgotten' | 'young' | 'apart';

/** A class, so that states are compared by what they hold. */
export class RecordMap implements Cells<BookRecord>, Iterable<[string, BookRecord]> {
  #young = new Map<string, BookRecord>();
  #old = new Map<string, BookRecord>();
  readonly #apart = new Map<string, BookRecord>();
  #mayHave: (id: string) => boolean = () => true;

  /** What tells `get` that an id was never set, for less than a look at the maps. Most ids that are asked about are new. */
  askFirst(mayHave: (id: string) => boolean): void {
    this.#mayHave = mayHave;
  }

  get(id: string): BookRecord | undefined {
    if (!this.#mayHave(id)) return undefined;
    return this.#young.get(id) ?? this.#old.get(id) ?? (this.#apart.size > 0 ? this.#apart.get(id) : undefined);
  }

  /** Looks, whatever is said of the id: it is what asserts that nothing is recorded twice. */
  has(id: string): boolean {
    return this.#young.has(id) || this.#old.has(id) || (this.#apart.size > 0 && this.#apart.has(id));
  }

  set(id: string, record: BookRecord): void {
    if (this.#apart.size > 0) this.#apart.delete(id);
    this.#young.set(id, record);
  }

  /** Set since the last turn. */
  youngSize(): number {
    return this.#young.size;
  }

  /** Asks for the fate of those that were not set since the turn before this one. */
  turn(fate: (id: string, record: BookRecord) => Fate): void {
    const asked = this.#old;
    this.#old = this.#young;
    this.#young = new Map();
    for (const [id, record] of asked) {
      if (this.#old.has(id)) continue;
      const its = fate(id, record);
      if (its === 'young') this.#young.set(id, record);
      else if (its === 'apart') this.#apart.set(id, record);
    }
  }

  *[Symbol.iterator](): Iterator<[string, BookRecord]> {
    yield* this.#apart;
    for (const entry of this.#old) if (!this.#young.has(entry[0])) yield entry;
    yield* this.#young;
  }
}
