export { appendEach } from './append-each';
export { assertAppendOnly } from './append-only';
export { byteaArray, textArray } from './binary-array';
export { postgresCheckpoints, rewindCheckpoint, type Checkpoint, type CheckpointTable } from './checkpoint';
export { defineStoredEvents, type EventCodec, type StoredEventsOf } from './codec';
export { commandHandler, type CommandContext, type Outcome } from './command-handler';
export { databaseClock, type DatabaseClock } from './database-clock';
export {
  inTransaction,
  inTransactionAfter,
  openDatabase,
  prepared,
  queryAll,
  runAll,
  together,
  waitForAnswers,
  withConnection,
  type Sql,
  type Tx,
} from './database';
export {
  start,
  type EventMetadata,
  type EventStore,
  type ExpectedRevision,
  type NewEvent,
  type NewEvents,
  type Position,
  type StoredEvent,
  type StreamAppend,
} from './event-store';
export { createEventColumns, type EventColumns } from './event-columns';
export { eventStoreDb, type EventStoreDbOptions } from './eventstoredb/event-store-db';
export { decodedOnce } from './log-tail';
export { memoryEventStore } from './memory-event-store';
export { eventStoreMigrations, migrate, MigrationError, type MigrationSource } from './migrate';
export { oldestWriter, type OldestWriter } from './oldest-writer';
export { asOperational } from './operational';
export { createPersonalData, type PersonalData } from './personal-data';
export { postgresEventStore } from './postgres-event-store';
export { createProjections, type EventPlace, type Projection, type Projections } from './projections';
export { createSubscription, type Subscription, type SubscriptionOptions } from './subscription';
export { auditSubscriptions, type AuditOptions, type SubscriptionAudit } from './subscription-audit';
export { createIndexesSql, createTableSql, defineTable } from './projection-table';
export type { Column, ColumnType, ProjectionTable, RowOf, TableIndex, Value } from './projection-table';
export { rowsInMemory, type RawRow, type Rows, type RowsInMemory, type Wanted } from './projection-rows';
export { createFold, tablesOf, versionsOf, type Fold, type TableProjection } from './table-projections';
export { createTableProjections } from './table-runner';
export { createGenerations, type Generations, type GenerationsOptions } from './generations';
export { withSessionLock } from './session-lock';
export { watchWriters } from './writer-watch';
export { dumpTable, type TableDump } from './generation-dump';
export { dropGeneration, generationsOf, type Generation, type GenerationPlan } from './generation-tables';
export type { BuildOptions, BuildReport, BuildStep, ComparedSchemas, TableComparison } from './generation-build';
