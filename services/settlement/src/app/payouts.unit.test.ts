import { commandHandler, memoryEventStore } from '@daybook/event-store';
import { fakeClock, testLogger } from '@daybook/testing';
import { payoutStopEvents } from '../adapters/stored-payout-stops';
import { payoutStop } from '../domain/payout-stop';
import { arePayoutsStopped, payoutCalls, stopByFinding } from './payouts';

const start = '2026-03-01T10:00:00.000Z';

function rig() {
  const now = fakeClock(start);
  const { logger, lines } = testLogger();
  const stops = commandHandler(payoutStop, payoutStopEvents, memoryEventStore(now));
  const woken: string[] = [];
  const calls = payoutCalls({
    stops,
    waiting: async (mode) => ({ sends: mode === 'live' ? 2 : 0, transfers: 1 }),
    wake: async () => void woken.push(now().toISOString()),
    now,
    logger,
  });
  const found = stopByFinding({ stops, now, logger });
  return { ...calls, areStopped: arePayoutsStopped(stops), found, woken, lines, now };
}

const stop = { mode: 'live', reason: 'a key leaked', actor: 'key_ops' } as const;

test('stopped by several they go on when all is seen; the other mode is not touched, and what waits is shown and woken', async () => {
  const { stopPayouts, resumePayouts, getPayouts, areStopped, woken, lines, now } = rig();
  const stops = [{ number: 1, reason: stop.reason, actor: stop.actor, at: start }];
  const waiting = { sends: 2, transfers: 1 };
  expect(await stopPayouts(stop)).toEqual({ ok: true, value: { stops, waiting } });
  now.advance(1_000);
  expect(await stopPayouts({ ...stop, actor: 'key_other' })).toEqual({ ok: true, value: { stops, waiting } });
  expect([await areStopped('live'), await areStopped('sandbox')]).toEqual([true, false]);
  expect(await getPayouts({ mode: 'sandbox' })).toMatchObject({ value: { stops: [] } });
  await stopPayouts({ ...stop, reason: 'a database was restored' });
  const resume = { mode: 'live', actor: 'key_ops' } as const;
  expect(await resumePayouts({ ...resume, seen: 1 })).toEqual({ ok: false, rejection: 'stopped_again' });
  expect([await areStopped('live'), woken]).toEqual([true, []]);
  for (const _ of ['first', 'again'])
    expect(await resumePayouts({ ...resume, seen: 2 })).toEqual({ ok: true, value: { stops: [], waiting } });
  expect([await areStopped('live'), woken.length]).toEqual([false, 2]);
  expect(lines.map(({ msg }) => msg)).toEqual(['payouts are stopped', 'payouts are stopped', 'payouts go on']);
});

test('what is found stops both modes until each was resumed by somebody who has seen it', async () => {
  const { found, areStopped, resumePayouts, lines } = rig();
  const are = async () => [await areStopped('sandbox'), await areStopped('live')];
  for (const _ of ['first', 'again']) expect(await found('a finding')).toBe(true);
  expect(await are()).toEqual([true, true]);
  expect(lines.map(({ level, msg }) => `${level} ${msg}`)).toEqual(Array(2).fill('error payouts are stopped'));
  await resumePayouts({ mode: 'live', seen: 1, actor: 'key_ops' });
  expect([await found('a finding'), await are()]).toEqual([true, [true, false]]);
  await resumePayouts({ mode: 'sandbox', seen: 1, actor: 'key_ops' });
  expect([await found('a finding'), await are()]).toEqual([false, [false, false]]);
  expect([await found('another'), await are()]).toEqual([true, [true, true]]);
});

test('of many that stop and resume at once nothing is lost: payouts are stopped while a stop is not seen', async () => {
  const { stopPayouts, resumePayouts, getPayouts } = rig();
  await stopPayouts(stop);
  const others = Array.from({ length: 10 }, (_, n) => stopPayouts({ ...stop, reason: `reason ${n}` }));
  const resumed = Array.from({ length: 10 }, () => resumePayouts({ mode: 'live', seen: 1, actor: 'key_ops' }));
  await Promise.all([...others, ...resumed]);
  const left = await getPayouts({ mode: 'live' });
  const reasons = left.ok ? left.value.stops.map(({ reason }) => reason) : [];
  expect(reasons).toEqual(expect.arrayContaining(Array.from({ length: 10 }, (_, n) => `reason ${n}`)));
});
