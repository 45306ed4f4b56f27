/**
 * Sends of TRX and one pinned TRC-20 token. The slot is a moment: a transaction refers to a solidified block, and ends
 * with its expiration. It cannot be replaced, since both could be included, so a fee never rises. It is included when a
 * solidified block has it, and impossible once the solidified chain has gone past its expiration without it. That is read
 * in the blocks themselves, linked by their hashes: an index that does not know a transaction proves nothing.
 */
import { assert, OperationalError } from '@daybook/core';
import type { Mode } from '@daybook/contracts';
import { contradiction } from '@daybook/http';
import { assets, type AssetCode } from '@daybook/money';
import type { Secret } from '@daybook/runtime';
import type { Preparing, SendChain, SendTerms, SendWallet, Slot, SlotStatus, TakenSlot } from '../../ports';
import { tronRpc, type Face, type ToldInfo, type TronRpc } from './tron-rpc';

/** First blocks of the public networks. Of a private one it is not known. */
const networks = {
  mainnet: '00000000000000001ebf88508a03865c71d452e25f4d51194196a1d22b6653dc',
  nile: '0000000000000000d698d4192c56cb6be724a558448e2684802de4d6cd8690dc',
  shasta: '0000000000000000de1aa88295e1fcf982742f773e0419c5a9c134c994a9059e',
  private: undefined,
} as const;
export type TronNetwork = keyof typeof networks;

export type TronSendOptions = {
  readonly url: Secret;
  readonly apiKey: Secret | undefined;
  readonly network: TronNetwork;
  readonly mode: Mode;
  readonly usdtContract: string | undefined;
  /** Sun that a send may cost at most. */
  readonly feeCap: bigint;
};

/** Two hundred blocks: an outage of minutes is survived, and a send that will never be is known soon. */
const lifetimeMs = 600_000;
/** More than a transfer has, in bytes, with its signature and its result. */
const bytesMax = { native: 300n, token: 400n } as const;
/** Energy may rise between the estimate and the block, by fifths. */
const energyRoom = 6n;
const readAtOnce = 8;

type TronSlot = Extract<Slot, { family: 'tron' }>;
type Tools = {
  readonly rpc: TronRpc;
  readonly feeCap: bigint;
  readonly usdtContract: string | undefined;
  hexOf(address: string): string;
};

export async function tronSendChain(options: TronSendOptions): Promise<SendChain> {
  const { network, usdtContract } = options;
  const { TronWeb } = await import('tronweb');
  const rpc = tronRpc(options.url, options.apiKey);
  const hexOf = (address: string) => TronWeb.address.toHex(address).toLowerCase();
  const tools: Tools = { rpc, feeCap: options.feeCap, usdtContract, hexOf };
  return {
    chain: `tron-${network}`,
    mode: options.mode,
    family: 'tron',
    assets: usdtContract === undefined ? ['TRX'] : ['TRX', 'USDT_TRC20'],
    feeAsset: 'TRX',
    hasContract: () => false,
    async verify() {
      const [served, expected] = [(await rpc.blockAt('wallet', 0))?.hash, networks[network]];
      if (served === undefined || (expected !== undefined && served !== expected))
        throw refused(`the node's first block is ${served ?? 'none'}, which is not TRON_NETWORK ${network}`);
      if (usdtContract === undefined) return;
      const decimals = await rpc.decimalsOf(hexOf(usdtContract));
      if (decimals !== BigInt(assets.USDT_TRC20.scale))
        throw refused(`the contract at TRON_USDT_CONTRACT has ${decimals} decimals`);
    },
    async balanceOf(address, asset) {
      const held = (face: Face) => heldBy(tools, address, asset, face);
      return { final: await held('walletsolidity'), now: await held('wallet') };
    },
    canonical: (address) =>
      TronWeb.isAddress(address) ? TronWeb.address.fromHex(TronWeb.address.toHex(address)) : undefined,
    prepare: (send, wallet, taken) => prepare(tools, send, wallet, taken),
    bump: async () => undefined,
    broadcast: (bytes) => rpc.send(bytes),
    async statusOf(slot, _wallet, transactionIds): Promise<SlotStatus> {
      assert(slot.family === 'tron', 'a slot of another family');
      for (const face of ['walletsolidity', 'wallet'] as const)
        for (const id of transactionIds) {
          const info = await rpc.infoOf(face, id);
          if (info !== undefined) return inclusion(rpc, face, info);
        }
      if (await hasExpired(rpc, slot, transactionIds))
        return { type: 'impossible', reason: 'no solidified block has it, and they are past its expiration' };
      for (const id of transactionIds) if (await rpc.isPending(id)) return { type: 'pending' };
      return { type: 'unseen' };
    },
    stop: async () => undefined,
  };
}

async function heldBy({ rpc, usdtContract, hexOf }: Tools, address: string, asset: AssetCode, face: Face) {
  if (asset === 'TRX') return (await rpc.balanceOf(face, hexOf(address))) ?? 0n;
  assert(usdtContract !== undefined, 'a token without a contract');
  return rpc.tokensOf(face, hexOf(usdtContract), hexOf(address));
}

async function prepare(
  tools: Tools,
  send: SendTerms,
  wallet: SendWallet,
  taken: readonly TakenSlot[],
): Promise<Preparing> {
  const { rpc, usdtContract } = tools;
  const isNative = send.asset === 'TRX';
  const open = (asset: AssetCode) =>
    taken.flatMap(({ spends }) => spends).reduce((sum, one) => (one.asset === asset ? sum + one.amount : sum), 0n);
  // By the solidified state, which none of the open sends has changed.
  const held = (asset: AssetCode) => heldBy(tools, wallet.address, asset, 'walletsolidity');
  const tokens = isNative ? 0n : (await held(send.asset)) - open(send.asset);
  if (!isNative && tokens < send.amount) return { ok: false, refusal: 'insufficient_funds' };
  const cost = await costOf(tools, send, wallet);
  const cap = send.feeCap !== null && send.feeCap < tools.feeCap ? send.feeCap : tools.feeCap;
  const now = cost.other + cost.feeLimit;
  if (now > cap) return { ok: false, refusal: 'fee_too_high' };
  // Who asks what it would be is told half more: prices may rise until it is prepared.
  const later = (now * 3n) / 2n;
  const maxFee = send.feeCap !== null ? now : later < cap ? later : cap;
  const trx = (await held('TRX')) - open('TRX') - maxFee;
  if (trx < (isNative ? send.amount : 0n)) return { ok: false, refusal: 'insufficient_funds' };
  const slot = await freshSlot(rpc, taken);
  const { refBlockBytes, refBlockHash, expiration, timestamp } = slot;
  const paid = { to: send.toAddress, amount: send.amount.toString() };
  const payment = isNative ? { type: 'native', ...paid } : { type: 'trc20', token: usdtContract, ...paid };
  const transaction = {
    refBlockBytes,
    refBlockHash,
    expiration,
    timestamp,
    feeLimit: cost.feeLimit.toString(),
    payment,
  };
  return { ok: true, prepared: { transaction, slot, maxFee } };
}

/** In sun: what a contract may burn, and what the bytes and a new account of the recipient may cost besides. */
async function costOf({ rpc, usdtContract, hexOf }: Tools, send: SendTerms, wallet: SendWallet) {
  const { perByte, perEnergy, newAccount, newAccountBytes } = await rpc.feeParameters();
  const to = hexOf(send.toAddress);
  if (send.asset === 'TRX') {
    const isNew = (await rpc.balanceOf('wallet', to)) === undefined;
    return { feeLimit: 0n, other: bytesMax.native * perByte + (isNew ? newAccount + newAccountBytes : 0n) };
  }
  assert(usdtContract !== undefined, 'a token without a contract');
  const energy = await rpc.energyFor(hexOf(usdtContract), hexOf(wallet.address), to, send.amount);
  return { feeLimit: (energy * perEnergy * energyRoom) / 5n, other: bytesMax.token * perByte };
}

/** A moment that no open send of the wallet has: two equal payments at one moment would be one transaction. */
async function freshSlot(rpc: TronRpc, taken: readonly TakenSlot[]): Promise<TronSlot> {
  const used = new Set(taken.map(({ slot }) => (slot.family === 'tron' ? slot.timestamp : 0)));
  const [solid, newest] = [await rpc.newest('walletsolidity'), await rpc.newest('wallet')];
  if (newest.number < solid.number) throw contradiction('the newest block is below the solidified');
  let { timestamp } = newest;
  while (used.has(timestamp)) timestamp++;
  return {
    family: 'tron',
    // The number's last two bytes, and the middle of the id (TAPOS).
    refBlockBytes: (solid.number & 0xffff).toString(16).padStart(4, '0'),
    refBlockHash: solid.hash.slice(16, 32),
    expiration: newest.timestamp + lifetimeMs,
    timestamp,
    sinceBlock: solid.number,
  };
}

async function inclusion(rpc: TronRpc, face: Face, info: ToldInfo): Promise<SlotStatus> {
  const block = await rpc.blockAt(face, info.blockNumber);
  if (block?.transactionIds.includes(info.id) !== true)
    throw contradiction(`block ${info.blockNumber} does not have ${info.id}`);
  const hasEffect = info.contract_address === undefined || isEffective(info);
  return {
    type: 'included',
    transactionId: info.id,
    blockNumber: block.number,
    blockHash: block.hash,
    final: face === 'walletsolidity',
    succeeded: info.result !== 'FAILED' && hasEffect,
    fee: info.fee ?? 0n,
    gasUsed: null,
    gasPrice: null,
  };
}

/**
 * Of a token's transfer. The pinned contract logs each that succeeds, and what is taken for a failure is paid again: so that an
 * index which leaves out the result, or the log, is waited for.
 */
function isEffective({ id, receipt, log = [] }: ToldInfo): boolean {
  if (receipt?.result === undefined) throw contradiction(`the info of ${id} comes without its result`);
  if (receipt.result === 'SUCCESS' && log.length === 0) throw contradiction(`the info of ${id} comes without its log`);
  return receipt.result === 'SUCCESS';
}

/**
 * True when none of these transactions is, or ever will be, in a solidified block. A block takes what expires after its
 * parent, so the first that is not before the expiration is the last that could have it.
 */
async function hasExpired(rpc: TronRpc, slot: TronSlot, transactionIds: readonly string[]): Promise<boolean> {
  const newest = await rpc.newest('walletsolidity');
  if (newest.timestamp < slot.expiration) return false;
  let previous = await rpc.blockAt('walletsolidity', slot.sinceBlock);
  if (previous?.hash.slice(16, 32) !== slot.refBlockHash) throw contradiction('the block referred to is not there');
  while (previous.timestamp < slot.expiration) {
    const numbers = Array.from({ length: readAtOnce }, (_, at) => previous!.number + 1 + at);
    const within = numbers.filter((number) => number <= newest.number);
    for (const block of await Promise.all(within.map((number) => rpc.blockAt('walletsolidity', number)))) {
      if (block?.parentHash !== previous.hash) throw contradiction('solidified blocks are not linked');
      const known = transactionIds.find((id) => block.transactionIds.includes(id));
      if (known !== undefined) throw contradiction(`${known} is in a block, but the node does not know it`);
      previous = block;
    }
    if (within.length === 0) return false;
  }
  return true;
}

/** The node is not of what is configured: asking again changes nothing. */
const refused = (detail: string) => new OperationalError('upstream_unavailable', false, { detail });
