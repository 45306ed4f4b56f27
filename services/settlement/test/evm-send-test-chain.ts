import { callNode, deploySandboxUsdt, embeddedEvmNode, mintSandboxUsdt, sandboxMnemonic } from '@daybook/embedded';
import { Secret } from '@daybook/runtime';
import { HDNodeWallet, Wallet } from 'ethers';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evmSendChain } from '../src/adapters/senders/evm-send-chain';
import { lyingWire, withResult } from './lying-wire';
import type { SendTestChain } from './send-test-chain';
import { testSigner } from './test-signer';

const chainId = 31_337;
const ether = 10n ** 18n;
const finality = 3;
const balanceOf = '0x70a08231';
/** PUSH1 0, PUSH1 0, REVERT. */
const alwaysReverts = '0x60006000fd';
const wordOf = (hex: string) => hex.replace('0x', '').padStart(64, '0');

/** A node of the test's own that mines when it is told to. */
export async function evmSendTestChain(): Promise<SendTestChain> {
  const directory = mkdtempSync(join(tmpdir(), 'daybook-sends-'));
  const node = embeddedEvmNode({ directory, keptStates: 256 });
  await node.start();
  const ask = <T>(method: string, ...params: unknown[]) => callNode<T>(node.url, method, params);
  const { address: usdtContract } = await deploySandboxUsdt(node.url);
  const wire = await lyingWire(node.url);
  const signer = await testSigner('evm', 'ETH', { EVM_CHAIN_ID: `${chainId}`, EVM_USDT_CONTRACT: usdtContract });
  const { address } = signer.wallet;
  await ask('anvil_setBalance', address, `0x${(1_000n * ether).toString(16)}`);
  await mintSandboxUsdt({ rpcUrl: node.url, to: address, amount: 1_000_000_000n, usdtAddress: usdtContract });
  await ask('evm_setAutomine', false);
  const mine = async (blocks: number) => void (await ask('anvil_mine', `0x${blocks.toString(16)}`));
  await mine(finality + 1);
  const ballast = HDNodeWallet.fromPhrase(sandboxMnemonic, undefined, "m/44'/60'/0'/0/9");
  let ballasts = 0;
  async function held(of: string, asset: string): Promise<bigint> {
    if (asset === 'ETH') return BigInt(await ask<string>('eth_getBalance', of, 'latest'));
    const call = { to: usdtContract, data: balanceOf + wordOf(of) };
    return BigInt(await ask<string>('eth_call', call, 'latest'));
  }
  return {
    name: 'EVM',
    wallet: signer.wallet,
    native: 'ETH',
    amount: ether,
    token: { asset: 'USDT_ERC20', amount: 5_000_000n },
    finality,
    wire,
    connect: async () =>
      evmSendChain({
        url: new Secret(wire.url),
        chainId,
        mode: 'sandbox',
        usdtContract,
        withContract: false,
        finality: { kind: 'depth', confirmations: finality },
        feeMax: ether / 10n,
      }),
    isBroadcast: ({ method }) => method === 'eth_sendRawTransaction',
    alreadyKnown: () => JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code: -32_000, message: 'already known' } }),
    forgetful() {
      const aboutOne = ['eth_getTransactionReceipt', 'eth_getTransactionByHash'];
      wire.lie(({ method }) => aboutOne.includes(method ?? ''), withResult(null));
    },
    newAddress: async () => Wallet.createRandom().address,
    receivedBy: held,
    held: (asset) => held(address, asset),
    sign: signer.sign,
    mine,
    async drop(depth) {
      // Blocks without anything of their own would be the same blocks again.
      const nonce = Number(await ask<string>('eth_getTransactionCount', ballast.address, 'latest'));
      const fees = { gasLimit: 21_000, maxFeePerGas: 100_000_000_000n, maxPriorityFeePerGas: 1n };
      const value = BigInt(++ballasts);
      const raw = await ballast.signTransaction({ to: ballast.address, value, nonce, chainId, type: 2, ...fees });
      await ask('anvil_reorg', depth, [[raw, 0]]);
      await ask('anvil_dropAllTransactions');
    },
    async takeSlot(slot) {
      if (slot.family !== 'evm') throw new Error('a slot of another family');
      const fees = { gasLimit: '21000', maxFeePerGas: '100000000000', maxPriorityFeePerGas: '2000000000' };
      const payment = { type: 'native', to: Wallet.createRandom().address, amount: '1' };
      const { bytes } = await signer.signElsewhere({ chainId, nonce: slot.nonce, ...fees, payment });
      await ask('eth_sendRawTransaction', `0x${bytes}`);
      await mine(1);
    },
    async failNext() {
      const code = await ask<string>('eth_getCode', usdtContract, 'latest');
      await ask('anvil_setCode', usdtContract, alwaysReverts);
      await mine(1);
      await ask('anvil_setCode', usdtContract, code);
    },
    async stop() {
      await signer.stop();
      await wire.stop();
      await node.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
