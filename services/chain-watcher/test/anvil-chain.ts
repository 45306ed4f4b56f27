import { embeddedEvmNode, sandboxMnemonic } from '@daybook/embedded';
import { Secret } from '@daybook/runtime';
import { HDNodeWallet, JsonRpcProvider, keccak256, Wallet, type BaseWallet } from 'ethers';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evmChain } from '../src/adapters/evm-chain';
import { byDepth, type TestChain } from './test-chain';

const chainId = 31_337;
const payerIndex = 5;

type Payment = { readonly to: string; readonly value?: bigint; readonly data?: string };
type Receipt = { readonly blockNumber: string; readonly status: string; readonly contractAddress: string | null };

export type AnvilChain = Omit<TestChain, 'connect'> & {
  readonly url: string;
  connect(usdtContract?: string): ReturnType<TestChain['connect']>;
  ask<T>(method: string, ...parameters: unknown[]): Promise<T>;
  height(): Promise<number>;
  /** Two payments of one nonce, the second with the higher fee. */
  replace(to: string, instead: string, amount: bigint): Promise<void>;
  /** Mined in the next block, and again after a reorganisation that includes it again. */
  include(from: BaseWallet, payment: Payment): Promise<{ readonly transactionId: string }>;
  /** Sends from an unlocked account and mines the block. */
  transact(transaction: {
    from?: string;
    to?: string;
    data?: string;
    value?: bigint;
  }): Promise<Receipt & { hash: string }>;
};

/** A node of the test's own that mines when told to. Another mnemonic is another genesis, also in the same second. */
export async function anvilChain(mnemonic: string = sandboxMnemonic, keptStates = 32): Promise<AnvilChain> {
  const directory = mkdtempSync(join(tmpdir(), 'daybook-anvil-'));
  const node = embeddedEvmNode({ directory, mnemonic, keptStates });
  await node.start();
  const provider = new JsonRpcProvider(node.url, chainId, { staticNetwork: true, cacheTimeout: -1, batchMaxCount: 1 });
  const payer = HDNodeWallet.fromPhrase(mnemonic, undefined, `m/44'/60'/0'/0/${payerIndex}`);
  const signed: { readonly raw: string; readonly hash: string }[] = [];
  const ask = <T>(method: string, ...parameters: unknown[]) => provider.send(method, parameters) as Promise<T>;
  const height = async () => Number(await ask<string>('eth_blockNumber'));
  const receiptOf = (hash: string) => ask<Receipt | null>('eth_getTransactionReceipt', hash);
  await ask('evm_setAutomine', false);

  const idle = HDNodeWallet.fromPhrase(mnemonic, undefined, `m/44'/60'/0'/0/${payerIndex + 4}`);
  const ballasts: string[] = [];
  /** A transaction that makes the block above `fork` another one: the same transactions are the same block again. */
  async function ballast(fork: number): Promise<string> {
    const receipts = await Promise.all(ballasts.map(receiptOf));
    const nonce = receipts.filter((receipt) => receipt !== null && Number(receipt.blockNumber) <= fork).length;
    const fees = { gasLimit: 21_000, maxFeePerGas: 100_000_000_000n, maxPriorityFeePerGas: 1n };
    const value = BigInt(1 + ballasts.length);
    const raw = await idle.signTransaction({ to: idle.address, value, nonce, chainId, type: 2, ...fees });
    ballasts.push(keccak256(raw));
    return raw;
  }

  async function include(from: BaseWallet, { to, value = 0n, data = '0x' }: Payment) {
    const nonce = Number(await ask<string>('eth_getTransactionCount', from.address, 'latest'));
    const fees = { maxFeePerGas: 100_000_000_000n, maxPriorityFeePerGas: 1n };
    const gasLimit = data === '0x' ? 21_000 : 200_000;
    const raw = await from.signTransaction({ to, value, data, nonce, chainId, type: 2, gasLimit, ...fees });
    const hash = await ask<string>('eth_sendRawTransaction', raw);
    await ask('evm_mine');
    signed.push({ raw, hash });
    return { transactionId: hash };
  }

  return {
    name: `evm-${chainId}`,
    asset: 'ETH',
    rule: byDepth,
    payments: {},
    wire: { url: node.url, connect: (url) => evmChain({ url: new Secret(url), chainId, usdtContract: undefined }) },
    url: node.url,
    ask,
    height,
    connect: (usdtContract) => evmChain({ url: new Secret(node.url), chainId, usdtContract }),
    newAddress: async () => Wallet.createRandom().address,
    pay: (to, amount) => include(payer, { to, value: amount }),
    include,
    async replace(to, instead, amount) {
      const nonce = Number(await ask<string>('eth_getTransactionCount', payer.address, 'latest'));
      for (const [at, recipient] of [to, instead].entries()) {
        const fees = { maxFeePerGas: 100_000_000_000n * BigInt(1 + at), maxPriorityFeePerGas: BigInt(1 + 9 * at) };
        const transaction = { to: recipient, value: amount, nonce, chainId, type: 2, gasLimit: 21_000, ...fees };
        const raw = await payer.signTransaction(transaction);
        const hash = await ask<string>('eth_sendRawTransaction', raw);
        signed.push({ raw, hash });
      }
      await ask('evm_mine');
    },
    async mine(blocks) {
      if (blocks > 8) return void (await ask('anvil_mine', `0x${blocks.toString(16)}`));
      for (let mined = 0; mined < blocks; mined++) await ask('evm_mine');
    },
    async reorganise(depth, transfers) {
      const fork = (await height()) - depth;
      const placed = await Promise.all(signed.map(async (one) => ({ ...one, receipt: await receiptOf(one.hash) })));
      const orphaned = placed.filter(({ receipt }) => receipt !== null && Number(receipt.blockNumber) > fork);
      // All in the last of the new blocks, which is not where they were unless that was the tip.
      const pairs = transfers === 'drop' ? [] : orphaned.map(({ raw }) => [raw, depth - 1]);
      await ask('anvil_reorg', depth, [...pairs, [await ballast(fork), 0]]);
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
