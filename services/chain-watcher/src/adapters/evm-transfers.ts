/**
 * What the transactions of an EVM block paid to watched addresses: effects, never intentions.
 *
 * - Native: the value of a transaction of the block's body to a watched address, if its receipt has status 1.
 *   Transfers made by contracts ("internal") are not seen here; they are unsupported.
 * - Token: Transfer logs of the pinned contract in receipts with status 1. Symbols and names are never looked at. When the
 *   block's bloom filter says that the contract may have logged, the receipts of the whole block are read
 *   (`evm-receipts.ts`), and there must be no log too few.
 *   What counts is what arrived: when the address has less than the logs say, the token kept a part.
 * - Spent is the coin by who signed the transaction, a token by whom the log names, too (`token-spenders.ts`).
 *
 * Index inside a transaction: 0 is the native value, n + 1 is the n-th log of its receipt. A log's index in the block
 * would change when the transaction is mined again elsewhere.
 */
import { assert } from '@daybook/core';
import { contradiction } from '@daybook/http';
import type { Transfer, WatchedAddresses } from '../ports';
import { bloomMayHold, receiptOf, receiptsOf } from './evm-receipts';
import type { EvmNative } from './evm-networks';
import type { EvmRpc, RpcBlock, RpcLog, RpcReceipt } from './evm-rpc';
import { spendersOf } from './token-spenders';

/** keccak256 of `Transfer(address,address,uint256)`. */
const transferTopic = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
/** Selector of `balanceOf(address)`. */
const balanceSelector = '0x70a08231';
const nativeIndex = 0;
const succeeded = 1n;

/** One chain with its pinned token, in lower case. Where its coin is none of our assets, only the token is told. */
type Chain = { readonly rpc: EvmRpc; readonly token: string | undefined; readonly native: EvmNative };

/** The transfers of one block, read by its hash, in the order of its body. */
export async function evmTransfers(
  chain: Chain,
  block: RpcBlock,
  watched: WatchedAddresses,
): Promise<readonly Transfer[]> {
  const { getAddress } = await import('ethers');
  const paid = new Map(
    block.transactions.flatMap(({ hash, from, to, value }) =>
      chain.native === 'ETH' && to && value > 0n && watched.has(getAddress(to))
        ? [[hash, { from: getAddress(from), to: getAddress(to), value }] as const]
        : [],
    ),
  );
  const receipts = await receiptsIn(chain, block, [...paid.keys()]);
  const signers = new Map(block.transactions.map(({ hash, from }) => [hash, from]));
  const transfers: Transfer[] = [];
  for (const receipt of receipts) {
    if (receipt.status !== succeeded) continue;
    const { transactionHash: transactionId } = receipt;
    const native = paid.get(transactionId);
    if (native) {
      const { from, to, value: amount } = native;
      const spenders = watched.has(from) ? [from] : [];
      transfers.push({ transactionId, index: nativeIndex, asset: 'ETH', to, amount, spenders });
    }
    transfers.push(...tokensIn(receipt, signers.get(transactionId), { token: chain.token, watched, getAddress }));
  }
  const logs = receipts.flatMap((receipt) => receipt.logs);
  return arrived(chain, transfers, block, logs);
}

function tokensIn(
  { transactionHash: transactionId, logs }: RpcReceipt,
  signer: string | undefined,
  {
    token,
    watched,
    getAddress,
  }: {
    readonly token: string | undefined;
    readonly watched: WatchedAddresses;
    readonly getAddress: (address: string) => string;
  },
): readonly Transfer[] {
  const addressIn = (topic: string) => getAddress(`0x${topic.slice(26)}`);
  const told = logs.flatMap((log, place) =>
    isTransferOf(token, log) ? [{ place, log, to: addressIn(log.topics[2]!), amount: BigInt(log.data) }] : [],
  );
  // Hardly any transaction is about us, and writing an address takes its time.
  if (!told.some(({ to }) => watched.has(to))) return [];
  assert(signer, 'a receipt is of a transaction of its block');
  const moves = told.map(({ log, ...move }) => ({ ...move, from: addressIn(log.topics[1]!) }));
  const spendersOfEach = spendersOf(moves, getAddress(signer), watched);
  return moves.flatMap(({ place, to, amount }, at): Transfer[] => {
    if (amount === 0n || !watched.has(to)) return [];
    return [{ transactionId, index: place + 1, asset: 'USDT_ERC20', to, amount, spenders: spendersOfEach[at]! }];
  });
}

/** Of the whole block if the token may be in it, else of these transactions, which are in its body. */
async function receiptsIn(
  { rpc, token }: Chain,
  block: RpcBlock,
  paid: readonly string[],
): Promise<readonly RpcReceipt[]> {
  if (block.hasTransactions !== block.transactions.length > 0)
    throw contradiction(`block ${block.number} comes without its transactions`);
  if (token !== undefined && (await bloomMayHold(block.logsBloom, token))) return receiptsOf(rpc, block);
  return Promise.all(paid.map((hash) => receiptOf(rpc, hash, block)));
}

/**
 * What an address received in a block, by its balance; what it sent on in the same block is counted too. What leaves it in
 * the very transaction that brought something was lent (a flash mint), or taken back, and is not counted.
 */
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
  const ofToken = logs.filter((log) => isTransferOf(token, log));
  const bringing = new Set(
    ofToken.filter(({ topics }) => topics[2] === `0x${padded}`).map(({ transactionHash }) => transactionHash),
  );
  const sent = ofToken.filter(
    ({ topics, transactionHash }) => topics[1] === `0x${padded}` && !bringing.has(transactionHash),
  );
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
    log.address === token &&
    log.topics.length === 3 &&
    log.topics[0] === transferTopic &&
    log.topics[2]!.startsWith('0x000000000000000000000000') &&
    log.data.length === 66
  );
}
