import { z } from 'zod';
import { acceptTransfer, closePeriod, operateBook } from '../src';

const request = {
  mode: 'sandbox',
  tenantId: '11111111-1111-4111-8111-111111111111',
  transferId: 'TX1',
  debitAccountId: 'a',
  creditAccountId: 'b',
  asset: 'TXC',
  amount: '1',
  referenceId: 'r'.repeat(200),
  note: null,
};

test('a transfer carries no more text than its message may', () => {
  const problems = (more: object) =>
    z.safeDecode(acceptTransfer.request, { ...request, ...more } as never).error?.issues.map(({ path }) => path[0]);
  expect(problems({})).toBeUndefined();
  expect(problems({ referenceId: 'r'.repeat(201) })).toEqual(['referenceId']);
  expect(problems({ note: 'n'.repeat(2_001) })).toEqual(['note']);
  expect(problems({ creditAccountId: 'c'.repeat(201) })).toEqual(['creditAccountId']);
});

test('a transfer is of something', () => {
  const { success } = z.safeDecode(acceptTransfer.request, { ...request, amount: '0' } as never);
  expect(success).toBe(false);
});

test('a request that may move money says nothing of replays, so that ledgers which know nothing of them take it', () => {
  const { success, data } = z.safeDecode(acceptTransfer.request, request as never);
  expect([success, data && 'replayOnly' in data]).toEqual([true, false]);
  const isTaken = (replayOnly: boolean) =>
    z.safeDecode(acceptTransfer.request, { ...request, replayOnly } as never).success;
  expect([isTaken(true), isTaken(false)]).toEqual([true, false]);
});

test('an instant that no table can keep does not get into a journal', () => {
  const asked = { mode: 'sandbox', tenantId: null, actor: 'a', dryRun: false };
  const entry = { accountId: 'a', asset: 'TXC', direction: 'debit', amount: '1' };
  const post = { type: 'post', transactionId: 't', mode: 'authorizing', closedPeriod: 'adjust' };
  const operation = { ...post, entries: [entry, { ...entry, direction: 'credit' }], description: null, metadata: null };
  const isTaken = (year: string) => {
    const effectiveAt = `${year}-01-01T00:00:00.000Z`;
    const posted = z.safeDecode(operateBook.request, { ...asked, operation: { ...operation, effectiveAt } } as never);
    const { tenantId: _tenantId, ...close } = { ...asked, closeId: 'c', through: effectiveAt };
    return [posted.success, z.safeDecode(closePeriod.request, close as never).success];
  };
  expect(isTaken('0001')).toEqual([true, true]);
  expect(isTaken('0000')).toEqual([false, false]);
});
