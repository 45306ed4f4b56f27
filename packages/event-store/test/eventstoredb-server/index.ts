export { startEventStoreDbServer, type EventStoreDbServer, type Fault } from './server';
