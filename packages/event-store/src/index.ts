export { appendEach } from './append-each';
export { assertAppendOnly } from './append-only';
export { byteaArray, textArray } from './binary-array';
export { postgresCheckpoints, rewindCheckpoint, type Checkpoint, type CheckpointTable } from './checkpoint';
export { defineStoredEvents, type EventCodec, type StoredEventsOf } from './codec';
export { commandHandler, type CommandContext, type Outcome } from './command-handler';
export { databaseClock } from './database-clock';
export {
  asNoDatabase,
  assertDatabase,
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
  type Position,
  type StoredEvent,
  type StreamAppend,
} from './event-store';
export { createEventColumns, type EventColumns } from './event-columns';
export { eventStoreDb } from './eventstoredb/event-store-db';
export { decodedOnce } from './log-tail';
export { memoryEventStore } from './memory-event-store';
export { eventStoreMigrations, migrate, type MigrationSource } from './migrate';
export { oldestWriter, type OldestWriter } from './oldest-writer';
export { asOperational } from './operational';
export { assertOwnLog } from './own-log';
export { createPersonalData, type PersonalData } from './personal-data';
export { postgresEventStore } from './postgres-event-store';
export { createProjections, type EventPlace, type Projection, type Projections } from './projections';
export { createSubscription, type Subscription, type SubscriptionOptions } from './subscription';
export { auditSubscriptions, type SubscriptionAudit } from './subscription-audit';
export { createIndexesSql, createTableSql, defineTable } from './projection-table';
export type { Column, ColumnType, ProjectionTable, RowOf, Value } from './projection-table';
export type { RawRow, Rows } from './projection-rows';
export { tablesOf, type TableProjection } from './table-projections';
export { createTableProjections } from './table-runner';
export { createGenerations, type Generations } from './generations';
export { withSessionLock } from './session-lock';
export { readersOf, readerWaits } from './reader-waits';
export { watchWriters } from './writer-watch';
export type { GenerationPlan } from './generation-tables';
export type { BuildOptions, BuildReport, ComparedSchemas } from './generation-build';
