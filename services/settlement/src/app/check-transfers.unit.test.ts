/** Looks at transfers through institutions: of many at once, when the ledger or a bank takes its time. */
import { OperationalError } from '@daybook/core';
import { fakeClock, testLogger } from '@daybook/testing';
import type { TransferChecks } from '../ports';
import { checkTransfers } from './check-transfers';

test('passes look at each that is due once, at twenty at once, and end though more is due', async () => {
  const now = fakeClock('2026-03-01T10:00:00.000Z');
  const { logger, lines } = testLogger();
  const rows = new Map(Array.from({ length: 25 }, (_, n) => [`TX${n}`, now()]));
  const checks: TransferChecks = {
    due: async (at, limit) =>
      [...rows]
        .filter(([, checkAt]) => checkAt <= at)
        .slice(0, limit)
        .map(([transactionId]) => ({ transactionId, attempts: 0 })),
    next: async () => new Date(Math.min(...[...rows.values()].map((at) => at.getTime()))),
    again: async (id, at) => void rows.set(id, at),
  };
  const looked: string[] = [];
  let underWay = 0;
  const together: number[] = [];
  const advance = async (id: string) => {
    looked.push(id);
    underWay += 1;
    await new Promise(setImmediate);
    together.push(underWay);
    await new Promise(setImmediate);
    underWay -= 1;
    throw new OperationalError('upstream_timeout', true);
  };
  const pass = checkTransfers({ checks, advance, now, logger });
  // What is left is due at once.
  expect(await pass()).toEqual(now());
  expect(looked).toHaveLength(20);
  expect(await pass()).toEqual(new Date(now().getTime() + 15_000));
  expect(looked).toEqual([...rows.keys()]);
  expect(together).toEqual([...Array<number>(20).fill(20), ...Array<number>(5).fill(5)]);
  expect(new Set(lines.map(({ level, msg }) => `${level} ${msg}`))).toEqual(
    new Set(['warn ledger or institution did not answer']),
  );
});
