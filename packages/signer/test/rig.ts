import { Secret } from '@daybook/runtime';
import { pbkdf2Sync } from 'node:crypto';
import { type SignRequest } from '../src/protocol';

/** The phrase that development nodes use: its addresses are published. */
export const phrase = 'test test test test test test test test test test test junk';
export const seed = pbkdf2Sync(phrase, 'mnemonic', 2048, 64, 'sha512');

export const alice = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
export const usdt = '0x5FbDB2315678afecb367f032d93F642f64180aa3';
export const settlementContract = '0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512';
export const usdtOnTron = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t';
export const usdtOnSolana = 'Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB';

export const token = new Secret('a token of the signer of at least 32 characters');
export const password = new Secret('a password of a keystore');

type EvmRequest = Extract<SignRequest, { family: 'evm' }>;

/** A payment of ETH that every rule of `settings` allows. */
export function ethSend(
  sendId: string,
  nonce: number,
  more: Partial<EvmRequest['transaction']> & { readonly to?: string; readonly amount?: bigint } = {},
): EvmRequest {
  const { to = alice, amount = 10n ** 15n, ...transaction } = more;
  return {
    sendId,
    family: 'evm',
    index: 0,
    transaction: {
      chainId: 31_337,
      nonce,
      gasLimit: 21_000n,
      maxFeePerGas: 2_000_000_000n,
      maxPriorityFeePerGas: 1_000_000_000n,
      payment: { type: 'native', to, amount },
      ...transaction,
    },
  };
}

export function settings(directory: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    SIGNER_TOKEN: token.reveal(),
    KEYSTORE_PASSWORD: password.reveal(),
    SIGNER_DIRECTORY: directory,
    KEYSTORE_CREATE: 'true',
    SEND_CAPS: 'ETH=1/2,USDT_ERC20=100/200,BTC=0.1/1,TRX=100/200,USDT_TRC20=100/200,SOL=1/2,USDT_SOL=100/200',
    FEE_CAPS: 'ETH=0.01/0.1,BTC=0.001/0.01,TRX=100/1000,SOL=0.01/0.1',
    EVM_USDT_CONTRACT: usdt,
    EVM_SETTLEMENT_CONTRACT: settlementContract,
    BITCOIN_NETWORK: 'regtest',
    TRON_USDT_CONTRACT: usdtOnTron,
    SOLANA_USDT_MINT: usdtOnSolana,
    LOG_LEVEL: 'silent',
    ...more,
  };
}
