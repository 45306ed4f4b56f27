/**
 * Read models as tables and pure folds: the fast form of `projections.ts`. A batch of events costs one query a table to
 * load the rows it touches, a fold in memory, and one statement a table to store what changed, in the transaction that
 * moves the checkpoint. All tables of a group show the same moment; each event counts once.
 */
import type { EventCodec } from './codec';
import type { StoredEvent } from './event-store';
import type { Rows, RowsInMemory, Wanted } from './projection-rows';
import type { ProjectionTable } from './projection-table';

type Typed = { readonly type: string };

export type TableProjection<Event extends Typed> = {
  readonly name: string;
  /** Bump when tables or handlers change meaning: the tables are then built anew. */
  readonly version: number;
  /** Those that its handlers insert into or change. They may look at the tables of projections before it. */
  readonly tables: readonly ProjectionTable[];
  /** Names the rows of `kept` tables that the handlers get, change or insert. Called for whole batches before the fold. */
  keys?(event: Event, place: StoredEvent, wanted: Wanted): void;
  readonly handlers: {
    readonly [Type in Event['type']]?: (
      event: Extract<Event, { readonly type: Type }>,
      place: StoredEvent,
      rows: Rows,
    ) => void;
  };
};

/** What tables are made of: the projections with their versions. */
export function versionsOf(projections: readonly { readonly name: string; readonly version: number }[]): string {
  return projections
    .map(({ name, version }) => `${name}@${version}`)
    .sort()
    .join(' ');
}

export function tablesOf(projections: readonly { readonly tables: readonly ProjectionTable[] }[]) {
  return projections.flatMap(({ tables }) => tables);
}

export type Fold<Event extends Typed> = {
  /** Names the rows that `fold` will touch. */
  want(event: Event, place: StoredEvent): void;
  /** Changes rows in memory, projection after projection. */
  fold(event: Event, place: StoredEvent): void;
};

/** The pure part. With rows that are not `stored`, `want` may be left out. */
export function createFold<Event extends Typed>(
  codec: EventCodec<Event>,
  projections: readonly TableProjection<Event>[],
  memory: Pick<RowsInMemory, 'rows' | 'wanted'>,
): Fold<Event> {
  type Handler = (event: Event, place: StoredEvent, rows: Rows) => void;
  const handlers = new Map<string, readonly Handler[]>();
  for (const type of codec.types) {
    const some = projections.flatMap(({ handlers: of }) => (of[type as Event['type']] as Handler | undefined) ?? []);
    handlers.set(type, some);
  }
  const askers = projections.filter(({ keys }) => keys !== undefined);
  const { rows, wanted } = memory;
  return {
    want(event, place) {
      for (const asker of askers) asker.keys?.(event, place, wanted);
    },
    fold(event, place) {
      for (const handler of handlers.get(event.type) ?? []) handler(event, place, rows);
    },
  };
}
