import { z } from 'zod';
import { acceptTransfer } from '../src';

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
