/**
 * Keeps confirmations coming after a payment without letting an idle chain grow: anvil mines a block with each
 * transaction, and this adds empty ones until the last transaction is `quietDepth` blocks deep. It rests while somebody
 * has switched anvil's own mining off to make the blocks: for `pauseMaxMs`, since a program that is killed never
 * switches it on again.
 */
import { callNode } from './json-rpc';

/** Deeper than any confirmation rule of the sandbox. */
const quietDepth = 24;
const pauseMaxMs = 30_000;

type Block = { readonly number: string; readonly transactions: readonly unknown[] };

export function blockProducer(url: string, intervalMs: number): { stop(): Promise<void> } {
  let pausedAt: number | undefined;
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

  async function isPaused(): Promise<boolean> {
    if (await callNode<boolean>(url, 'anvil_getAutomine')) {
      pausedAt = undefined;
      return false;
    }
    pausedAt ??= performance.now();
    if (performance.now() - pausedAt < pauseMaxMs) return true;
    await callNode(url, 'evm_setAutomine', [true]);
    return false;
  }

  async function tick(): Promise<void> {
    try {
      if (await isPaused()) return;
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
