/** One send out of one hot wallet on an EVM chain, as tests of what is done with sends need it. */
import type { ChainSendTerms } from '../src/domain/send-state';
import type { Prepared } from '../src/ports';

export const sampleStart = '2026-03-01T10:00:00.000Z';
const [own, to] = [`0x${'a1'.repeat(20)}`, `0x${'b2'.repeat(20)}`];

export const sampleWallet = {
  walletId: 'w',
  tenantId: 't',
  mode: 'sandbox',
  chain: 'evm-1',
  family: 'evm',
  index: 3,
  address: own,
  publicKey: '04',
  feeAsset: 'ETH',
  assets: ['ETH'],
} as const;

export const sampleTerms: ChainSendTerms = {
  transactionId: 'TX1',
  number: 2,
  tenantId: 't',
  mode: 'sandbox',
  walletId: 'w',
  chain: 'evm-1',
  family: 'evm',
  fromAddress: own,
  toAddress: to,
  asset: 'ETH',
  amount: 5n,
  feeAsset: 'ETH',
  feeCap: 1_000_000n,
  useContract: false,
  userNumber: null,
  contentHash: 'c',
  encryptedDetails: 'e',
  createdAt: sampleStart,
};

/** Its transaction at a price. */
export const preparedAt = (price: number, nonce = 7): Prepared => ({
  transaction: {
    chainId: 1,
    nonce,
    gasLimit: '21000',
    maxFeePerGas: String(price),
    maxPriorityFeePerGas: '1',
    payment: { type: 'native', to, amount: '5' },
  },
  slot: { family: 'evm', nonce, sinceBlock: 0 },
  maxFee: 21_000n * BigInt(price),
});
