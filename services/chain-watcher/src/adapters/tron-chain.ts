/**
 * Tron by one node: TRX and one pinned TRC-20 contract. Blocks are followed as the node has them and shown; a deposit
 * counts only as the node's solidity face tells its block, which 19 producers have built on. A block's hash holds its
 * number, and a transaction's id is the hash of what was signed; both are checked. A body that is left out is told from an
 * empty one by the header's root, which every node compares with the body before it takes a block.
 *
 * - TRX: a TransferContract whose result is SUCCESS. What contracts send on ("internal transactions") is in no
 *   TransferContract and is not credited.
 * - TRC-20: Transfer logs of the pinned contract in the infos of transactions whose receipt says SUCCESS. There must be an
 *   info for each transaction of the block, as an index that lags answers with fewer, and none without its transaction.
 *   TRC-10 tokens, whatever they call themselves, are other contracts and never looked at.
 * - Spent is TRX by the contract's owner, a token by whom the log names (`token-spenders.ts`).
 *
 * Index inside a transaction: 0 is TRX, n + 1 is the n-th log.
 */
import { contradiction } from '@daybook/http';
import { assets, type AssetCode } from '@daybook/money';
import type { Secret } from '@daybook/runtime';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ChainRefusedError, type ChainBlock, type ChainSource, type Transfer, type WatchedAddresses } from '../ports';
import { numbersAfter, readInOrder } from './block-range';
import {
  type Face,
  hexBytes,
  mainByte,
  ownerOf,
  transferOf,
  tronBlock,
  tronHeader,
  tronInfo,
  tronRpc,
  type TronBlock,
  type TronInfo,
  type TronLog,
  type TronTransaction,
} from './tron-rpc';
import { spendersOf } from './token-spenders';

/** First blocks of the public networks. Of a private one it is not known. */
const tronNetworks = {
  mainnet: '00000000000000001ebf88508a03865c71d452e25f4d51194196a1d22b6653dc',
  nile: '0000000000000000d698d4192c56cb6be724a558448e2684802de4d6cd8690dc',
  shasta: '0000000000000000de1aa88295e1fcf982742f773e0419c5a9c134c994a9059e',
  private: undefined,
} as const;
export type TronNetwork = keyof typeof tronNetworks;

const transferTopic = 'ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
const wordLength = 64;
/** Twenty bytes. */
const addressDigits = 40;
const nativeIndex = 0;
/** What the header of a block without transactions has for their root (java-tron: BlockCapsule.calcMerkleRoot). */
const noTransactions = '0'.repeat(64);

type Options = {
  readonly url: Secret;
  readonly apiKey: Secret | undefined;
  readonly network: TronNetwork;
  readonly usdtContract: string | undefined;
};

const tronChainName = (network: TronNetwork) => `tron-${network}`;

export function tronChain({ url, apiKey, network, usdtContract }: Options): ChainSource {
  const rpc = tronRpc(url, apiKey);

  async function newest(face: Face) {
    const header = await rpc.ask(face, 'getnowblock', {}, tronHeader);
    if (header === undefined) throw contradiction(`${face} has no newest block`);
    return { number: numberOf(header), hash: header.blockID };
  }
  async function headerAt(number: number, face: Face): Promise<TronBlock | undefined> {
    const block = await rpc.ask(face, 'getblockbynum', { num: number }, tronBlock);
    if (block !== undefined && numberOf(block) !== number)
      throw contradiction(`asked for block ${number}, was given ${numberOf(block)}`);
    return block;
  }
  async function blockAt(number: number, face: Face, watched: WatchedAddresses): Promise<ChainBlock | undefined> {
    const block = await headerAt(number, face);
    if (block === undefined) return undefined;
    const { blockID: hash, block_header: header } = block;
    const transactions = bodyOf(block);
    const infos =
      usdtContract === undefined || transactions.length === 0
        ? []
        : ((await rpc.ask(face, 'gettransactioninfobyblocknum', { num: number }, z.array(tronInfo))) ?? []);
    const transfers = await transfersIn(transactions, infos, { number, usdtContract, watched });
    return { number, hash, parentHash: header.raw_data.parentHash, transfers };
  }
  async function faultOf(asset: AssetCode): Promise<string | undefined> {
    if (asset !== 'USDT_TRC20' || usdtContract === undefined) return undefined;
    const { TronWeb } = await import('tronweb');
    const contract = TronWeb.address.toHex(usdtContract);
    const answer = z.object({ constant_result: z.array(hexBytes).optional() });
    const body = {
      contract_address: contract,
      owner_address: contract,
      function_selector: 'decimals()',
      parameter: '',
    };
    const told = await rpc.ask('walletsolidity', 'triggerconstantcontract', body, answer);
    const word = told?.constant_result?.[0];
    if (word?.length !== wordLength) return 'the contract at TRON_USDT_CONTRACT does not tell its decimals';
    const [decimals, pinned] = [BigInt(`0x${word}`), assets.USDT_TRC20.scale];
    if (decimals === BigInt(pinned)) return undefined;
    return `the contract at TRON_USDT_CONTRACT has ${decimals} decimals, but USDT_TRC20 is pinned to ${pinned}`;
  }
  async function genesisHash(): Promise<string> {
    const genesis = await headerAt(0, 'wallet');
    if (genesis === undefined) throw contradiction('the node has no block 0');
    return genesis.blockID;
  }

  return {
    chain: tronChainName(network),
    async verify() {
      const [served, expected] = [await genesisHash(), tronNetworks[network]];
      if (expected !== undefined && served !== expected)
        throw new ChainRefusedError(`the node's first block is ${served}, which is not TRON_NETWORK ${network}`);
    },
    faultOf,
    genesisHash,
    head: () => newest('wallet'),
    finalized: () => newest('walletsolidity'),
    hashAt: async (number) => (await headerAt(number, 'wallet'))?.blockID,
    blocksAfter: (number, limit, watched) =>
      readInOrder(numbersAfter(number, limit), (at) => blockAt(at, 'wallet', watched)),
    async finalTransfers({ number, hash }, watched) {
      const block = await blockAt(number, 'walletsolidity', watched);
      return block?.hash === hash ? block.transfers : undefined;
    },
    stop: async () => undefined,
  };
}

/** The first eight bytes of a block's id are its number. */
function numberOf({ blockID, block_header: header }: z.output<typeof tronHeader>): number {
  const number = header.raw_data.number ?? 0;
  if (BigInt(`0x${blockID.slice(0, 16)}`) !== BigInt(number))
    throw contradiction(`block ${number} has the id ${blockID}`);
  return number;
}

/** The field is missing from an empty block as from one whose body the node leaves out; its header tells which it is. */
function bodyOf({ transactions = [], block_header: header, blockID }: TronBlock): readonly TronTransaction[] {
  if ((header.raw_data.txTrieRoot !== noTransactions) !== transactions.length > 0)
    throw contradiction(`block ${blockID} comes without its transactions`);
  for (const transaction of transactions) proveId(transaction);
  return transactions;
}

function proveId({ txID, raw_data_hex: signed }: TronTransaction): void {
  if (createHash('sha256').update(Buffer.from(signed, 'hex')).digest('hex') !== txID)
    throw contradiction(`transaction ${txID} is not what was signed`);
}

type Reading = {
  readonly number: number;
  readonly usdtContract: string | undefined;
  readonly watched: WatchedAddresses;
};

async function transfersIn(
  transactions: readonly TronTransaction[],
  infos: readonly TronInfo[],
  { number, usdtContract, watched }: Reading,
): Promise<readonly Transfer[]> {
  const { TronWeb } = await import('tronweb');
  const byId = new Map(infos.map((info) => [info.id, info]));
  if (byId.size > transactions.length) throw contradiction(`block ${number} has infos without their transactions`);
  const token =
    usdtContract === undefined ? undefined : TronWeb.address.toHex(usdtContract).slice(mainByte.length).toLowerCase();
  const addressOf = (hex: string) => TronWeb.address.fromHex(hex);
  return transactions.flatMap((transaction): Transfer[] => {
    const info = byId.get(transaction.txID);
    if (token !== undefined && info?.blockNumber !== number)
      throw contradiction(`block ${number} comes without the info of ${transaction.txID}`);
    const transactionId = transaction.txID;
    return [
      ...trxIn(transaction, watched, addressOf).map((paid) => ({ transactionId, ...paid })),
      ...(info && token ? tokensIn(info, transaction, { token, watched, addressOf }) : []).map((paid) => ({
        transactionId,
        ...paid,
      })),
    ];
  });
}

type Payment = Omit<Transfer, 'transactionId'>;

function trxIn(
  { txID, ret, raw_data: signed }: TronTransaction,
  watched: WatchedAddresses,
  addressOf: (hex: string) => string,
): Payment[] {
  const [contract] = signed.contract;
  const outcome = ret?.[0]?.contractRet;
  if (contract?.type !== 'TransferContract' || isFailure(outcome)) return [];
  const { amount = 0, owner_address: owner, to_address: recipient } = transferOf(contract.parameter.value);
  const to = addressOf(recipient);
  if (amount === 0 || !watched.has(to)) return [];
  if (outcome === undefined) throw contradiction(`transaction ${txID} comes without its outcome`);
  const from = addressOf(owner);
  // Beyond this the answer's numbers are no longer exact: nine billion TRX.
  if (!Number.isSafeInteger(amount)) throw contradiction(`no exact amount in ${txID}`);
  return [{ index: nativeIndex, asset: 'TRX', to, amount: BigInt(amount), spenders: watched.has(from) ? [from] : [] }];
}

function tokensIn(
  info: TronInfo,
  transaction: TronTransaction,
  {
    token,
    watched,
    addressOf,
  }: {
    readonly token: string;
    readonly watched: WatchedAddresses;
    readonly addressOf: (hex: string) => string;
  },
): Payment[] {
  const outcome = info.receipt?.result;
  if (info.result === 'FAILED' || isFailure(outcome)) return [];
  const addressIn = (topic: string) => addressOf(`${mainByte}${topic.slice(-addressDigits)}`);
  const told = (info.log ?? []).flatMap((log, place) => {
    const moved = tokenTransfer(log, token);
    return moved === undefined ? [] : [{ place, ...moved, to: addressIn(moved.recipient) }];
  });
  // Hardly any transaction is about us, and writing an address takes its time.
  if (!told.some(({ to }) => watched.has(to))) return [];
  if (outcome === undefined) throw contradiction(`the info of ${info.id} comes without its outcome`);
  const moves = told.map((move) => ({ ...move, from: addressIn(move.sender) }));
  const spendersOfEach = spendersOf(moves, addressOf(ownerOf(transaction)), watched);
  return moves.flatMap(({ place, to, amount }, at): Payment[] => {
    if (amount === 0n || !watched.has(to)) return [];
    return [{ index: place + 1, asset: 'USDT_TRC20', to, amount, spenders: spendersOfEach[at]! }];
  });
}

/** An outcome that is left out is none: what pays without one may have paid. */
const isFailure = (outcome: string | undefined) => outcome !== undefined && outcome !== 'SUCCESS';

/** Exactly the standard event of the pinned contract: signature, two indexed addresses, one word of data. */
function tokenTransfer({ address, topics = [], data = '' }: TronLog, token: string) {
  const [signature, sender, recipient] = topics;
  if (address !== token || topics.length !== 3 || signature !== transferTopic || data.length !== wordLength)
    return undefined;
  // Contracts of Tron may write its network byte before an address; the twelve bytes before the twenty mean nothing else.
  if (!/^0{22}(00|41)/.test(recipient!)) return undefined;
  return { sender: sender!, recipient: recipient!, amount: BigInt(`0x${data}`) };
}
