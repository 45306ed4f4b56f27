/** When providers are asked about payments that are not decided, and what one that does not answer holds up. */
import { OperationalError } from '@daybook/core';
import { dueWorkers } from '@daybook/runtime';
import { eventually, fakeClock, testLogger } from '@daybook/testing';
import type { PaymentChecks } from '../ports';
import { checkPayments } from './check-payments';
import { paymentsApp, type PaymentDeps } from './payments';

const secondMs = 1_000;
const dayMs = 86_400_000;

/** Payments that are never decided, because `answer` says nothing. */
function checksOf(count: number, answer: () => void | Promise<void> = () => undefined) {
  const now = fakeClock('2026-03-01T10:00:00.000Z');
  const start = now().getTime();
  const rows = Array.from({ length: count }, (_, n) => ({ transactionId: `TX${n}`, attempts: 0, at: start }));
  const asked: { transactionId: string; at: number }[] = [];
  const checks: PaymentChecks = {
    due: async (until, limit) => rows.filter(({ at }) => at <= until.getTime()).slice(0, limit),
    next: async () => (rows.length === 0 ? null : new Date(Math.min(...rows.map(({ at }) => at)))),
    again: async (transactionId, at) => {
      const row = rows.find((each) => each.transactionId === transactionId)!;
      Object.assign(row, { attempts: row.attempts + 1, at: at.getTime() });
    },
    end: async (transactionId) => {
      const place = rows.findIndex((each) => each.transactionId === transactionId);
      rows.splice(place, 1);
    },
  };
  const { logger, lines } = testLogger();
  const ask = async (transactionId: string) => {
    asked.push({ transactionId, at: now().getTime() - start });
    await answer();
    return { stage: 'none' } as const;
  };
  return { pass: checkPayments({ checks, ask, now, logger }), checks, now, asked, logger, lines };
}

test('a payment is asked about at pauses that double up to a day and stay there, for more than a year', async () => {
  const { pass, now, asked } = checksOf(1);
  for (let next = await pass(); next !== null; next = await pass()) now.advance(next.getTime() - now().getTime());
  expect(asked).toHaveLength(400);
  expect(asked.at(-1)!.at).toBeGreaterThan(366 * dayMs);
  const pauses = asked.slice(1).map(({ at }, n) => at - asked[n]!.at);
  expect(pauses.slice(0, 4)).toEqual([15, 30, 60, 120].map((seconds) => seconds * secondMs));
  for (const [n, pause] of pauses.entries()) expect(pause).toBe(Math.min(dayMs, 15 * secondMs * 2 ** n));
});

test('passes ask about each that is due once, about a few at once, and go on after a provider that does not answer', async () => {
  let underWay = 0;
  const together: number[] = [];
  const { pass, now, asked, lines } = checksOf(25, async () => {
    underWay += 1;
    await new Promise(setImmediate);
    together.push(underWay);
    await new Promise(setImmediate);
    underWay -= 1;
    throw new OperationalError('upstream_unavailable', true);
  });
  // What is left is due at once.
  for (const done of [10, 20]) {
    expect(await pass()).toEqual(now());
    expect(asked).toHaveLength(done);
  }
  expect(await pass()).toEqual(new Date(now().getTime() + 15 * secondMs));
  expect(asked.map(({ transactionId }) => transactionId)).toEqual(Array.from({ length: 25 }, (_, n) => `TX${n}`));
  expect(together).toEqual([...Array<number>(20).fill(10), ...Array<number>(5).fill(5)]);
  expect(new Set(lines.map(({ level, msg }) => `${level} ${msg}`))).toEqual(
    new Set(['warn the provider did not answer']),
  );
});

test('a provider that never answers holds up its own payments in that mode, and no others', async () => {
  const { now, logger } = checksOf(0);
  const read: string[] = [];
  const { checkPayments: passes } = paymentsApp({
    returnChecks: {},
    checksAt: (provider: string, mode: string) => ({
      due: async () => [{ transactionId: `${provider} ${mode}`, attempts: 0 }],
      again: async () => undefined,
      next: async () => null,
    }),
    payments: {
      load: async (stream: string) => {
        read.push(stream);
        return stream === 'payment-paypal sandbox' ? new Promise<never>(() => undefined) : { state: { stage: 'none' } };
      },
    },
    now,
    logger,
  } as unknown as PaymentDeps);
  const places = ['stripe', 'paypal', 'coinbase', 'sandbox'].flatMap((provider) => [
    `${provider}, sandbox`,
    `${provider}, live`,
  ]);
  expect(passes.map(({ name }) => name)).toEqual(places.map((place) => `payments due at ${place}`));
  const ends = passes.map(({ pass }) => pass());
  const [ill] = ends.splice(places.indexOf('paypal, sandbox'), 1);
  expect(await Promise.race([ill, Promise.all(ends)])).toEqual(Array.from({ length: 7 }, () => null));
  expect(read).toEqual(places.map((place) => `payment-${place.replace(',', '')}`));
});

test('a stop while looks hang ends when they do, and nobody is asked after it', async () => {
  const timeouts: (() => void)[] = [];
  const { pass, now, asked, logger, lines } = checksOf(25, () => {
    return new Promise((_, reject) => {
      timeouts.push(() => reject(new OperationalError('upstream_timeout', true)));
    });
  });
  const fatal: unknown[] = [];
  const worker = dueWorkers([{ name: 'test', pass }], { now, logger, onFatal: (error) => fatal.push(error) });
  await worker.start();
  await eventually(() => expect(timeouts.length).toBeGreaterThan(0), { timeoutMs: 2_000 });
  const stopped = worker.stop();
  const inHand = asked.length;
  for (const timeout of timeouts) timeout();
  await stopped;
  expect(asked).toHaveLength(inHand);
  expect(lines).toHaveLength(inHand);
  expect(fatal).toEqual([]);
});
