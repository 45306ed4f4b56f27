export { eventStoreDbForTests, type TestEventStoreDb } from './for-tests';
export { startEventStoreDbServer, type EventStoreDbServer, type Fault } from './server';
