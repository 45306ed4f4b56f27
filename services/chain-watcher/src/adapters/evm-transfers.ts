/**
 * What the transactions of an EVM block paid to watched addresses: effects, never intentions.
 *
 * - Native: the value of a transaction of the block's body to a watched address, if its receipt has status 1.
 *   Transfers made by contracts ("internal") are not seen here; they are unsupported.
 * - Token: Transfer logs of the pinned contract, queried by block hash, each found again in a receipt with status 1.
 *   Symbols and names are never looked at. When the block's bloom filter says that the contract may have logged but
 *   the node returns none, the receipts of all transactions are read instead: a lagging index answers "none".
 *   What counts is what arrived: when the address has less than the logs say, the token kept a part.
 *
 * Index inside a transaction: 0 is the native value, n + 1 is the n-th log of its receipt. A log's index in the block
 * would change when the transaction is mined again elsewhere.
 */
import type { Transfer, WatchedAddresses } from '../ports';
import {
  contradiction,
  type EvmRpc,
  rpcLogs,
  rpcReceipt,
  type RpcBlock,
  type RpcLog,
  type RpcReceipt,
} from './evm-rpc';

/** keccak256 of `Transfer(address,address,uint256)`. */
const transferTopic = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
/** Selector of `balanceOf(address)`. */
const balanceSelector = '0x70a08231';
const nativeIndex = 0;
const succeeded = 1n;

/** One chain with its pinned token, in lower case. */
type Chain = { readonly rpc: EvmRpc; readonly token: string | undefined };

/** The transfers of one block, read by its hash, in the order of its body. */
export async function evmTransfers(
  chain: Chain,
  block: RpcBlock,
  watched: WatchedAddresses,
): Promise<readonly Transfer[]> {
  const { getAddress } = await import('ethers');
  const recipientOf = (log: RpcLog) => getAddress(`0x${log.topics[2]!.slice(26)}`);
  const isWanted = (log: RpcLog) => isTransferOf(chain.token, log) && watched.has(recipientOf(log));
  const paid = new Map(
    block.transactions.flatMap(({ hash, to, value }) =>
      to && value > 0n && watched.has(getAddress(to)) ? [[hash, { to: getAddress(to), value }] as const] : [],
    ),
  );
  const { logs, suspects } = await tokenLogs(chain, block);
  const named = logs.filter(isWanted).map(({ transactionHash }) => transactionHash);
  const wanted = new Set([...paid.keys(), ...named, ...suspects]);
  const transfers: Transfer[] = [];
  const receiptLogs: RpcLog[] = [];
  // A hash that is not in the body is not in the block.
  for (const { hash: transactionId } of block.transactions) {
    if (!wanted.delete(transactionId)) continue;
    const receipt = await receiptOf(chain, transactionId, block);
    if (receipt.status !== succeeded) continue;
    receiptLogs.push(...receipt.logs);
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
  return arrived(chain, transfers, block, suspects.length > 0 ? receiptLogs : logs);
}

async function receiptOf({ rpc }: Chain, transactionHash: string, block: RpcBlock): Promise<RpcReceipt> {
  const receipt = await rpc.ask('eth_getTransactionReceipt', [transactionHash], rpcReceipt);
  if (receipt === null || receipt.blockHash !== block.hash || receipt.transactionHash !== transactionHash)
    throw contradiction(`block ${block.number} changed while it was read`);
  return receipt;
}

/** The token's logs, or the hashes of all transactions if the node may have left some out. */
async function tokenLogs(
  { rpc, token }: Chain,
  block: RpcBlock,
): Promise<{ logs: readonly RpcLog[]; suspects: readonly string[] }> {
  if (token === undefined || block.transactions.length === 0) return { logs: [], suspects: [] };
  const filter = { blockHash: block.hash, address: token, topics: [transferTopic] };
  const logs = (await rpc.ask('eth_getLogs', [filter], rpcLogs)) ?? [];
  if (logs.some(({ blockHash }) => blockHash !== block.hash))
    throw contradiction(`logs of block ${block.number} are of another block`);
  const omitted = logs.length === 0 && (await bloomMayHold(block.logsBloom, token));
  return { logs, suspects: omitted ? block.transactions.map((transaction) => transaction.hash) : [] };
}

/** What an address received in a block, by its balance; what it sent on in the same block is counted too. */
async function receivedBy(
  { rpc, token }: Chain,
  address: string,
  block: RpcBlock,
  logs: readonly RpcLog[],
): Promise<bigint | undefined> {
  const padded = address.slice(2).toLowerCase().padStart(64, '0');
  const call = { to: token!, data: `${balanceSelector}${padded}` };
  const [before, after] = [await rpc.callAt(call, block.parentHash), await rpc.callAt(call, block.hash)];
  if (before === undefined || after === undefined) return undefined;
  const sent = logs.filter((log) => isTransferOf(token, log) && log.topics[1] === `0x${padded}`);
  return after - before + sent.reduce((sum, { data }) => sum + BigInt(data), 0n);
}

/** In order, as far as what arrived goes. */
async function arrived(
  chain: Chain,
  transfers: readonly Transfer[],
  block: RpcBlock,
  logs: readonly RpcLog[],
): Promise<Transfer[]> {
  const left = new Map<string, bigint>();
  for (const { asset, to } of transfers) {
    if (asset !== 'USDT_ERC20' || left.has(to)) continue;
    const received = await receivedBy(chain, to, block, logs);
    // A node that has pruned the state cannot contradict the pinned contract's logs.
    if (received !== undefined) left.set(to, received);
  }
  return transfers.flatMap((transfer) => {
    const rest = transfer.asset === 'USDT_ERC20' ? left.get(transfer.to) : undefined;
    if (rest === undefined) return [transfer];
    const amount = transfer.amount < rest ? transfer.amount : rest;
    left.set(transfer.to, rest - amount);
    return amount > 0n ? [{ ...transfer, amount }] : [];
  });
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
