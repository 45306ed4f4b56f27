import type { CallOutcome, getInstitutionTransfer, getMovements, getPayment, getSend } from '@daybook/contracts';

export type Payment = Extract<CallOutcome<typeof getPayment>, { ok: true }>['value']['payment'];
export type Send = Extract<CallOutcome<typeof getSend>, { ok: true }>['value']['send'];
type Transfer = Extract<CallOutcome<typeof getInstitutionTransfer>, { ok: true }>['value']['transfer'];
export type Movement = Extract<CallOutcome<typeof getMovements>, { ok: true }>['value']['transactions'][number];

export const idOf = (number: number) => `TX${String(number).padStart(20, '0')}`;
export const address = '0xabcdef1234567890abcdef1234567890abcdef12';
export const hash = `0x${'ab'.repeat(32)}`;
export const times = { createdAt: '2023-09-01T12:00:00.000Z', updatedAt: '2023-09-01T12:05:00.000Z' };
export const longestDescription = 'd'.repeat(500);
/** For `test.each`: a form that was not filled in, null, and a field that is not there. */
export const noDescriptions = [[''], [null], [undefined]] as const;
export const payment: Payment = {
  transactionId: idOf(455),
  number: 455,
  gatewayNumber: 3,
  userNumber: 123,
  provider: 'stripe',
  asset: 'USD',
  amount: 10_000n,
  amountReceived: 10_000n,
  description: 'Payment for services',
  status: 'completed',
  failure: null,
  exceptions: [],
  providerReference: 'pi_1234567890',
  ...times,
};
export const send: Send = {
  transactionId: idOf(456),
  number: 456,
  userNumber: 123,
  asset: 'ETH',
  amount: 100_000_000_000_000_001n,
  useContract: true,
  status: 'completed',
  failure: null,
  chain: 'evm',
  fromAddress: `0x${'1'.repeat(40)}`,
  toAddress: address,
  hash,
  blockNumber: 12_345_678,
  gasUsed: 21_000n,
  gasPrice: 9_007_199_254_740_993n,
  fee: 189_151_184_349_560_853_000n,
  feeAsset: 'ETH',
  signedAt: '2023-09-01T12:01:00.000Z',
  description: 'Settlement payment',
  ...times,
};
export const outgoing: Movement = {
  transactionId: send.transactionId,
  number: send.number,
  userNumber: 123,
  type: 'settlement',
  asset: 'ETH',
  amount: send.amount,
  status: 'completed',
  description: send.description,
  institutionNumber: null,
  hash,
  toAddress: null,
  blockNumber: null,
  ...times,
};
export const deposit: Movement = {
  ...outgoing,
  transactionId: idOf(460),
  number: 460,
  userNumber: null,
  type: 'deposit',
  description: null,
  toAddress: address,
  blockNumber: 12_345_679,
};
export const transfer: Transfer = {
  transactionId: idOf(458),
  transferId: 'TRF123456789',
  number: 458,
  institutionNumber: 5,
  userNumber: 123,
  bank: 'sandbox',
  asset: 'USD',
  amount: 50_000n,
  status: 'returned',
  failure: 'account closed',
  exceptions: [],
  institutionReference: 'REF123456',
  description: 'Funds transfer to investment account',
  ...times,
};
