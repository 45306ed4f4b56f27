import { eventStoreDb } from '../src/eventstoredb/event-store-db';
import { describeEventStore } from './event-store.contract';
import { startEventStoreDbServer, type EventStoreDbServer } from './eventstoredb-server';

let server: EventStoreDbServer;
beforeAll(async () => {
  server = await startEventStoreDbServer();
});
afterAll(() => server.stop());

let services = 0;
describeEventStore('EventStoreDB', async () =>
  eventStoreDb({ url: server.url, namespace: 'test', service: `s${services++}` }),
);
