/**
 * An EVM chain by one node: the native coin and one pinned token contract. Credit comes from effects:
 *
 * - Native: the value of a transaction of the block's body to a watched address, if its receipt has status 1.
 *   Transfers made by contracts ("internal") are not seen here; they are unsupported.
 * - Token: Transfer logs of the pinned contract, queried by block hash, each found again in a receipt with status 1.
 *   Symbols and names are never looked at. When the block's bloom filter says that the contract may have logged but
 *   the node returns none, the receipts of all transactions are read instead: a lagging index answers "none".
 *
 * Index inside a transaction: 0 is the native value, n + 1 is the n-th log of its receipt. A log's index in the block
 * would change when the transaction is mined again elsewhere.
 */
import { OperationalError } from '@daybook/core';
import { assets } from '@daybook/money';
import type { Secret } from '@daybook/runtime';
import { ChainRefusedError, type ChainSource, type Transfer, type WatchedAddresses } from '../ports';
import {
  contradiction,
  evmRpc,
  type EvmRpc,
  rpcBlock,
  rpcBytes,
  rpcChainId,
  rpcHeader,
  rpcLogs,
  rpcReceipt,
  type RpcBlock,
  type RpcLog,
  type RpcReceipt,
} from './evm-rpc';

export const evmChainName = (chainId: number) => `evm-${chainId}`;

/** keccak256 of `Transfer(address,address,uint256)`. */
const transferTopic = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
/** Selector of `decimals()`. */
const decimalsCall = '0x313ce567';
const nativeIndex = 0;
const succeeded = 1n;

type Options = { readonly url: Secret; readonly chainId: number; readonly usdtContract: string | undefined };

export function evmChain({ url, chainId, usdtContract }: Options): ChainSource {
  const rpc = evmRpc(url, chainId);
  const token = usdtContract?.toLowerCase();
  const transfersOf = transferReader(rpc, token);

  async function verify(): Promise<void> {
    const served = await rpc.ask('eth_chainId', [], rpcChainId);
    if (served !== BigInt(chainId))
      throw new ChainRefusedError(`the node serves chain ${served}, but EVM_CHAIN_ID is ${chainId}`);
    if (token === undefined) return;
    const answer = await rpc.ask('eth_call', [{ to: token, data: decimalsCall }, 'latest'], rpcBytes);
    const decimals = answer === null || answer.length !== 66 ? undefined : BigInt(answer);
    const pinned = assets.USDT_ERC20.scale;
    if (decimals !== BigInt(pinned))
      throw new ChainRefusedError(
        `the contract at EVM_USDT_CONTRACT has ${decimals ?? 'no'} decimals, but USDT_ERC20 is pinned to ${pinned}`,
      );
  }

  return {
    chain: evmChainName(chainId),
    verify,
    async head() {
      const header = await rpc.ask('eth_getBlockByNumber', ['latest', false], rpcHeader);
      if (header === null) throw new OperationalError('upstream_unavailable', true, { detail: 'the node has no head' });
      return { number: header.number, hash: header.hash };
    },
    async block(number, watched) {
      const block = await rpc.ask('eth_getBlockByNumber', [`0x${number.toString(16)}`, true], rpcBlock);
      if (block === null) return undefined;
      const transfers = await transfersOf(block, watched);
      return { number: block.number, hash: block.hash, parentHash: block.parentHash, transfers };
    },
    stop: () => rpc.stop(),
  };
}

/** Reads the transfers of one block, by its hash. */
function transferReader(rpc: EvmRpc, token: string | undefined) {
  async function receiptOf(transactionHash: string, block: RpcBlock): Promise<RpcReceipt> {
    const receipt = await rpc.ask('eth_getTransactionReceipt', [transactionHash], rpcReceipt);
    if (receipt === null || receipt.blockHash !== block.hash || receipt.transactionHash !== transactionHash)
      throw contradiction(`block ${block.number} changed while it was read`);
    return receipt;
  }

  /** Hashes of the transactions that may have logged a transfer of the token to a watched address. */
  async function tokenTransactions(block: RpcBlock, isWanted: (log: RpcLog) => boolean): Promise<readonly string[]> {
    if (token === undefined || block.transactions.length === 0) return [];
    const filter = { blockHash: block.hash, address: token, topics: [transferTopic] };
    const logs = (await rpc.ask('eth_getLogs', [filter], rpcLogs)) ?? [];
    if (logs.some(({ blockHash }) => blockHash !== block.hash))
      throw contradiction(`logs of block ${block.number} are of another block`);
    if (logs.length === 0 && (await bloomMayHold(block.logsBloom, token)))
      return block.transactions.map((transaction) => transaction.hash);
    return logs.filter(isWanted).map(({ transactionHash }) => transactionHash);
  }

  async function transfersOf(block: RpcBlock, watched: WatchedAddresses): Promise<readonly Transfer[]> {
    const { getAddress } = await import('ethers');
    const recipientOf = (log: RpcLog) => getAddress(`0x${log.topics[2]!.slice(26)}`);
    const isWanted = (log: RpcLog) => isTransferOf(token, log) && watched.has(recipientOf(log));
    const paid = new Map(
      block.transactions.flatMap(({ hash, to, value }) =>
        to && value > 0n && watched.has(getAddress(to)) ? [[hash, { to: getAddress(to), value }] as const] : [],
      ),
    );
    const wanted = new Set([...paid.keys(), ...(await tokenTransactions(block, isWanted))]);
    const transfers: Transfer[] = [];
    // In the order of the block's body; a hash that is not in the body is not in the block.
    for (const { hash: transactionId } of block.transactions) {
      if (!wanted.delete(transactionId)) continue;
      const receipt = await receiptOf(transactionId, block);
      if (receipt.status !== succeeded) continue;
      const native = paid.get(transactionId);
      if (native)
        transfers.push({ transactionId, index: nativeIndex, asset: 'ETH', to: native.to, amount: native.value });
      for (const [place, log] of receipt.logs.entries()) {
        if (!isWanted(log) || BigInt(log.data) === 0n) continue;
        const to = recipientOf(log);
        transfers.push({ transactionId, index: place + 1, asset: 'USDT_ERC20', to, amount: BigInt(log.data) });
      }
    }
    if (wanted.size > 0) throw contradiction(`logs of block ${block.number} name a transaction that is not in it`);
    return transfers;
  }

  return transfersOf;
}

/** Exactly the standard event of the pinned contract: signature, two indexed addresses, one word of data. */
function isTransferOf(token: string | undefined, log: RpcLog): boolean {
  return (
    log.address.toLowerCase() === token &&
    log.topics.length === 3 &&
    log.topics[0] === transferTopic &&
    log.topics[2]!.startsWith('0x000000000000000000000000') &&
    log.data.length === 66
  );
}

/** False only if no log of the block can be of the contract. */
async function bloomMayHold(bloom: string, contract: string): Promise<boolean> {
  const { getBytes, keccak256 } = await import('ethers');
  const filter = getBytes(bloom);
  const digest = getBytes(keccak256(contract));
  return [0, 2, 4].every((at) => {
    const bit = ((digest[at]! << 8) | digest[at + 1]!) & 2047;
    return (filter[255 - (bit >> 3)]! & (1 << (bit & 7))) !== 0;
  });
}
