/**
 * Solana by one node's JSON-RPC: SOL and one pinned SPL token. Credit comes from balances (`solana-transfers.ts`). Blocks
 * are followed at `confirmed` and shown; a deposit counts only as it is told at `finalized`. The number of a block is its
 * slot: slots without a block are skipped, and the hash of the block before proves that none was left out.
 *
 * NOTE: `getBlock` is asked without the SDK, which decodes every key of every transaction of a block into an object and
 * falls behind a chain that makes a block of thousands each 400 ms.
 */
import { checked, contradiction, nodeHttp } from '@daybook/http';
import { assets, type AssetCode } from '@daybook/money';
import type { Secret } from '@daybook/runtime';
import { z } from 'zod';
import type { BlockReference } from '../domain/reorg';
import { ChainRefusedError, type ChainBlock, type ChainSource, type WatchedAddresses } from '../ports';
import { readInOrder } from './block-range';
import { blockWithBalances, transfersIn, type PinnedToken } from './solana-transfers';

/** Genesis hashes of the public clusters. Of a local one it is not known. */
const solanaClusters = {
  mainnet: '5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d',
  testnet: '4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY',
  devnet: 'EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG',
  local: undefined,
} as const;
export type SolanaCluster = keyof typeof solanaClusters;

export const tokenPrograms = {
  token: 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA',
  token2022: 'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb',
} as const;

/**
 * Extensions of Token-2022 that leave what an address has to its owner. A withheld fee is never part of a balance. A mint
 * that may be closed (`mintCloseAuthority`) is not among them: another one, with other decimals, could be made in its place.
 */
const harmlessExtensions = ['transferFeeConfig', 'metadataPointer', 'tokenMetadata'];

/** The cluster's codes for a slot that has no block: not yet there, skipped, skipped long ago. */
const noBlockCodes: readonly number[] = [-32_004, -32_007, -32_009];
/** Slots looked through for the next blocks: first a few, then as many as the cluster allows. */
const slotsPerBlock = 4;
const slotsMax = 500_000;

type Commitment = 'confirmed' | 'finalized';

type Options = {
  readonly url: Secret;
  readonly cluster: SolanaCluster;
  readonly usdtMint: string | undefined;
  /** Whether the pinned mint may be of Token-2022. */
  readonly allowToken2022: boolean;
};

const slot = z.number().int().nonnegative();
const mintAccount = z.object({
  value: z
    .object({
      owner: z.string(),
      data: z.object({
        parsed: z.object({
          type: z.literal('mint'),
          info: z.object({
            decimals: z.number().int(),
            extensions: z.array(z.object({ extension: z.string() })).optional(),
          }),
        }),
      }),
    })
    .nullable(),
});

const solanaChainName = (cluster: SolanaCluster) => `solana-${cluster}`;

export function solanaChain(options: Options): ChainSource {
  const { ask, askBlock } = solanaRpc(options.url);
  const pin: PinnedToken | undefined = options.usdtMint === undefined ? undefined : pinOf(options, options.usdtMint);

  const genesisHash = () => ask('getGenesisHash', [], z.string());
  async function newest(commitment: Commitment): Promise<BlockReference> {
    const number = await ask('getSlot', [{ commitment }], slot);
    const header = await headerAt(number, commitment);
    if (header === undefined) throw contradiction(`the newest ${commitment} slot ${number} has no block`);
    return { number, hash: header };
  }
  async function headerAt(number: number, commitment: Commitment): Promise<string | undefined> {
    const header = await askBlock(number, commitment, 'none', z.object({ blockhash: z.string() }));
    return header?.blockhash;
  }
  async function blockAt(
    number: number,
    commitment: Commitment,
    watched: WatchedAddresses,
  ): Promise<ChainBlock | undefined> {
    const block = await askBlock(number, commitment, 'accounts', blockWithBalances);
    if (block === undefined) return undefined;
    return {
      number,
      hash: block.blockhash,
      parentHash: block.previousBlockhash,
      transfers: transfersIn(block, pin, watched),
    };
  }

  /** Asked anew each time: a mint that could be closed might be another one by now. */
  async function faultOf(asset: AssetCode): Promise<string | undefined> {
    if (asset !== 'USDT_SOL' || options.usdtMint === undefined) return undefined;
    const parameters = [options.usdtMint, { encoding: 'jsonParsed', commitment: 'finalized' }];
    return faultOfMint(options, await ask('getAccountInfo', parameters, mintAccount));
  }

  return {
    chain: solanaChainName(options.cluster),
    async verify() {
      const [served, expected] = [await genesisHash(), solanaClusters[options.cluster]];
      if (expected !== undefined && served !== expected)
        throw new ChainRefusedError(`the node's genesis is ${served}, which is not SOLANA_CLUSTER ${options.cluster}`);
    },
    faultOf,
    genesisHash,
    head: () => newest('confirmed'),
    finalized: () => newest('finalized'),
    hashAt: (number) => headerAt(number, 'confirmed'),
    async blocksAfter(number, limit, watched) {
      const slots = (last: number) => ask('getBlocks', [number + 1, last, { commitment: 'confirmed' }], z.array(slot));
      let found = await slots(number + limit * slotsPerBlock);
      if (found.length === 0) found = await slots(number + slotsMax);
      return readInOrder(found.slice(0, limit), (at) => blockAt(at, 'confirmed', watched));
    },
    async finalTransfers({ number, hash }, watched) {
      const block = await blockAt(number, 'finalized', watched);
      return block?.hash === hash ? block.transfers : undefined;
    },
    stop: async () => undefined,
  };
}

function solanaRpc(url: Secret) {
  const http = nodeHttp(url);
  return {
    async ask<Answer extends z.ZodType>(method: string, parameters: readonly unknown[], answer: Answer) {
      const told = await http.call(method, parameters);
      if (!told.ok) throw contradiction(`${method}: ${told.message}`);
      return checked(method, answer, told.result);
    },
    /** Undefined for a slot without a block. Versioned transactions must be asked for, or a block with one is refused. */
    async askBlock<Answer extends z.ZodType>(
      number: number,
      commitment: Commitment,
      transactionDetails: 'none' | 'accounts',
      answer: Answer,
    ): Promise<z.output<Answer> | undefined> {
      const wanted = { commitment, transactionDetails, rewards: false, maxSupportedTransactionVersion: 0 };
      const told = await http.call('getBlock', [number, wanted]);
      if (!told.ok && noBlockCodes.includes(told.code)) return undefined;
      if (!told.ok) throw contradiction(`getBlock ${number}: ${told.message}`);
      return told.result === null ? undefined : checked(`getBlock ${number}`, answer, told.result);
    },
  };
}

function pinOf({ allowToken2022 }: Options, mint: string): PinnedToken {
  const { token, token2022 } = tokenPrograms;
  return { mint, programs: allowToken2022 ? [token, token2022] : [token] };
}

function faultOfMint(options: Options, { value }: z.output<typeof mintAccount>): string | undefined {
  if (value === null) return 'there is no mint at SOLANA_USDT_MINT';
  const { decimals, extensions = [] } = value.data.parsed.info;
  const pinned = assets.USDT_SOL.scale;
  if (decimals !== pinned)
    return `the mint at SOLANA_USDT_MINT has ${decimals} decimals, but USDT_SOL is pinned to ${pinned}`;
  if (!pinOf(options, '').programs.includes(value.owner))
    return `the mint at SOLANA_USDT_MINT is of program ${value.owner}, which is not allowed`;
  const harmful = extensions.find(({ extension }) => !harmlessExtensions.includes(extension));
  return harmful && `the mint at SOLANA_USDT_MINT has the extension ${harmful.extension}, which is not supported`;
}
