import { eventually, swallowingWay, testDatabase, testLogger } from '@daybook/testing';
import { openSession } from '../src/postgres-session';

test('a session that is not answered is lost, and what it held is free', async () => {
  const database = await testDatabase();
  const way = await swallowingWay(database.url);
  const { logger } = testLogger();
  let losses = 0;
  const onLost = () => void losses++;
  const open = (databaseUrl: string) =>
    openSession({ databaseUrl, logger, onPublish: () => undefined, onLost, answerMs: 1_000 });
  const session = await open(way.url);
  expect(await session.tryLock('place')).toBe(true);
  const next = await open(database.url);
  expect(await next.tryLock('place')).toBe(false);

  way.swallow(true);
  await expect(session.unlock('place')).rejects.toThrow('Query read timeout');
  expect([session.lost, losses]).toEqual([true, 1]);
  await eventually(async () => expect(await next.tryLock('place')).toBe(true), { timeoutMs: 5_000 });
  await expect(session.members()).rejects.toThrow('not queryable');
  expect([next.lost, losses]).toEqual([false, 1]);

  await session.close();
  await next.close();
  await way.stop();
  await database.drop();
});

test('a session that cannot be opened is not told as lost: whoever tries again waits before', async () => {
  const { logger } = testLogger();
  let losses = 0;
  const onLost = () => void losses++;
  const nobody = { databaseUrl: 'postgres://127.0.0.1:1/none', logger, onPublish: () => undefined, onLost };
  // The end of the first is heard of before the second has failed.
  for (const _ of [1, 2]) await expect(openSession(nobody)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(losses).toBe(0);
});
