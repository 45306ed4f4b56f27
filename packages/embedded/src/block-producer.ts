/**
 * Keeps confirmations coming after a payment without letting an idle chain grow: anvil mines a block with each
 * transaction, and this adds empty ones until the last transaction is `quietDepth` blocks deep.
 */
import { callNode } from './json-rpc';

/** Deeper than any confirmation rule of the sandbox. */
const quietDepth = 24;

type Block = { readonly number: string; readonly transactions: readonly unknown[] };

export function blockProducer(url: string, intervalMs: number): { stop(): Promise<void> } {
  let examined = -1;
  let busy = -quietDepth;
  let stopped = false;
  let pending: Promise<void> = Promise.resolve();

  async function examine(latest: number): Promise<void> {
    // A reorg may have replaced blocks that were examined.
    const from = Math.max(0, latest - quietDepth, Math.min(examined + 1, latest));
    if (busy > latest) busy = -quietDepth;
    for (let number = from; number <= latest; number++) {
      const block = await callNode<Block | null>(url, 'eth_getBlockByNumber', [`0x${number.toString(16)}`, false]);
      if (block !== null && block.transactions.length > 0) busy = number;
    }
    examined = latest;
  }

  async function tick(): Promise<void> {
    try {
      const latest = Number(await callNode<string>(url, 'eth_blockNumber'));
      await examine(latest);
      if (!stopped && latest - busy < quietDepth) await callNode(url, 'evm_mine');
    } catch {
      // The node is stopping or gone; whoever uses it will say so.
    }
  }

  let timer: NodeJS.Timeout;
  const schedule = () => {
    timer = setTimeout(() => {
      pending = tick().then(() => {
        if (!stopped) schedule();
      });
    }, intervalMs).unref();
  };
  schedule();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await pending;
    },
  };
}
