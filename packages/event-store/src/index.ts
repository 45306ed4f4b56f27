export { defineStoredEvents, type EventCodec, type StoredEventsOf } from './codec';
export { commandHandler, type CommandContext, type Outcome } from './command-handler';
export { inTransaction, openDatabase, type Sql, type Tx } from './database';
export {
  start,
  type EventMetadata,
  type EventStore,
  type ExpectedRevision,
  type NewEvent,
  type Position,
  type StoredEvent,
} from './event-store';
export { memoryEventStore } from './memory-event-store';
