import { describeEventStore } from './event-store.contract';
import { eventStoreDbForTests, type TestEventStoreDb } from './eventstoredb-server';

let server: TestEventStoreDb;
beforeAll(async () => {
  server = await eventStoreDbForTests('the contract of the event store');
}, 120_000);
afterAll(() => server.stop());

describeEventStore('EventStoreDB', async () => server.open(server.namespace(), 'contract'));
