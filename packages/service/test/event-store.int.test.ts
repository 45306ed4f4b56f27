import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig, serviceSettings, uuidv7 } from '@daybook/runtime';
import { openPlatform } from '@daybook/service';
import { eventually, testDatabase, testLogger } from '@daybook/testing';
import { z } from 'zod';
import { startEventStoreDbServer } from '../../event-store/test/eventstoredb-server';

const { logger } = testLogger();

test('EVENT_STORE moves the log and nothing else, and a service is not ready while its log is away', async () => {
  const [database, server] = [await testDatabase(), await startEventStoreDbServer()];
  const migrations = mkdtempSync(join(tmpdir(), 'daybook-service-'));
  writeFileSync(join(migrations, '0001_create_things.sql'), 'create table things (id int primary key);');
  const env = {
    DATABASE_URL: database.url,
    INTERNAL_TOKEN: 'a token of thirty-two characters',
    EVENT_STORE: 'eventstoredb',
    EVENTSTOREDB_URL: server.url,
    EVENTSTOREDB_NAMESPACE: 'somewhere',
  };
  const { store, pool, service } = openPlatform(
    parseConfig(z.object(serviceSettings), env),
    { name: 'two-words', migrations },
    { logger },
  );
  const running = service({ components: [] });
  const { url } = await running.start();
  const metadata = { correlationId: 'c', causationId: 'c' };
  const event = { id: uuidv7(), type: 'Counted', version: 1, payload: Buffer.from('{}'), metadata };
  await store.append('s', [event], 'no_stream');
  expect(server.events.map(({ stream }) => stream)).toEqual(['somewhere.two-words:s']);
  expect((await pool.query('select from events')).rowCount).toBe(0);

  const readiness = async () => (await fetch(`${url}/readyz`)).json();
  expect(await readiness()).toEqual({ status: 'ready' });
  await server.down();
  expect(await readiness()).toEqual({ status: 'not ready', reason: 'the event store does not answer' });
  await server.up();
  await eventually(async () => expect(await readiness()).toEqual({ status: 'ready' }), { timeoutMs: 10_000 });

  await running.stop();
  await server.stop();
  await database.drop();
  rmSync(migrations, { recursive: true, force: true });
});
