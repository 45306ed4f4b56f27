/**
 * Sends on an EVM chain: ETH, one pinned token, and ETH through the settlement contract. The slot is a nonce, so of all
 * transactions of a send the chain takes one. Fees are EIP-1559's; a replacement raises both by an eighth, as nodes ask.
 */
import type { Mode } from '@daybook/contracts';
import { OperationalError } from '@daybook/core';
import { contradiction } from '@daybook/http';
import { assets as allAssets, type AssetCode } from '@daybook/money';
import type { Secret } from '@daybook/runtime';
import { encodeSettle, settledEventOf, settlementAddress, settlementIdOf } from '@daybook/settlement-contract';
import { evmTransaction, type EvmTransaction } from '@daybook/signer';
import { getAddress, keccak256 } from 'ethers';
import { z } from 'zod';
import type { Prepared, Preparing, SendChain, SendTerms, SendWallet, SlotStatus, TakenSlot } from '../../ports';
import { evmNode, type EvmCall, type EvmHeader, type EvmNode, type EvmReceipt } from './evm-node';
import { feeBesidesGas, feeOf, verifyRollup } from './evm-rollups';

export type EvmSenderOptions = {
  readonly url: Secret;
  readonly chainId: number;
  readonly mode: Mode;
  readonly usdtContract: string | undefined;
  /** Whether the settlement contract is on the chain, at the address that it has everywhere. */
  readonly withContract: boolean;
  readonly finality: { readonly kind: 'finalized' } | { readonly kind: 'depth'; readonly confirmations: number };
  /** What one send may cost at most, in wei, with what a rollup takes besides gas. */
  readonly feeMax: bigint;
};

type Nonce = Extract<Prepared['slot'], { family: 'evm' }>;

const plainTransferGas = 21_000n;
/** Where a node has no opinion: one gwei. */
const priorityFeeDefault = 1_000_000_000n;
/** Estimates are of this moment: a fifth more, for what changes until it is included. */
const withReserve = (gas: bigint) => gas + gas / 5n;
/** Nodes take a replacement from 10 % more on. */
const raised = (fee: bigint) => fee + fee / 8n + 1n;

/** Selectors of ERC-20. */
const decimalsCall = '0x313ce567';
const balanceOfCall = '0x70a08231';
const transferCall = '0xa9059cbb';
const transferTopic = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef';
const wordOf = (hex: string) => hex.replace(/^0x/, '').toLowerCase().padStart(64, '0');

export function evmSendChain(options: EvmSenderOptions): SendChain {
  const { chainId, mode, usdtContract, withContract } = options;
  const node = evmNode(options.url);
  const assets: readonly AssetCode[] = usdtContract === undefined ? ['ETH'] : ['ETH', 'USDT_ERC20'];
  return {
    chain: `evm-${chainId}`,
    mode,
    family: 'evm',
    assets,
    feeAsset: 'ETH',
    hasContract: (asset) => withContract && asset === 'ETH',
    canonical,
    verify: () => verify(node, options),
    async balanceOf(address, asset) {
      const { final } = await heads(node, options);
      const [atFinal, now] = await Promise.all([
        holding(node, options, address, asset, final),
        holding(node, options, address, asset, 'latest'),
      ]);
      return { final: atFinal, now };
    },
    prepare: (send, wallet, taken) => prepare(node, options, { send, wallet, taken }),
    bump: (send, prepared) => bump(node, options, send, prepared),
    broadcast: (bytes) => node.send(`0x${bytes.replace(/^0x/, '')}`),
    async statusOf(slot, wallet, ids) {
      if (slot.family !== 'evm') throw contradiction(`a slot of ${slot.family} is none of evm-${chainId}`);
      return statusOf(node, options, { slot, wallet, ids });
    },
    stop: async () => undefined,
  };
}

/** With its checksum. An address in mixed case has to have the right one. */
function canonical(address: string): string | undefined {
  if (!/^0x[0-9a-fA-F]{40}$/.test(address) || /^0x0{40}$/.test(address)) return undefined;
  try {
    return getAddress(address);
  } catch {
    return undefined;
  }
}

async function verify(node: EvmNode, { chainId, usdtContract, withContract }: EvmSenderOptions): Promise<void> {
  const refused = (detail: string) => new OperationalError('upstream_unavailable', false, { detail });
  const served = await node.chainId();
  if (served !== chainId) throw refused(`the node serves chain ${served}, but EVM_CHAIN_ID is ${chainId}`);
  await verifyRollup(node, chainId);
  if (withContract && (await node.codeAt(settlementAddress)) === '0x')
    throw refused(`chain ${chainId} has no settlement contract at ${settlementAddress}`);
  if (usdtContract === undefined) return;
  const decimals = await node.call({ to: usdtContract, data: decimalsCall }, 'latest');
  if (BigInt(decimals === '0x' ? '0x0' : decimals) !== BigInt(allAssets.USDT_ERC20.scale))
    throw refused('the contract at EVM_USDT_CONTRACT has other decimals than USDT_ERC20');
}

/** The newest block, and the number of the newest that is final. */
async function heads(node: EvmNode, { finality }: EvmSenderOptions) {
  const head = await node.head();
  if (finality.kind === 'depth') return { head, final: Math.max(0, head.number - finality.confirmations + 1) };
  const final = await node.headerAt('finalized');
  return { head, final: final?.number ?? 0 };
}

async function holding(
  node: EvmNode,
  { usdtContract }: EvmSenderOptions,
  address: string,
  asset: AssetCode,
  at: number | 'latest',
): Promise<bigint> {
  if (asset === 'ETH') return node.balanceAt(address, at);
  if (asset !== 'USDT_ERC20' || usdtContract === undefined) throw contradiction(`${asset} is not on this chain`);
  const word = await node.call({ to: usdtContract, data: balanceOfCall + wordOf(address) }, at);
  return word === '0x' ? 0n : BigInt(word);
}

type Wanted = { readonly send: SendTerms; readonly wallet: SendWallet; readonly taken: readonly TakenSlot[] };

async function prepare(node: EvmNode, options: EvmSenderOptions, wanted: Wanted): Promise<Preparing> {
  const { send, wallet, taken } = wanted;
  const { head, final } = await heads(node, options);
  await requireThePast(node, wanted, final);
  const [latest, suggested, ether] = await Promise.all([
    node.nonceAt(wallet.address, 'latest'),
    suggestedFees(node, head.baseFeePerGas),
    available(node, options, wanted, 'ETH', final),
  ]);
  const pays = send.asset === 'ETH' ? send.amount : 0n;
  if (ether <= pays) return { ok: false, refusal: 'insufficient_funds' };
  if (send.asset !== 'ETH' && (await available(node, options, wanted, send.asset, final)) < send.amount)
    return { ok: false, refusal: 'insufficient_funds' };
  const payment = paymentOf(options, send);
  const gasLimit = await gasOf(node, { from: wallet.address, ...callOf(payment) });
  if (gasLimit === undefined) return { ok: false, refusal: 'not_payable' };
  const slot: Nonce = { family: 'evm', nonce: freeNonce(latest, taken), sinceBlock: head.number };
  const transaction = { chainId: options.chainId, nonce: slot.nonce, ...suggested, gasLimit, payment };
  const maxFee = await maxFeeOf(node, transaction);
  if (isTooHigh(maxFee, options, send)) return { ok: false, refusal: 'fee_too_high' };
  if (ether < pays + maxFee) return { ok: false, refusal: 'insufficient_funds' };
  return { ok: true, prepared: preparedOf(transaction, slot, maxFee) };
}

/**
 * A final state that is behind what was final already is that of a node that lags, or of a chain that was reorganised below
 * its finality. By the first a wallet would spend what it has spent; by the second it would leave a gap behind it.
 */
async function requireThePast(node: EvmNode, { wallet, taken }: Wanted, final: number): Promise<void> {
  const past = taken.find((each) => each.past && each.slot.family === 'evm')?.slot;
  if (past?.family !== 'evm') return;
  const count = await node.nonceAt(wallet.address, final);
  if (count <= past.nonce) throw contradiction(`nonce ${past.nonce} of ${wallet.address} is final no more`);
}

/** All that the chain may take besides the amount: what a wallet needs for its node to take the transaction. */
async function maxFeeOf(node: EvmNode, transaction: EvmTransaction): Promise<bigint> {
  const { payment, ...terms } = transaction;
  return terms.gasLimit * terms.maxFeePerGas + (await feeBesidesGas(node, { ...terms, ...callOf(payment) }));
}

const isTooHigh = (maxFee: bigint, { feeMax }: EvmSenderOptions, { feeCap }: SendTerms) =>
  maxFee > feeMax || (feeCap !== null && maxFee > feeCap);

/** The lowest that is neither used nor ours: nonces leave no gaps, or what comes after one waits for ever. */
function freeNonce(latest: number, taken: readonly TakenSlot[]): number {
  const ours = new Set<number>();
  let nonce = latest;
  for (const { slot, past } of taken) {
    if (slot.family !== 'evm') continue;
    // Its newest block may be told by another node than its final state.
    if (past) nonce = Math.max(nonce, slot.nonce + 1);
    else ours.add(slot.nonce);
  }
  while (ours.has(nonce)) nonce += 1;
  return nonce;
}

/** By the final state, which has no effects of open sends: those are counted as much as they may take. */
async function available(
  node: EvmNode,
  options: EvmSenderOptions,
  { wallet, taken }: Wanted,
  asset: AssetCode,
  final: number,
): Promise<bigint> {
  let units = await holding(node, options, wallet.address, asset, final);
  for (const { spends } of taken) for (const each of spends) if (each.asset === asset) units -= each.amount;
  return units;
}

type Fees = Pick<EvmTransaction, 'maxFeePerGas' | 'maxPriorityFeePerGas'>;

/** Twice the base fee of now: enough while it rises by an eighth for six blocks. */
async function suggestedFees(node: EvmNode, baseFee: bigint | undefined): Promise<Fees> {
  const tip = (await node.priorityFee()) ?? priorityFeeDefault;
  const maxPriorityFeePerGas = tip > 0n ? tip : 1n;
  return { maxPriorityFeePerGas, maxFeePerGas: 2n * (baseFee ?? 0n) + maxPriorityFeePerGas };
}

type Payment = EvmTransaction['payment'];

function paymentOf(
  { usdtContract }: EvmSenderOptions,
  { sendId, asset, amount, toAddress: to, useContract }: SendTerms,
): Payment {
  if (useContract)
    return { type: 'settlement', contract: settlementAddress, settlementId: settlementIdOf(sendId), to, amount };
  if (asset === 'ETH') return { type: 'native', to, amount };
  if (usdtContract === undefined) throw contradiction(`${asset} is not on this chain`);
  return { type: 'erc20', token: usdtContract, to, amount };
}

function callOf(payment: Payment): EvmCall {
  switch (payment.type) {
    case 'native':
      return { to: payment.to, value: payment.amount };
    case 'erc20':
      return { to: payment.token, data: transferCall + wordOf(payment.to) + wordOf(payment.amount.toString(16)) };
    case 'settlement':
      return { to: payment.contract, value: payment.amount, data: encodeSettle(payment) };
  }
}

async function gasOf(node: EvmNode, call: EvmCall): Promise<bigint | undefined> {
  const estimate = await node.estimateGas(call);
  if (estimate === undefined) return undefined;
  return estimate === plainTransferGas ? estimate : withReserve(estimate);
}

/** Amounts as digits: the transaction is stored, and goes to the signer as it is. */
function preparedOf(transaction: EvmTransaction, slot: Nonce, maxFee: bigint): Prepared {
  const { gasLimit, maxFeePerGas, maxPriorityFeePerGas, payment } = transaction;
  return {
    transaction: {
      ...transaction,
      gasLimit: gasLimit.toString(),
      maxFeePerGas: maxFeePerGas.toString(),
      maxPriorityFeePerGas: maxPriorityFeePerGas.toString(),
      payment: { ...payment, amount: payment.amount.toString() },
    },
    slot,
    maxFee,
  };
}

async function bump(
  node: EvmNode,
  options: EvmSenderOptions,
  send: SendTerms,
  { transaction, slot }: Prepared,
): Promise<Prepared | undefined> {
  if (slot.family !== 'evm') throw contradiction(`a slot of ${slot.family} is none of evm-${options.chainId}`);
  const before = z.decode(evmTransaction, transaction as z.input<typeof evmTransaction>);
  const now = await suggestedFees(node, (await node.head()).baseFeePerGas);
  const higher = (least: bigint, market: bigint) => (least > market ? least : market);
  const maxFeePerGas = higher(raised(before.maxFeePerGas), now.maxFeePerGas);
  const maxPriorityFeePerGas = higher(raised(before.maxPriorityFeePerGas), now.maxPriorityFeePerGas);
  const replacement = { ...before, maxFeePerGas, maxPriorityFeePerGas };
  const maxFee = await maxFeeOf(node, replacement);
  return isTooHigh(maxFee, options, send) ? undefined : preparedOf(replacement, slot, maxFee);
}

type Asked = { readonly slot: Nonce; readonly wallet: SendWallet; readonly ids: readonly string[] };

async function statusOf(node: EvmNode, options: EvmSenderOptions, asked: Asked): Promise<SlotStatus> {
  const { slot, wallet, ids } = asked;
  const { final } = await heads(node, options);
  for (const id of ids) {
    const receipt = await node.receiptOf(id);
    if (receipt === null) continue;
    // A receipt may be of a block that has left the chain.
    const block = await node.headerAt(receipt.blockNumber);
    if (block?.hash === receipt.blockHash)
      return inclusionOf(options, { receipt, block, wallet, final: receipt.blockNumber <= final });
  }
  if ((await node.nonceAt(wallet.address, final)) > slot.nonce) {
    const taker = await takerOf(node, asked, final);
    if (ids.includes(taker)) throw contradiction(`transaction ${taker} is final, and has no receipt`);
    return { type: 'impossible', reason: `transaction ${taker} has nonce ${slot.nonce}` };
  }
  for (const id of ids) {
    if ((await node.transactionOf(id)) !== null) return { type: 'pending' };
  }
  return { type: 'unseen' };
}

type Included = {
  readonly receipt: EvmReceipt;
  readonly block: EvmHeader;
  readonly wallet: SendWallet;
  readonly final: boolean;
};

function inclusionOf({ usdtContract }: EvmSenderOptions, { receipt, block, wallet, final }: Included): SlotStatus {
  const { transactionHash, blockNumber, blockHash, gasUsed, effectiveGasPrice } = receipt;
  const hasEffect = hadEffect(receipt, wallet, usdtContract);
  // What is taken for a failure is paid again, so that a log which the node may have left out is waited for.
  const named = [receipt.to ?? '0x', `0x${wordOf(wallet.address)}`];
  if (receipt.status === 1 && !hasEffect && named.every((one) => mayBeIn(block.logsBloom, one)))
    throw contradiction(`the receipt of ${transactionHash} comes without its log`);
  return {
    type: 'included',
    transactionId: transactionHash,
    blockNumber,
    blockHash,
    final,
    succeeded: receipt.status === 1 && hasEffect,
    fee: feeOf(receipt),
    gasUsed,
    gasPrice: effectiveGasPrice,
  };
}

/** Some tokens answer false where they should fail: only the log of a transfer says that there was one. */
function hadEffect(receipt: EvmReceipt, { address }: SendWallet, usdtContract: string | undefined): boolean {
  const to = receipt.to?.toLowerCase();
  if (to === settlementAddress.toLowerCase())
    return receipt.logs.some((log) => settledEventOf(log)?.payer.toLowerCase() === address.toLowerCase());
  if (usdtContract === undefined || to !== usdtContract.toLowerCase()) return true;
  return receipt.logs.some(
    ({ address: of, topics }) =>
      of.toLowerCase() === to && topics[0] === transferTopic && topics[1] === `0x${wordOf(address)}`,
  );
}

/**
 * Whether a log of a block may be of this address, or have this topic, by the filter of its header: three bits of 2048 for each
 * (Ethereum yellow paper, 4.3.1).
 */
function mayBeIn(bloom: string, named: string): boolean {
  const [filter, digest] = [bloom, keccak256(named)].map((hex) => Buffer.from(hex.slice(2), 'hex')) as [Buffer, Buffer];
  return [0, 2, 4].every((at) => {
    const bit = digest.readUInt16BE(at) & 2047;
    return (filter[255 - (bit >> 3)]! & (1 << (bit & 7))) !== 0;
  });
}

/**
 * The transaction that has the nonce, from the block in which the account's count passed it. Without having seen it nobody
 * can say that it was not ours: a node may have the newer state and lack the receipt.
 */
async function takerOf(node: EvmNode, { slot, wallet }: Asked, final: number): Promise<string> {
  let [before, after] = [slot.sinceBlock, final];
  if (before >= after || (await node.nonceAt(wallet.address, before)) > slot.nonce)
    throw contradiction(`nonce ${slot.nonce} was used before it was chosen`);
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if ((await node.nonceAt(wallet.address, middle)) > slot.nonce) after = middle;
    else before = middle;
  }
  const block = await node.blockAt(after);
  const taker = block.transactions.find(
    ({ from, nonce }) => nonce === slot.nonce && from.toLowerCase() === wallet.address.toLowerCase(),
  );
  if (taker === undefined) throw contradiction(`block ${after} lacks the transaction with nonce ${slot.nonce}`);
  return taker.hash;
}
