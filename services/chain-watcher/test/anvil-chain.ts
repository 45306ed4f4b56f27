import { embeddedEvmNode, sandboxMnemonic } from '@daybook/embedded';
import { Secret } from '@daybook/runtime';
import { HDNodeWallet, JsonRpcProvider, Wallet } from 'ethers';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evmChain } from '../src/adapters/evm-chain';
import type { TestChain } from './test-chain';

const chainId = 31_337;
const payerIndex = 5;

type Receipt = { readonly blockNumber: string; readonly status: string; readonly contractAddress: string | null };

export type AnvilChain = Omit<TestChain, 'connect'> & {
  readonly url: string;
  connect(usdtContract?: string): ReturnType<TestChain['connect']>;
  ask<T>(method: string, ...parameters: unknown[]): Promise<T>;
  height(): Promise<number>;
  /** Sends from an unlocked account and mines the block. */
  transact(transaction: {
    from?: string;
    to?: string;
    data?: string;
    value?: bigint;
  }): Promise<Receipt & { hash: string }>;
};

/** A node of the test's own that mines when told to. Another mnemonic is another genesis, also in the same second. */
export async function anvilChain(mnemonic: string = sandboxMnemonic): Promise<AnvilChain> {
  const directory = mkdtempSync(join(tmpdir(), 'daybook-anvil-'));
  const node = embeddedEvmNode({ directory, mnemonic });
  await node.start();
  const provider = new JsonRpcProvider(node.url, chainId, { staticNetwork: true, cacheTimeout: -1, batchMaxCount: 1 });
  const payer = HDNodeWallet.fromPhrase(mnemonic, undefined, `m/44'/60'/0'/0/${payerIndex}`);
  const signed: { readonly raw: string; readonly hash: string }[] = [];
  const ask = <T>(method: string, ...parameters: unknown[]) => provider.send(method, parameters) as Promise<T>;
  const height = async () => Number(await ask<string>('eth_blockNumber'));
  const receiptOf = (hash: string) => ask<Receipt | null>('eth_getTransactionReceipt', hash);
  await ask('evm_setAutomine', false);

  return {
    name: `evm-${chainId}`,
    asset: 'ETH',
    url: node.url,
    ask,
    height,
    connect: (usdtContract) => evmChain({ url: new Secret(node.url), chainId, usdtContract }),
    newAddress: async () => Wallet.createRandom().address,
    async pay(to, amount) {
      const nonce = Number(await ask<string>('eth_getTransactionCount', payer.address, 'latest'));
      const raw = await payer.signTransaction({
        to,
        value: amount,
        nonce,
        chainId,
        type: 2,
        gasLimit: 21_000,
        maxFeePerGas: 100_000_000_000n,
        maxPriorityFeePerGas: 1n,
      });
      const hash = await ask<string>('eth_sendRawTransaction', raw);
      await ask('evm_mine');
      signed.push({ raw, hash });
      return { transactionId: hash };
    },
    async mine(blocks) {
      for (let mined = 0; mined < blocks; mined++) await ask('evm_mine');
    },
    async reorganise(depth, transfers) {
      const fork = (await height()) - depth;
      const placed = await Promise.all(signed.map(async (one) => ({ ...one, receipt: await receiptOf(one.hash) })));
      const orphaned = placed.filter(({ receipt }) => receipt !== null && Number(receipt.blockNumber) > fork);
      // All in the last of the new blocks, which is not where they were unless that was the tip.
      const pairs = transfers === 'drop' ? [] : orphaned.map(({ raw }) => [raw, depth - 1]);
      await ask('anvil_reorg', depth, pairs);
      await ask('evm_mine');
    },
    async transact({ from, value, ...rest }) {
      const accounts = await ask<string[]>('eth_accounts');
      const hash = await ask<string>('eth_sendTransaction', {
        from: from ?? accounts[payerIndex + 1],
        gas: '0x4c4b40',
        ...(value === undefined ? {} : { value: `0x${value.toString(16)}` }),
        ...rest,
      });
      await ask('evm_mine');
      return { ...(await receiptOf(hash))!, hash };
    },
    async stop() {
      provider.destroy();
      await node.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
