import { eventStoreDbForTests, type TestEventStoreDb } from '../../event-store/test/eventstoredb-server';

export type EventStoreOfRun = {
  readonly settings: Readonly<Record<string, string>>;
  /** Undefined when events are beside the tables. */
  readonly eventsOf: ((service: string) => ReturnType<TestEventStoreDb['open']>) | undefined;
  stop(): Promise<void>;
};

/** Where an instance keeps its events: as its settings say, else as the run's environment says. */
export async function eventStoreOfRun(settings: Readonly<Record<string, string>>): Promise<EventStoreOfRun> {
  const kind = settings['EVENT_STORE'] ?? process.env['EVENT_STORE'] ?? 'postgres';
  if (kind !== 'eventstoredb') return { settings: {}, eventsOf: undefined, stop: async () => undefined };
  const server = await eventStoreDbForTests('the end-to-end stories');
  const namespace = server.namespace();
  return {
    settings: { EVENT_STORE: kind, EVENTSTOREDB_URL: server.url, EVENTSTOREDB_NAMESPACE: namespace },
    eventsOf: (service) => server.open(namespace, service),
    stop: () => server.stop(),
  };
}
