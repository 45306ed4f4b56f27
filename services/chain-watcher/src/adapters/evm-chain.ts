/**
 * An EVM chain by one node: the native coin and one pinned token contract (`evm-transfers.ts`). Every block is read by its
 * number and believed by its hash; what a node answers to another question than the one asked is a contradiction.
 */
import { OperationalError } from '@daybook/core';
import { contradiction, redacting, type Redact } from '@daybook/http';
import { assets, type AssetCode } from '@daybook/money';
import type { Secret } from '@daybook/runtime';
import { ChainRefusedError, type ChainBlock, type ChainSource, type WatchedAddresses } from '../ports';
import { numbersAfter, readInOrder } from './block-range';
import { evmNativeOf, type EvmNative } from './evm-networks';
import {
  ethersProvider,
  type EvmProvider,
  type EvmRpc,
  evmRpc,
  rpcBlock,
  rpcBytes,
  rpcChainId,
  rpcHeader,
} from './evm-rpc';
import { evmTransfers } from './evm-transfers';

const evmChainName = (chainId: number) => `evm-${chainId}`;

/** Selector of `decimals()`. */
const decimalsCall = '0x313ce567';
/** 32 bytes in hex. */
const wordLength = 66;

type Pins = {
  readonly chainId: number;
  readonly usdtContract: string | undefined;
  /** What the chain's coin is; by its id where it is not said. */
  readonly native?: EvmNative | undefined;
};

/** Through ethers' transport. */
export function evmChain({ url, ...pins }: Pins & { readonly url: Secret }): ChainSource {
  return evmChainOver(ethersProvider(url, pins.chainId), pins, redacting(url));
}

export function evmChainOver(open: () => Promise<EvmProvider>, pins: Pins, redact?: Redact): ChainSource {
  const { chainId, usdtContract, native = evmNativeOf(chainId) } = pins;
  const rpc = evmRpc(open, redact);
  const token = usdtContract?.toLowerCase();

  async function faultOf(asset: AssetCode): Promise<string | undefined> {
    if (asset !== 'USDT_ERC20' || token === undefined) return undefined;
    const answer = await rpc.ask('eth_call', [{ to: token, data: decimalsCall }, 'latest'], rpcBytes);
    // A node that has no state says it with an empty answer, as one where there is no contract.
    if (answer === null || answer.length !== wordLength)
      return 'the contract at EVM_USDT_CONTRACT does not tell its decimals';
    const pinned = assets.USDT_ERC20.scale;
    if (BigInt(answer) === BigInt(pinned)) return undefined;
    return `the contract at EVM_USDT_CONTRACT has ${BigInt(answer)} decimals, but USDT_ERC20 is pinned to ${pinned}`;
  }

  async function headerAt(number: number) {
    const header = await rpc.ask('eth_getBlockByNumber', [quantityOf(number), false], rpcHeader);
    if (header !== null && header.number !== number)
      throw contradiction(`asked for block ${number}, was given ${header.number}`);
    return header ?? undefined;
  }

  async function blockAt(number: number, watched: WatchedAddresses): Promise<ChainBlock | undefined> {
    const block = await rpc.ask('eth_getBlockByNumber', [quantityOf(number), true], rpcBlock);
    if (block === null) return undefined;
    if (block.number !== number) throw contradiction(`asked for block ${number}, was given ${block.number}`);
    const transfers = await evmTransfers({ rpc, token, native }, block, watched);
    return { number: block.number, hash: block.hash, parentHash: block.parentHash, transfers };
  }

  return {
    chain: evmChainName(chainId),
    async verify() {
      const served = await rpc.ask('eth_chainId', [], rpcChainId);
      if (served !== BigInt(chainId))
        throw new ChainRefusedError(`the node serves chain ${served}, but EVM_CHAIN_ID is ${chainId}`);
    },
    faultOf,
    async head() {
      const header = await rpc.ask('eth_getBlockByNumber', ['latest', false], rpcHeader);
      if (header === null) throw new OperationalError('upstream_unavailable', true, { detail: 'the node has no head' });
      return { number: header.number, hash: header.hash };
    },
    async genesisHash() {
      const genesis = await headerAt(0);
      if (genesis === undefined) throw contradiction('the node has no block 0');
      return genesis.hash;
    },
    async finalized() {
      const header = await rpc.ask('eth_getBlockByNumber', ['finalized', false], rpcHeader);
      return header === null ? undefined : { number: header.number, hash: header.hash };
    },
    hashAt: async (number) => (await headerAt(number))?.hash,
    blocksAfter: (number, limit, watched) => readInOrder(numbersAfter(number, limit), (at) => blockAt(at, watched)),
    async finalTransfers({ number, hash }, watched) {
      const block = await blockAt(number, watched);
      return block?.hash === hash ? block.transfers : undefined;
    },
    ...(native === 'ETH'
      ? { coin: { asset: native, receivedBy: (address, { hash }) => received(rpc, address, hash) } }
      : {}),
    stop: () => rpc.stop(),
  };
}

/** An account that never sent a transaction has all it ever received. */
async function received(rpc: EvmRpc, address: string, blockHash: string): Promise<bigint | undefined> {
  const [balance, sent] = await Promise.all([rpc.balanceAt(address, blockHash), rpc.sentUpTo(address, blockHash)]);
  return sent === 0n ? balance : undefined;
}

const quantityOf = (number: number) => `0x${number.toString(16)}`;
