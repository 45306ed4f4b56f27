/**
 * EventStoreDB for tests: the one that `EVENTSTOREDB_URL` names, else one in Docker, else the wire-level server of this
 * folder, in this process; which one it is, is printed. A real one is shared, so every user needs a namespace of its own.
 */
import { randomBytes } from 'node:crypto';
import { eventually } from '@daybook/testing';
import type { EventStore } from '../../src/event-store';
import { eventStoreDb } from '../../src/eventstoredb/event-store-db';
import { startEventStoreDbServer } from './server';

export type TestEventStoreDb = {
  readonly kind: 'given' | 'container' | 'wire-level';
  readonly url: string;
  /** Another one for each call. */
  namespace(): string;
  open(namespace: string, service: string): EventStore;
  stop(): Promise<void>;
};

/** As in docker-compose.yml. */
const image = 'eventstore/eventstore:23.10.0-bookworm-slim';
const port = 2113;
const readyWithinMs = 60_000;

export async function eventStoreDbForTests(suite: string): Promise<TestEventStoreDb> {
  const server = (await givenServer()) ?? (await containerServer()) ?? (await wireLevelServer());
  process.stderr.write(`${suite}: on EventStoreDB (${server.kind})\n`);
  if (server.kind !== 'wire-level') await answers(server.url);
  return {
    ...server,
    namespace: () => `test-${randomBytes(6).toString('hex')}`,
    open: (namespace, service) => eventStoreDb({ url: server.url, namespace, service }),
  };
}

type Server = Pick<TestEventStoreDb, 'kind' | 'url' | 'stop'>;

async function givenServer(): Promise<Server | undefined> {
  const url = process.env['EVENTSTOREDB_URL'] ?? '';
  return url === '' ? undefined : { kind: 'given', url, stop: async () => undefined };
}

async function containerServer(): Promise<Server | undefined> {
  const { GenericContainer, getContainerRuntimeClient } = await import('testcontainers');
  const engine = await getContainerRuntimeClient().catch(() => undefined);
  if (engine === undefined) return undefined;
  const container = await new GenericContainer(image)
    .withEnvironment({ EVENTSTORE_INSECURE: 'true', EVENTSTORE_RUN_PROJECTIONS: 'None', EVENTSTORE_MEM_DB: 'true' })
    .withExposedPorts(port)
    .start();
  const url = `esdb://${container.getHost()}:${container.getMappedPort(port)}?tls=false`;
  return { kind: 'container', url, stop: async () => void (await container.stop()) };
}

async function wireLevelServer(): Promise<Server> {
  const { url, stop } = await startEventStoreDbServer();
  return { kind: 'wire-level', url, stop };
}

/** A server that has just started refuses for a while. */
async function answers(url: string): Promise<void> {
  const store = eventStoreDb({ url, namespace: 'test', service: 'ready' });
  await eventually(() => store.tail(), { timeoutMs: readyWithinMs });
  await store.close();
}
