/**
 * The JSON-RPC of an EVM node, by ethers' transport. Every answer is checked against its schema: a node is somebody
 * else's program. Failures become OperationalErrors without their cause, which may hold the node's address and its key.
 */
import { isOperationalError, OperationalError } from '@daybook/core';
import type { Secret } from '@daybook/runtime';
import { z } from 'zod';

const requestTimeoutMs = 10_000;
const throttledAttemptsMax = 3;
const detailLengthMax = 200;
/** How nodes say that they have pruned the state of a block. */
const stateIsGone =
  /missing trie node|historical state|state .*(not|un)\s?available|pruned|block ?out ?of ?range|header not found/i;

const quantity = z
  .string()
  .regex(/^0x[0-9a-f]{1,64}$/i)
  .transform((hex) => BigInt(hex));
const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const account = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
const bytes = z.string().regex(/^0x([0-9a-fA-F]{2})*$/);

export const rpcChainId = quantity;
export const rpcBytes = bytes;

export const rpcHeader = z.object({ number: quantity.transform(Number), hash, parentHash: hash });

export const rpcBlock = rpcHeader.extend({
  logsBloom: z.string().regex(/^0x[0-9a-fA-F]{512}$/),
  transactions: z.array(z.object({ hash, to: account.nullish(), value: quantity })),
});
export type RpcBlock = z.output<typeof rpcBlock>;

const rpcLog = z.object({
  address: account,
  topics: z.array(hash),
  data: bytes,
  blockHash: hash,
  transactionHash: hash,
  logIndex: quantity,
});
export type RpcLog = z.output<typeof rpcLog>;
export const rpcLogs = z.array(rpcLog);

export const rpcReceipt = z.object({
  transactionHash: hash,
  blockHash: hash,
  status: quantity.optional(),
  logs: rpcLogs,
});
export type RpcReceipt = z.output<typeof rpcReceipt>;

export type EvmRpc = {
  /** Null when the node answers null. */
  ask<Answer extends z.ZodType>(
    method: string,
    parameters: readonly unknown[],
    answer: Answer,
  ): Promise<z.output<Answer> | null>;
  /** A word of a contract's answer in a block's state. Undefined where the node no longer has that state. */
  callAt(call: { readonly to: string; readonly data: string }, blockHash: string): Promise<bigint | undefined>;
  stop(): Promise<void>;
};

/** What is used of ethers' JsonRpcProvider. */
export type EvmProvider = { send(method: string, parameters: unknown[]): Promise<unknown>; destroy(): void };

/** Opens ethers' transport to a node, when it is first asked. */
export const ethersProvider = (url: Secret, chainId: number) => async (): Promise<EvmProvider> => {
  const { FetchRequest, JsonRpcProvider, Network } = await import('ethers');
  const request = new FetchRequest(url.reveal());
  request.timeout = requestTimeoutMs;
  request.setThrottleParams({ maxAttempts: throttledAttemptsMax });
  const network = Network.from(chainId);
  // A cached answer could be of another fork; a batch fails as a whole.
  return new JsonRpcProvider(request, network, { staticNetwork: network, cacheTimeout: -1, batchMaxCount: 1 });
};

export function evmRpc(open: () => Promise<EvmProvider>): EvmRpc {
  let provider: Promise<EvmProvider> | undefined;

  async function ask<Answer extends z.ZodType>(
    method: string,
    parameters: readonly unknown[],
    answer: Answer,
  ): Promise<z.output<Answer> | null> {
    provider ??= open();
    let raw: unknown;
    try {
      raw = await (await provider).send(method, [...parameters]);
    } catch (error) {
      throw unavailable(method, error);
    }
    if (raw === null) return null;
    const parsed = answer.safeParse(raw);
    if (!parsed.success) throw contradiction(`${method}: ${z.prettifyError(parsed.error)}`);
    return parsed.data;
  }

  return {
    ask,
    async callAt(call, blockHash) {
      try {
        const word = await ask('eth_call', [call, { blockHash }], bytes);
        return word === null || word.length !== 66 ? undefined : BigInt(word);
      } catch (error) {
        if (isOperationalError(error) && stateIsGone.test(error.message)) return undefined;
        throw error;
      }
    },
    async stop() {
      (await provider)?.destroy();
      provider = undefined;
    },
  };
}

/** The node's answers do not fit together, or are not answers. Another attempt may find it consistent. */
export function contradiction(detail: string): OperationalError {
  return new OperationalError('upstream_unavailable', true, { detail: detail.slice(0, detailLengthMax) });
}

function unavailable(method: string, error: unknown): OperationalError {
  const { code, error: answer } = error as { code?: unknown; error?: { message?: unknown } };
  const said = typeof answer?.message === 'string' ? answer.message.slice(0, detailLengthMax) : String(code);
  return new OperationalError(code === 'TIMEOUT' ? 'upstream_timeout' : 'upstream_unavailable', true, {
    detail: `${method}: ${said}`,
  });
}
