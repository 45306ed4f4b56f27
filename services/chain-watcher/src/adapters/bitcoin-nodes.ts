/**
 * Two ways to a Bitcoin node: the JSON-RPC of bitcoind, and the HTTP API of Esplora (blockstream.info, mempool.space).
 * Both are asked only for what proves itself (raw blocks), or is proven by what links to it (hashes by height).
 */
import { checked, contradiction, jsonIn, nodeHttp } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import { z } from 'zod';
import type { BlockReference } from '../domain/reorg';

export type BitcoinNode = {
  head(): Promise<BlockReference>;
  /** Undefined above the head. */
  hashAt(height: number): Promise<string | undefined>;
  /** Undefined when the node does not have it (any more). */
  rawBlock(hash: string): Promise<Buffer | undefined>;
};

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const height = z.number().int().nonnegative();
const hexBytes = z.string().regex(/^([0-9a-f]{2})+$/);
const chainInfo = z.object({ blocks: height, bestblockhash: hash });

/** Codes of bitcoind for what is not there (src/rpc/protocol.h). */
const notFound = { invalidAddressOrKey: -5, invalidParameter: -8 } as const;

/** The JSON-RPC of bitcoind. User and password are part of the address. */
export function bitcoindNode(url: Secret): BitcoinNode {
  const http = nodeHttp(url);
  async function ask<Answer extends z.ZodType>(method: string, parameters: readonly unknown[], answer: Answer) {
    const told = await http.call(method, parameters);
    if (told.ok) return checked(method, answer, told.result);
    if (told.code === notFound.invalidAddressOrKey || told.code === notFound.invalidParameter) return undefined;
    throw contradiction(`${method}: ${told.message}`);
  }
  return {
    async head() {
      const info = await ask('getblockchaininfo', [], chainInfo);
      if (info === undefined) throw contradiction('the node has no head');
      return { number: info.blocks, hash: info.bestblockhash };
    },
    hashAt: (at) => ask('getblockhash', [at], hash),
    async rawBlock(of) {
      const hex = await ask('getblock', [of, 0], hexBytes);
      return hex === undefined ? undefined : Buffer.from(hex, 'hex');
    },
  };
}

/** The HTTP API of Esplora, below its base address (`https://blockstream.info/api`). */
export function esploraNode(url: Secret): BitcoinNode {
  const http = nodeHttp(url);
  const text = async (path: string) => (await http.get(path))?.toString('utf8').trim();
  return {
    async head() {
      const tip = checked('blocks/tip/hash', hash, await text('blocks/tip/hash'));
      const path = `block/${tip}`;
      const { id, height: number } = checked(path, z.object({ id: hash, height }), jsonIn(path, await text(path)));
      if (id !== tip) throw contradiction(`${path}: is ${id}`);
      return { number, hash: tip };
    },
    async hashAt(at) {
      const told = await text(`block-height/${at}`);
      return told === undefined ? undefined : checked(`block-height/${at}`, hash, told);
    },
    rawBlock: (of) => http.get(`block/${of}/raw`),
  };
}
