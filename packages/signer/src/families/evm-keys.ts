/**
 * EVM chains: transactions of type 2 that pay the native coin, a token that is listed, or through the settlement contract.
 * No other call data can come about: it is encoded here from the fields of the request.
 */
import { assert } from '@daybook/core';
import type { AssetCode } from '@daybook/money';
import type { FamilyKeys, ReadingOutcome } from '../ports';
import type { EvmTransaction } from '../transactions';
import { secp256k1Keys, secp256k1Paths } from './key-paths';

export type EvmChain = {
  readonly chainId: number;
  /** Assets by their contracts' addresses in lower case. */
  readonly tokens: ReadonlyMap<string, AssetCode>;
  /** In lower case. */
  readonly settlementContracts: ReadonlySet<string>;
};

const calls = [
  'function transfer(address to, uint256 amount) returns (bool)',
  'function settle(bytes32 settlementId, address to) payable',
];
/** What the plainest transaction uses. Less is never included and would leave its nonce open. */
const gasMin = 21_000n;
const zeroAddress = `0x${'0'.repeat(40)}`;

export function evmKeys(seed: Buffer, chain: EvmChain): FamilyKeys<EvmTransaction> {
  const keyAt = secp256k1Keys(seed, secp256k1Paths.evm);
  return {
    async walletOf(index) {
      const { address, publicKey } = await keyAt(index);
      return { address, publicKey: publicKey.slice(2) };
    },
    async read(index, transaction) {
      return readEvm(transaction, chain, index, (await keyAt(index)).address);
    },
    async sign(index, transaction) {
      const { Interface, Transaction } = await import('ethers');
      const key = await keyAt(index);
      const { call, value, target } = await planOf(transaction);
      const data = call === undefined ? '0x' : new Interface(calls).encodeFunctionData(call.name, call.args);
      const { chainId, nonce, gasLimit, maxFeePerGas, maxPriorityFeePerGas } = transaction;
      const fees = { gasLimit, maxFeePerGas, maxPriorityFeePerGas };
      const unsigned = Transaction.from({ type: 2, chainId, nonce, ...fees, to: target, value, data });
      unsigned.signature = key.signingKey.sign(unsigned.unsignedHash);
      const bytes = unsigned.serialized;
      await expectSaysTheSame(bytes, transaction, key.address);
      return { transactionId: unsigned.hash ?? '', bytes: bytes.slice(2) };
    },
  };
}

async function readEvm(
  transaction: EvmTransaction,
  chain: EvmChain,
  index: number,
  own: string,
): Promise<ReadingOutcome> {
  const { isAddress } = await import('ethers');
  const { payment, chainId, nonce, gasLimit, maxFeePerGas, maxPriorityFeePerGas } = transaction;
  const to = payment.to.toLowerCase();
  const isPayable = isAddress(payment.to) && to !== own.toLowerCase() && to !== zeroAddress && payment.amount > 0n;
  const isCovered = gasLimit >= gasMin && maxFeePerGas > 0n && maxPriorityFeePerGas <= maxFeePerGas;
  if (!isPayable || !isCovered) return { ok: false, refusal: 'transaction_invalid' };
  if (chainId !== chain.chainId) return { ok: false, refusal: 'chain_not_allowed' };
  const slots = [`evm/${chainId}/${index}/${nonce}`];
  const reading = { to, amount: payment.amount, slots, exclusive: true };
  if (payment.type === 'native') return { ok: true, reading: { ...reading, asset: 'ETH', way: 'native' } };
  const contract = (payment.type === 'erc20' ? payment.token : payment.contract).toLowerCase();
  // A token that is sent to its own contract is lost.
  if (contract === to) return { ok: false, refusal: 'transaction_invalid' };
  if (payment.type === 'settlement') {
    if (!chain.settlementContracts.has(contract)) return { ok: false, refusal: 'contract_not_allowed' };
    return { ok: true, reading: { ...reading, asset: 'ETH', way: `${contract} ${payment.settlementId}` } };
  }
  const asset = chain.tokens.get(contract);
  if (asset === undefined) return { ok: false, refusal: 'contract_not_allowed' };
  return { ok: true, reading: { ...reading, asset, way: contract } };
}

type Plan = {
  readonly target: string;
  readonly value: bigint;
  readonly call?: { readonly name: 'transfer' | 'settle'; readonly args: readonly [string, string | bigint] };
};

async function planOf({ payment }: EvmTransaction): Promise<Plan> {
  const { getAddress } = await import('ethers');
  const to = getAddress(payment.to);
  switch (payment.type) {
    case 'native':
      return { target: to, value: payment.amount };
    case 'erc20':
      return { target: getAddress(payment.token), value: 0n, call: { name: 'transfer', args: [to, payment.amount] } };
    case 'settlement': {
      const call = { name: 'settle', args: [payment.settlementId, to] } as const;
      return { target: getAddress(payment.contract), value: payment.amount, call };
    }
  }
}

/** From the bytes alone: a fault of an encoder must not pay. */
async function expectSaysTheSame(bytes: string, transaction: EvmTransaction, from: string): Promise<void> {
  const { Interface, Transaction } = await import('ethers');
  const said = Transaction.from(bytes);
  const { target, value, call } = await planOf(transaction);
  const parsed =
    said.data === '0x' ? null : new Interface(calls).parseTransaction({ data: said.data, value: said.value });
  const wanted = [
    [said.type, 2],
    [said.chainId, BigInt(transaction.chainId)],
    [said.nonce, transaction.nonce],
    [said.gasLimit, transaction.gasLimit],
    [said.maxFeePerGas, transaction.maxFeePerGas],
    [said.maxPriorityFeePerGas, transaction.maxPriorityFeePerGas],
    [said.accessList?.length, 0],
    [said.to, target],
    [said.value, value],
    [said.from, from],
    [parsed?.name, call?.name],
    [parsed?.args.length, call?.args.length],
    [parsed?.args[0] as unknown, call?.args[0]],
    [parsed?.args[1] as unknown, call?.args[1]],
  ];
  for (const [is, should] of wanted) assert(is === should, `the signed bytes say ${String(is)} for ${String(should)}`);
}
