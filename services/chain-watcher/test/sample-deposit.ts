import type { Deposit } from '../src/domain/deposit';

export const sampleDeposit: Deposit = {
  depositId: '11111111-1111-8111-8111-111111111111',
  chain: 'evm-1',
  transactionId: '0xabc',
  index: 0,
  asset: 'ETH',
  amount: 5n,
  address: '0xA',
  reference: 'intent',
  tenantId: '22222222-2222-8222-8222-222222222222',
  mode: 'sandbox',
  blockNumber: 7,
  blockHash: 'x',
};
