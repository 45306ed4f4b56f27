/** Looks at sends that are not done: of many at once, and of chains of which one does not answer. */
import { fakeClock, testLogger } from '@daybook/testing';
import type { SendChain, SendChecks } from '../ports';
import { checkSends } from './check-sends';
import { sendsApp, type SendsDeps } from './sends';

const pauseMs = 1_000;
const never = new Promise<never>(() => undefined);

/** The table of checks. All sends of a new one are due. */
function checksOf(now: () => Date, transactionIds: readonly string[]): SendChecks {
  const rows = new Map(transactionIds.map((id) => [id, { at: now().getTime(), attempts: 0 }]));
  const sorted = () => [...rows].toSorted(([, a], [, b]) => a.at - b.at);
  return {
    due: async (at, limit) =>
      sorted()
        .filter(([, row]) => row.at <= at.getTime())
        .slice(0, limit)
        .map(([transactionId, { attempts }]) => ({ transactionId, attempts })),
    next: async () => (rows.size === 0 ? null : new Date(sorted()[0]![1].at)),
    again: async (id, at) => void rows.set(id, { at: at.getTime(), attempts: rows.get(id)!.attempts + 1 }),
  };
}

test('a pass ends, though all that it looked at is due again by then; the next begins with who waited longest', async () => {
  const now = fakeClock('2026-03-01T10:00:00.000Z');
  const { logger } = testLogger();
  const ids = Array.from({ length: 25 }, (_, index) => `TX${index}`);
  const looked: string[] = [];
  const advance = async (id: string) => {
    looked.push(id);
    // A node that is slow: the pause is over before the answer is there.
    now.advance(pauseMs);
    return { stage: 'none' } as const;
  };
  const checks = checksOf(now, ids);
  const due: SendChecks['due'] = (...asked) =>
    looked.length > 100 ? Promise.reject(new Error('the pass does not end')) : checks.due(...asked);
  const pass = checkSends({ checks: { ...checks, due }, advance, pauseMs, now, logger });
  expect(((await pass()) ?? now()) <= now()).toBe(true);
  expect(looked).toEqual(ids.slice(0, 20));
  await pass();
  expect(looked.slice(20, 25)).toEqual(ids.slice(20));
});

test('a chain that does not answer holds up no other chain, and sends of a chain that is gone are looked at, too', async () => {
  const now = fakeClock('2026-03-01T10:00:00.000Z');
  const looked: string[] = [];
  const chain = (name: string) => ({ chain: name, mode: 'sandbox', assets: [] }) as unknown as SendChain;
  const load = async (stream: string) => {
    looked.push(stream);
    return /-ill-\d/.test(stream) ? never : { state: { stage: 'none' } };
  };
  const { checkSends: passes } = sendsApp({
    chains: [chain('ill'), chain('well')],
    checksOn: (name: string) => checksOf(now, [`${name}-1`, `${name}-2`]),
    checksElsewhere: (names: readonly string[]) => checksOf(now, [`not-on-${names.join('-')}`]),
    sends: { load },
    pollMs: pauseMs,
    now,
    logger: testLogger().logger,
  } as unknown as SendsDeps);
  expect(passes.map(({ name }) => name)).toEqual(['sends due on ill', 'sends due on well', 'sends due on no chain']);
  const [ill, well, gone] = passes.map(({ pass }) => pass());
  const after = new Date(now().getTime() + pauseMs);
  expect(await Promise.race([ill, well])).toEqual(after);
  expect(await gone).toEqual(after);
  expect([...new Set(looked)].toSorted()).toEqual(
    ['ill-1', 'ill-2', 'not-on-ill-well', 'well-1', 'well-2'].map((id) => `send-${id}`),
  );
});
