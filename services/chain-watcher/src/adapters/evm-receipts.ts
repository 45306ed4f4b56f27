/**
 * The receipts of an EVM block, none left out: one for each transaction of its body, in order, and together with exactly the
 * logs that the bloom filter of its header was made of. Logs are never asked for by themselves: an index that lags behind
 * answers with some of them, or none, and nobody can tell. A log that repeats another one to the last topic leaves no trace
 * of its own in the filter, so the logs of a receipt are counted too: their numbers have no gap and no repeat.
 */
import { contradiction } from '@daybook/http';
import { z } from 'zod';
import { type EvmRpc, rpcReceipt, type RpcBlock, type RpcReceipt } from './evm-rpc';

/** Receipts that are asked for side by side where a node does not give those of a block at once. */
const askedAtOnce = 8;
const bloomBytes = 256;

/** All receipts of a block, in the order of its body. */
export async function receiptsOf(rpc: EvmRpc, block: RpcBlock): Promise<readonly RpcReceipt[]> {
  const receipts = (await rpc.askIfOffered('eth_getBlockReceipts', [block.hash], z.array(rpcReceipt))) ?? [];
  const all = receipts === 'not offered' ? await oneByOne(rpc, block) : receipts;
  const complete =
    all.length === block.transactions.length &&
    block.transactions.every(({ hash }, place) => isOf(all[place]!, hash, block));
  if (!complete) throw contradiction(`the receipts of block ${block.number} are not those of its transactions`);
  if ((await bloomOf(all)) !== block.logsBloom.toLowerCase())
    throw contradiction(`the receipts of block ${block.number} are not of the logs that its header names`);
  if (!all.every(isCounted)) throw contradiction(`the receipts of block ${block.number} miss a log or tell one twice`);
  return all;
}

export async function receiptOf(rpc: EvmRpc, transactionHash: string, block: RpcBlock): Promise<RpcReceipt> {
  const receipt = await rpc.ask('eth_getTransactionReceipt', [transactionHash], rpcReceipt);
  if (receipt === null || !isOf(receipt, transactionHash, block))
    throw contradiction(`block ${block.number} changed while it was read`);
  return receipt;
}

async function oneByOne(rpc: EvmRpc, block: RpcBlock): Promise<readonly RpcReceipt[]> {
  const receipts: RpcReceipt[] = [];
  for (let at = 0; at < block.transactions.length; at += askedAtOnce) {
    const next = block.transactions.slice(at, at + askedAtOnce);
    receipts.push(...(await Promise.all(next.map(({ hash }) => receiptOf(rpc, hash, block)))));
  }
  return receipts;
}

function isOf(receipt: RpcReceipt, transactionHash: string, block: RpcBlock): boolean {
  return (
    receipt.transactionHash === transactionHash &&
    receipt.blockHash === block.hash &&
    receipt.logs.every((log) => log.blockHash === block.hash && log.transactionHash === transactionHash)
  );
}

/**
 * Numbers go through the block (Ethereum JSON-RPC: the position in the block). Nodes are known that begin anew with each
 * transaction (besu #6204, foundry #7483); what every node counts by one is the logs of a receipt.
 */
function isCounted({ logs }: RpcReceipt): boolean {
  return logs.every(({ logIndex }, place) => logIndex === logs[0]!.logIndex + BigInt(place));
}

/** The filter of all logs: three bits of 2048 for each address and topic (Ethereum yellow paper, 4.3.1). */
async function bloomOf(receipts: readonly RpcReceipt[]): Promise<string> {
  const filter = Buffer.alloc(bloomBytes);
  const named = new Set(receipts.flatMap(({ logs }) => logs.flatMap(({ address, topics }) => [address, ...topics])));
  for (const bit of await bitsOf(named)) filter[bloomBytes - 1 - (bit >> 3)]! |= 1 << (bit & 7);
  return `0x${filter.toString('hex')}`;
}

/** False only if no log of the block can be of the contract. */
export async function bloomMayHold(bloom: string, contract: string): Promise<boolean> {
  const filter = Buffer.from(bloom.slice(2), 'hex');
  return (await bitsOf([contract])).every((bit) => (filter[bloomBytes - 1 - (bit >> 3)]! & (1 << (bit & 7))) !== 0);
}

async function bitsOf(named: Iterable<string>): Promise<number[]> {
  const { keccak256 } = await import('ethers');
  return [...named].flatMap((hex) => {
    const digest = Buffer.from(keccak256(hex).slice(2), 'hex');
    return [0, 2, 4].map((at) => digest.readUInt16BE(at) & 2047);
  });
}
