/**
 * The JSON-RPC of an EVM node, by ethers' transport. Every answer is checked against its schema: a node is somebody
 * else's program. Failures become OperationalErrors without their cause, which may hold the node's address and its key.
 */
import { isOperationalError, OperationalError } from '@daybook/core';
import { contradiction, redacting, type Redact } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import { z } from 'zod';

const requestTimeoutMs = 10_000;
const throttledAttemptsMax = 3;
/** How nodes say that they have pruned the state of a block, or that the contract refuses to answer in it. */
const hasNoAnswer =
  /revert|missing trie node|historical state|state .*(not|un)\s?available|pruned|block ?out ?of ?range|header not found/i;

/** Codes of JSON-RPC and of EIP-1474 for a method that a node does not have, and ethers' for the same. */
const notOfferedCodes: readonly unknown[] = [-32_601, -32_004, 'UNSUPPORTED_OPERATION'];

const quantity = z
  .string()
  .regex(/^0x[0-9a-f]{1,64}$/i)
  .transform((hex) => BigInt(hex));
const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
/** In whatever case a node writes it: networks have checksums of their own (EIP-1191), and some nodes none. */
const account = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .toLowerCase();
const bytes = z.string().regex(/^0x([0-9a-fA-F]{2})*$/);

export const rpcChainId = quantity;
export const rpcBytes = bytes;

const blockNumber = quantity.transform(Number).pipe(z.number().max(Number.MAX_SAFE_INTEGER));
export const rpcHeader = z.object({ number: blockNumber, hash, parentHash: hash });

/** Root of the tree of no transactions: keccak256 of the empty string in RLP. */
const noTransactions = '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421';

export const rpcBlock = rpcHeader
  .extend({
    logsBloom: z.string().regex(/^0x[0-9a-fA-F]{512}$/),
    transactionsRoot: hash,
    transactions: z.array(z.object({ hash, from: account, to: account.nullish(), value: quantity })),
  })
  .transform(({ transactionsRoot, ...block }) => ({ ...block, hasTransactions: transactionsRoot !== noTransactions }));
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

export const rpcReceipt = z.object({
  transactionHash: hash,
  blockHash: hash,
  status: quantity.refine((status) => status <= 1n),
  logs: z.array(rpcLog),
});
export type RpcReceipt = z.output<typeof rpcReceipt>;

export type EvmRpc = {
  /** Null when the node answers null. */
  ask<Answer extends z.ZodType>(
    method: string,
    parameters: readonly unknown[],
    answer: Answer,
  ): Promise<z.output<Answer> | null>;
  /** The same, where not every node has the method. */
  askIfOffered<Answer extends z.ZodType>(
    method: string,
    parameters: readonly unknown[],
    answer: Answer,
  ): Promise<z.output<Answer> | null | 'not offered'>;
  /** A word of a contract's answer in a block's state. Undefined where the node or the contract has none. */
  callAt(call: { readonly to: string; readonly data: string }, blockHash: string): Promise<bigint | undefined>;
  /** Wei at the end of a block. Undefined where the node no longer has that state, as below. */
  balanceAt(address: string, blockHash: string): Promise<bigint | undefined>;
  /** Transactions that an account has sent up to the end of a block. */
  sentUpTo(address: string, blockHash: string): Promise<bigint | undefined>;
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

export function evmRpc(open: () => Promise<EvmProvider>, redact: Redact = redacting()): EvmRpc {
  let provider: Promise<EvmProvider> | undefined;

  async function ask<Answer extends z.ZodType>(
    method: string,
    parameters: readonly unknown[],
    answer: Answer,
  ): Promise<z.output<Answer> | null> {
    const told = await askIfOffered(method, parameters, answer);
    if (told === 'not offered') throw contradiction(`${method}: the node does not have it`);
    return told;
  }

  async function askIfOffered<Answer extends z.ZodType>(
    method: string,
    parameters: readonly unknown[],
    answer: Answer,
  ): Promise<z.output<Answer> | null | 'not offered'> {
    provider ??= open();
    let raw: unknown;
    try {
      raw = await (await provider).send(method, [...parameters]);
    } catch (error) {
      if (isNotOffered(error)) return 'not offered';
      throw unavailable(method, error, redact);
    }
    if (raw === null) return null;
    const parsed = answer.safeParse(raw);
    if (!parsed.success) throw contradiction(redact(`${method}: ${z.prettifyError(parsed.error)}`));
    return parsed.data;
  }

  async function inState<Answer extends z.ZodType>(
    method: string,
    parameter: unknown,
    blockHash: string,
    answer: Answer,
  ): Promise<z.output<Answer> | undefined> {
    try {
      return (await ask(method, [parameter, { blockHash }], answer)) ?? undefined;
    } catch (error) {
      if (isOperationalError(error) && hasNoAnswer.test(error.message)) return undefined;
      throw error;
    }
  }

  return {
    ask,
    askIfOffered,
    async callAt(call, blockHash) {
      const word = await inState('eth_call', call, blockHash, bytes);
      return word === undefined || word.length !== 66 ? undefined : BigInt(word);
    },
    balanceAt: (address, blockHash) => inState('eth_getBalance', address, blockHash, quantity),
    sentUpTo: (address, blockHash) => inState('eth_getTransactionCount', address, blockHash, quantity),
    async stop() {
      (await provider)?.destroy();
      provider = undefined;
    },
  };
}

type Answered = { readonly code?: unknown; readonly message?: unknown };
/** Where ethers keeps what the node answered depends on what it makes of it. */
type Failure = {
  readonly code?: unknown;
  readonly error?: Answered;
  readonly info?: { readonly error?: Answered };
};
const answeredWith = ({ error, info }: Failure) => error ?? info?.error;

function isNotOffered(error: unknown): boolean {
  const { code } = error as Failure;
  const answer = answeredWith(error as Failure);
  return notOfferedCodes.includes(code) || notOfferedCodes.includes(answer?.code);
}

function unavailable(method: string, error: unknown, redact: Redact): OperationalError {
  const { code } = error as Failure;
  const answer = answeredWith(error as Failure);
  const said = typeof answer?.message === 'string' ? answer.message : String(code);
  return new OperationalError(code === 'TIMEOUT' ? 'upstream_timeout' : 'upstream_unavailable', true, {
    detail: `${method}: ${redact(said)}`,
  });
}
