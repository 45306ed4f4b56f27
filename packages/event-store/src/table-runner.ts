/** Follows the log with read models as tables: one runner and one checkpoint for the group. */
import type { Logger, OnFatal } from '@daybook/runtime';
import type { Pool } from 'pg';
import type { EventCodec } from './codec';
import type { EventStore } from './event-store';
import { isMissingIn } from './missing-relations';
import type { Projections } from './projections';
import { createStoredFold } from './stored-fold';
import { createSubscription } from './subscription';
import { versionsOf, type TableProjection } from './table-projections';

type Typed = { readonly type: string };

/** More events share the cost of a batch and the rows that they touch; fewer are visible sooner. */
const tableBatchSize = 20_000;

export function createTableProjections<Event extends Typed>(options: {
  readonly pool: Pool;
  readonly store: EventStore;
  readonly codec: EventCodec<Event>;
  /** Name of the group's checkpoint. */
  readonly name: string;
  /** Where the tables are. */
  readonly schema: string;
  readonly projections: readonly TableProjection<Event>[];
  readonly logger: Logger;
  readonly onFatal: OnFatal;
  readonly batchSize?: number;
  readonly keepMax?: number;
  /** The tables have been replaced by others: this runner has ended. */
  retired?(): void;
}): Projections {
  const { codec, schema, projections, keepMax, ...rest } = options;
  const { prepare, apply, forget } = createStoredFold({
    codec,
    schema,
    projections,
    ...(keepMax === undefined ? {} : { keepMax }),
  });
  return createSubscription({
    batchSize: tableBatchSize,
    ...rest,
    version: versionsOf(projections),
    // Ending the process would end whatever makes the table again, at every start anew.
    passes: (error) => isMissingIn(schema, error),
    prepare,
    forget,
    handle: apply,
  });
}
