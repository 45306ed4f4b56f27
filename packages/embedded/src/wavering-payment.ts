/**
 * A payment that leaves the development chain and comes back, as in a reorganisation. It is signed once, so what comes
 * back is the same transaction in another block. Blocks come only from here until `release`.
 */
import { callNode } from './json-rpc';
import { withChain } from './sandbox-accounts';

/** An account of its own: nobody else takes the nonce while the transaction is off the chain. */
const payerIndex = 3;
const transferGas = 21_000;
/** Deeper down a watcher may have called the payment final. */
const depthMax = 2;

export type SandboxBlock = { readonly number: number; readonly hash: string };
export type WaveringPayment = {
  readonly transactionHash: string;
  readonly block: SandboxBlock;
  /** Replaces the payment's block by one without it; the block's other transactions stay. May be called once. */
  leave(): Promise<SandboxBlock>;
  /** The same transaction again, in a new block. */
  comeBack(): Promise<SandboxBlock>;
  /** The node makes blocks by itself again. To be called whatever happens; the block producer waits 30 s for it. */
  release(): Promise<void>;
};

/** Pays `amount` wei to an address, on a node that takes the methods of anvil. The payment is in a block when this returns. */
export async function payWavering(payment: {
  readonly rpcUrl: string;
  readonly to: string;
  readonly amount: bigint;
}): Promise<WaveringPayment> {
  const { rpcUrl } = payment;
  const ask = <T>(method: string, ...params: unknown[]) => callNode<T>(rpcUrl, method, params);
  const release = () => ask<void>('evm_setAutomine', true);
  const raw = await signed(payment);
  await ask('evm_setAutomine', false);
  try {
    const transactionHash = await ask<string>('eth_sendRawTransaction', raw);
    const mined = async () => {
      await ask('evm_mine');
      return blockOf(rpcUrl, transactionHash);
    };
    const block = await mined();
    return {
      transactionHash,
      block,
      leave: () => replace(rpcUrl, block, transactionHash),
      async comeBack() {
        await ask('eth_sendRawTransaction', raw);
        return mined();
      },
      release,
    };
  } catch (error) {
    await release();
    throw error;
  }
}

function signed({ rpcUrl, to, amount }: { rpcUrl: string; to: string; amount: bigint }): Promise<string> {
  return withChain(rpcUrl, async (chain) => {
    const payer = chain.account(payerIndex);
    const filled = await payer.populateTransaction({ to, value: amount, gasLimit: transferGas });
    return payer.signTransaction(filled);
  });
}

async function blockOf(rpcUrl: string, transactionHash: string): Promise<SandboxBlock> {
  type Receipt = { readonly blockNumber: string; readonly blockHash: string };
  const receipt = await callNode<Receipt | null>(rpcUrl, 'eth_getTransactionReceipt', [transactionHash]);
  if (receipt === null) throw new Error(`transaction ${transactionHash} is in no block of the development chain`);
  return { number: Number(receipt.blockNumber), hash: receipt.blockHash };
}

/** Makes the blocks from `first` on anew, with all of their transactions but one. */
async function replace(rpcUrl: string, first: SandboxBlock, without: string): Promise<SandboxBlock> {
  type Block = { readonly hash: string; readonly transactions: readonly string[] };
  const blockAt = (number: number) =>
    callNode<Block>(rpcUrl, 'eth_getBlockByNumber', [`0x${number.toString(16)}`, false]);
  const head = Number(await callNode<string>(rpcUrl, 'eth_blockNumber'));
  const depth = head - first.number + 1;
  if (depth > depthMax) throw new Error(`block ${first.number} is ${depth} deep already: somebody else makes blocks`);
  const kept: [string, number][] = [];
  for (let at = 0; at < depth; at++) {
    const { transactions } = await blockAt(first.number + at);
    for (const hash of transactions) {
      if (hash === without) continue;
      kept.push([await callNode<string>(rpcUrl, 'eth_getRawTransactionByHash', [hash]), at]);
    }
  }
  await callNode(rpcUrl, 'anvil_reorg', [depth, kept]);
  return { number: first.number, hash: (await blockAt(first.number)).hash };
}
