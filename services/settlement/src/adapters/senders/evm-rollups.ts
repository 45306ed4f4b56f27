/**
 * What rollups take besides gas, for the chain below them. Their nodes take a transaction only from a wallet that has it
 * on top of amount and gas, and no field of the transaction bounds it: it is asked of the chain's own oracle.
 */
import { OperationalError } from '@daybook/core';
import { contradiction } from '@daybook/http';
import { Interface, Signature, Transaction } from 'ethers';
import type { EvmNode, EvmReceipt } from './evm-node';

type Rollup = {
  /** A predeploy: at this address since the first block. */
  readonly oracle: string;
  /** What `getL1Fee` is to be asked for. The OP stack's adds a signature's 68 bytes itself, Scroll's adds none. */
  readonly bytes: 'unsigned' | 'signed';
  /** Whether the chain's operator may ask something for himself, by gas. */
  readonly hasOperatorFee: boolean;
};

/** ethereum-optimism/optimism, packages/contracts-bedrock/src/L2/GasPriceOracle.sol. */
const opStack: Rollup = {
  oracle: '0x420000000000000000000000000000000000000F',
  bytes: 'unsigned',
  hasOperatorFee: true,
};

/** scroll-tech/scroll-contracts, src/L2/predeploys/L1GasPriceOracle.sol. */
const scroll: Rollup = {
  oracle: '0x5300000000000000000000000000000000000002',
  bytes: 'signed',
  hasOperatorFee: false,
};

/**
 * By chain id. To all other chains of ether that chain-watcher knows gas is all: Ethereum and its test networks have
 * nothing below them, Arbitrum counts what L1 takes as gas, which `eth_estimateGas` tells, and Linea has it in its price.
 */
const rollups: ReadonlyMap<number, Rollup> = new Map([
  [10, opStack], // OP Mainnet
  [8_453, opStack], // Base
  [84_532, opStack], // Base Sepolia
  [11_155_420, opStack], // OP Sepolia
  [534_352, scroll], // Scroll
]);

/**
 * What is taken is by L1's prices when the transaction is included. They rise by an eighth a block at most, so they need
 * six blocks to double, over a minute. It also covers that an oracle estimates by bytes without their signature.
 */
const reserve = 2n;

const oracleCalls = new Interface([
  'function getL1Fee(bytes) view returns (uint256)',
  'function getOperatorFee(uint256) view returns (uint256)',
]);
/** As long as any signature, without the zeros that once cost less. */
const anySignature = Signature.from({ r: `0x${'11'.repeat(32)}`, s: `0x${'11'.repeat(32)}`, yParity: 1 });

/** As it will be signed. */
export type Unsigned = {
  readonly chainId: number;
  readonly nonce: number;
  readonly gasLimit: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
  readonly to: string;
  readonly value?: bigint;
  readonly data?: string;
};

/** The most that the chain may take besides the gas of this transaction, in wei; nothing where gas is all. */
export async function feeBesidesGas(node: EvmNode, transaction: Unsigned): Promise<bigint> {
  const rollup = rollups.get(transaction.chainId);
  if (rollup === undefined) return 0n;
  const { oracle, hasOperatorFee } = rollup;
  const [ofData, ofOperator] = await Promise.all([
    told(node, oracle, 'getL1Fee', bytesOf(transaction, rollup)),
    hasOperatorFee ? told(node, oracle, 'getOperatorFee', transaction.gasLimit) : 0n,
  ]);
  // The operator's is zero on most chains; a rollup that takes nothing for its data is none.
  if (ofData === 0n) throw contradiction('getL1Fee: no price');
  return (ofData + ofOperator) * reserve;
}

function bytesOf({ to, value = 0n, data = '0x', ...terms }: Unsigned, { bytes }: Rollup): string {
  const transaction = Transaction.from({ type: 2, ...terms, to, value, data });
  if (bytes === 'unsigned') return transaction.unsignedSerialized;
  transaction.signature = anySignature;
  return transaction.serialized;
}

async function told(node: EvmNode, oracle: string, name: string, about: string | bigint): Promise<bigint> {
  const word = await node.call({ to: oracle, data: oracleCalls.encodeFunctionData(name, [about]) }, 'latest');
  // Where there is no contract a node answers without an error, and with nothing.
  if (!/^0x[0-9a-f]{64}$/i.test(word)) throw contradiction(`${name}: no answer of the fee oracle ${oracle}`);
  return BigInt(word);
}

/** What the chain took, all in all. */
export function feeOf({ gasUsed, effectiveGasPrice, ...besides }: EvmReceipt): bigint {
  // By the formula of the OP stack's upgrade Jovian, which all chains of the table have had.
  const ofOperator = gasUsed * (besides.operatorFeeScalar ?? 0n) * 100n + (besides.operatorFeeConstant ?? 0n);
  return gasUsed * effectiveGasPrice + (besides.l1Fee ?? 0n) + ofOperator;
}

/**
 * That the table is right about the chain. A rollup that it does not have would take more than is held, so that nothing is
 * sent on it until it is listed.
 */
export async function verifyRollup(node: EvmNode, chainId: number): Promise<void> {
  const refused = (detail: string) => new OperationalError('upstream_unavailable', false, { detail });
  const listed = rollups.get(chainId);
  for (const { oracle } of listed === undefined ? [opStack, scroll] : [listed]) {
    const isThere = (await node.codeAt(oracle)) !== '0x';
    if (listed === undefined && isThere)
      throw refused(`chain ${chainId} has a fee oracle, and is not known as a rollup`);
    if (listed !== undefined && !isThere) throw refused(`chain ${chainId} has no fee oracle at ${oracle}`);
  }
}
