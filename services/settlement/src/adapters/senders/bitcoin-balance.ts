/**
 * What an address holds by the final state of Bitcoin. Nodes tell coins by the newest state, so what is not final is taken
 * back: less what came to the address in blocks that are not final or in the memory pool, more what it spent there.
 */
import { type Library, type ReadTransaction, readTransaction } from './bitcoin-blocks';
import type { BitcoinWalletNode } from './bitcoin-wallet-nodes';

type Holder = {
  readonly address: string;
  readonly script: Uint8Array;
  /** Blocks that make a transaction final, its own included. */
  readonly confirmations: number;
};

export async function bitcoinBalance(
  library: Library,
  node: BitcoinWalletNode,
  { address, script, confirmations }: Holder,
): Promise<{ readonly final: bigint; readonly now: bigint }> {
  const finalHeight = Math.max((await node.head()) - confirmations + 1, 0);
  const coins = await node.coinsOf(address);
  const now = coins.reduce((sum, { amount }) => sum + amount, 0n);
  const known = new Map<string, ReadTransaction | undefined>();
  async function read(txid: string): Promise<ReadTransaction | undefined> {
    if (!known.has(txid)) {
      const raw = await node.rawTransaction(txid);
      known.set(txid, raw && readTransaction(library, raw));
    }
    return known.get(txid);
  }
  const ours = (output: ReadTransaction['outputs'][number] | undefined) =>
    output !== undefined && Buffer.from(output.script).equals(script) ? output.amount : 0n;
  let moved = 0n;
  for (const txid of await node.transactionsAbove(address, finalHeight)) {
    const transaction = await read(txid);
    moved += (transaction?.outputs ?? []).reduce((sum, output) => sum + ours(output), 0n);
    for (const input of transaction?.inputs ?? []) moved -= ours((await read(input.txid))?.outputs[input.vout]);
  }
  return { final: now - moved, now };
}
