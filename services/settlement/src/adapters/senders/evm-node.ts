/** What a sender asks an EVM node, by JSON-RPC. Every answer is checked: a node is somebody else's program. */
import { OperationalError } from '@daybook/core';
import { checked, contradiction, nodeHttp } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import { z } from 'zod';

const quantity = z
  .string()
  .regex(/^0x[0-9a-f]{1,64}$/i)
  .transform((hex) => BigInt(hex));
const number = quantity.transform(Number).pipe(z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER));
const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const account = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
const bytes = z.string().regex(/^0x([0-9a-fA-F]{2})*$/);

const header = z.object({
  number,
  hash,
  baseFeePerGas: quantity.optional(),
  logsBloom: z.string().regex(/^0x[0-9a-fA-F]{512}$/),
});
const blockWithTransactions = header.extend({
  transactions: z.array(z.object({ hash, from: account, nonce: number })),
});
const receipt = z.object({
  transactionHash: hash,
  blockNumber: number,
  blockHash: hash,
  status: number.pipe(z.number().max(1)),
  to: account.nullish(),
  gasUsed: quantity,
  effectiveGasPrice: quantity,
  /** What rollups take besides, for the chain below them. */
  l1Fee: quantity.nullish(),
  /** What an operator of the OP stack takes for himself, by gas and once. */
  operatorFeeScalar: quantity.nullish(),
  operatorFeeConstant: quantity.nullish(),
  logs: z.array(z.object({ address: account, topics: z.array(hash), data: bytes })),
});
const transaction = z.object({ hash, blockNumber: number.nullish() });

export type EvmHeader = z.output<typeof header>;
export type EvmReceipt = z.output<typeof receipt>;
export type EvmCall = { readonly from?: string; readonly to: string; readonly value?: bigint; readonly data?: string };

/** What the network already has. Names of geth, Nethermind, Besu, Erigon, Reth and anvil. */
const alreadyKnown =
  /already (known|imported|exists|in (the )?(mem|tx)?pool)|known transaction|transaction .*imported/i;
/** The call would fail on the chain: EIP-1474's code, and what nodes say. */
const revertCode = 3;
const reverts = /revert|out of gas|invalid opcode/i;

export type EvmNode = ReturnType<typeof evmNode>;

export function evmNode(url: Secret) {
  const http = nodeHttp(url);

  async function ask<Answer extends z.ZodType>(method: string, parameters: readonly unknown[], answer: Answer) {
    const told = await http.call(method, parameters);
    if (!told.ok) throw contradiction(`${method}: ${told.message}`);
    return checked(method, answer, told.result);
  }

  async function found<Answer>(what: string, answer: Promise<Answer | null>): Promise<Answer> {
    const value = await answer;
    if (value === null) throw contradiction(`the node has no ${what}`);
    return value;
  }

  const headerAt = (at: number | 'latest' | 'finalized') =>
    ask('eth_getBlockByNumber', [tagOf(at), false], header.nullable());

  return {
    chainId: () => ask('eth_chainId', [], number),
    headerAt,
    head: () => found('head', headerAt('latest')),
    blockAt: (at: number) =>
      found(`block ${at}`, ask('eth_getBlockByNumber', [tagOf(at), true], blockWithTransactions.nullable())),
    nonceAt: (address: string, at: number | 'latest') => ask('eth_getTransactionCount', [address, tagOf(at)], number),
    balanceAt: (address: string, at: number | 'latest') => ask('eth_getBalance', [address, tagOf(at)], quantity),
    codeAt: (address: string) => ask('eth_getCode', [address, 'latest'], bytes),
    call: (call: EvmCall, at: number | 'latest') => ask('eth_call', [encoded(call), tagOf(at)], bytes),
    /** Undefined where the node has no opinion. */
    async priorityFee(): Promise<bigint | undefined> {
      const told = await http.call('eth_maxPriorityFeePerGas', []);
      return told.ok ? checked('eth_maxPriorityFeePerGas', quantity, told.result) : undefined;
    },
    /** Undefined when the chain would not do it. */
    async estimateGas(call: EvmCall): Promise<bigint | undefined> {
      const told = await http.call('eth_estimateGas', [encoded(call)]);
      if (told.ok) return checked('eth_estimateGas', quantity, told.result);
      if (told.code === revertCode || reverts.test(told.message)) return undefined;
      throw contradiction(`eth_estimateGas: ${told.message}`);
    },
    async receiptOf(id: string): Promise<EvmReceipt | null> {
      const told = await ask('eth_getTransactionReceipt', [id], receipt.nullable());
      if (told !== null && told.transactionHash !== id)
        throw contradiction(`asked for the receipt of ${id}, was given that of ${told.transactionHash}`);
      return told;
    },
    transactionOf: (id: string) => ask('eth_getTransactionByHash', [id], transaction.nullable()),
    async send(raw: string): Promise<void> {
      const told = await http.call('eth_sendRawTransaction', [raw]);
      if (told.ok || alreadyKnown.test(told.message)) return;
      throw new OperationalError('upstream_unavailable', true, { detail: `eth_sendRawTransaction: ${told.message}` });
    },
  };
}

const tagOf = (at: number | 'latest' | 'finalized') => (typeof at === 'string' ? at : quantityOf(BigInt(at)));
const quantityOf = (value: bigint) => `0x${value.toString(16)}`;

function encoded({ from, to, value, data }: EvmCall) {
  return { from, to, data, ...(value === undefined ? {} : { value: quantityOf(value) }) };
}
