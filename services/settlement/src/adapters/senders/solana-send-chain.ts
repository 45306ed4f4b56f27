/**
 * Sends of SOL and one pinned SPL token. The slot is a blockhash, of which a wallet's open sends each have their own:
 * two equal payments with one blockhash would be one transaction. A transaction with a blockhash cannot be replaced, since
 * both could be included, so a fee never rises; instead it expires (`solana-expiry.ts`), and is impossible once that is
 * final. A recipient without an account for the token is given one, whose rent is part of the fee.
 */
import { assert, OperationalError } from '@daybook/core';
import type { Mode } from '@daybook/contracts';
import { contradiction } from '@daybook/http';
import { assets, type AssetCode } from '@daybook/money';
import type { Secret } from '@daybook/runtime';
import type * as Solana from '@solana/web3.js' with { 'resolution-mode': 'import' };
import type { Prepared, Preparing, SendChain, SendTerms, SendWallet, SlotStatus, TakenSlot } from '../../ports';
import { blockhashLifetime, hasExpired } from './solana-expiry';
import { solanaRpc, type Commitment, type SolanaRpc, type ToldHeader, type ToldTransaction } from './solana-rpc';

/** Genesis hashes of the public clusters. Of a local one it is not known. */
const clusters = {
  mainnet: '5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d',
  testnet: '4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY',
  devnet: 'EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG',
  local: undefined,
} as const;
export type SolanaCluster = keyof typeof clusters;

export type SolanaSendOptions = {
  readonly url: Secret;
  readonly cluster: SolanaCluster;
  readonly mode: Mode;
  readonly usdtMint: string | undefined;
  /** Lamports that a send may cost at most, the rent of a recipient's token account included. */
  readonly feeCap: bigint;
};

const tokenProgram = 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA';
const associatedTokenProgram = 'ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL';
const tokenAccountLength = 165;
const signatureFee = 5_000n;
/** Units of computing: three native instructions; or these, a new account at a searched address, and a transfer. */
const unitsOf = { native: 1_000, token: 120_000 } as const;
/** Beyond this a price is no price: a fee of 1.2 SOL for a transfer of a token. */
const priceMax = 10_000_000_000n;
/** Blockhashes older than that leave too little time. */
const blockhashesMax = 60;
/** Of the priority fee that is told now: room for what it is when the send is prepared. */
const feeRoom = 3n;

type Tools = {
  readonly rpc: SolanaRpc;
  readonly usdtMint: string | undefined;
  readonly feeCap: bigint;
  accountOf(owner: string): string;
};

export async function solanaSendChain(options: SolanaSendOptions): Promise<SendChain> {
  const { url, cluster, usdtMint } = options;
  const library = await import('@solana/web3.js');
  const rpc = solanaRpc(url);
  const accountOf = (owner: string) => tokenAccountOf(library, owner, usdtMint);
  const tools: Tools = { rpc, usdtMint, feeCap: options.feeCap, accountOf };
  return {
    chain: `solana-${cluster}`,
    mode: options.mode,
    family: 'solana',
    assets: usdtMint === undefined ? ['SOL'] : ['SOL', 'USDT_SOL'],
    feeAsset: 'SOL',
    hasContract: () => false,
    async verify() {
      const [served, expected] = [await rpc.genesisHash(), clusters[cluster]];
      if (expected !== undefined && served !== expected)
        throw refused(`the node's genesis is ${served}, which is not SOLANA_CLUSTER ${cluster}`);
      if (usdtMint !== undefined) await verifyMint(rpc, usdtMint);
    },
    async balanceOf(address, asset) {
      const held = (commitment: Commitment) => heldBy(tools, address, asset, commitment);
      return { final: await held('finalized'), now: await held('confirmed') };
    },
    canonical: (address) => payable(library, address),
    prepare: (send, wallet, taken) => prepare(tools, send, wallet, taken),
    bump: async () => undefined,
    broadcast: (bytes) => rpc.send(Buffer.from(bytes, 'hex')),
    async statusOf(slot, _wallet, transactionIds): Promise<SlotStatus> {
      assert(slot.family === 'solana', 'a slot of another family');
      const included = await inclusionOf(rpc, transactionIds);
      if (included !== undefined) return included;
      return (await hasExpired(rpc, slot, transactionIds))
        ? { type: 'impossible', reason: `no final block has it, and block ${slot.lastValidBlockHeight} is past` }
        : { type: 'unseen' };
    },
    stop: async () => undefined,
  };
}

async function verifyMint(rpc: SolanaRpc, usdtMint: string): Promise<void> {
  const mint = await rpc.mint(usdtMint);
  if (mint?.program !== tokenProgram || mint.decimals !== assets.USDT_SOL.scale)
    throw refused(
      `the mint at SOLANA_USDT_MINT is of ${mint?.program ?? 'no program'} with ${mint?.decimals ?? 'no'} decimals`,
    );
}

/** A key on the curve in its one spelling: what is off the curve is a program's, and nobody has its key. */
function payable({ PublicKey }: typeof Solana, address: string): string | undefined {
  try {
    const key = new PublicKey(address);
    return PublicKey.isOnCurve(key.toBytes()) && key.toBase58() === address ? address : undefined;
  } catch {
    return undefined;
  }
}

function tokenAccountOf({ PublicKey }: typeof Solana, owner: string, mint: string | undefined): string {
  assert(mint !== undefined, 'a token without a mint');
  const seeds = [owner, tokenProgram, mint].map((key) => new PublicKey(key).toBytes());
  return PublicKey.findProgramAddressSync(seeds, new PublicKey(associatedTokenProgram))[0].toBase58();
}

function heldBy({ rpc, accountOf }: Tools, address: string, asset: AssetCode, commitment: Commitment): Promise<bigint> {
  return asset === 'SOL' ? rpc.lamportsOf(address, commitment) : rpc.tokensIn(accountOf(address), commitment);
}

async function prepare(
  tools: Tools,
  send: SendTerms,
  wallet: SendWallet,
  taken: readonly TakenSlot[],
): Promise<Preparing> {
  const { rpc, usdtMint, accountOf } = tools;
  const isNative = send.asset === 'SOL';
  const createAccount = !isNative && (await rpc.accountOf(accountOf(send.toAddress), 'confirmed')) === undefined;
  const units = isNative ? unitsOf.native : unitsOf.token;
  const least = signatureFee + (createAccount ? await rpc.rentOf(tokenAccountLength) : 0n);
  const cap = send.feeCap !== null && send.feeCap < tools.feeCap ? send.feeCap : tools.feeCap;
  if (least > cap) return { ok: false, refusal: 'fee_too_high' };
  const price = lesser(priceOf(await rpc.priorityFees(wallet.address)), ((cap - least) * 1_000_000n) / BigInt(units));
  const priority = (price * BigInt(units) + 999_999n) / 1_000_000n;
  const maxFee = send.feeCap === null ? lesser(least + priority * feeRoom, cap) : least + priority;
  const refusal = await refusalOf(tools, send, wallet, { taken, maxFee });
  if (refusal !== undefined) return { ok: false, refusal };
  const { slot, header } = await freshBlock(rpc, taken);
  const payment = isNative
    ? { type: 'native', to: send.toAddress, amount: send.amount.toString() }
    : { type: 'token', mint: usdtMint, to: send.toAddress, amount: send.amount.toString(), createAccount };
  const lifetime = { type: 'blockhash', blockhash: header.blockhash };
  const prepared: Prepared = {
    transaction: { lifetime, computeUnitLimit: units, computeUnitPrice: price.toString(), payment },
    slot: {
      family: 'solana',
      recentBlockhash: header.blockhash,
      lastValidBlockHeight: header.blockHeight + blockhashLifetime,
      sinceSlot: slot,
    },
    maxFee,
  };
  return { ok: true, prepared };
}

/** The wallet keeps the rent of an account, so that it does not vanish; a new account of a recipient needs as much. */
async function refusalOf(
  { rpc, accountOf }: Tools,
  send: SendTerms,
  wallet: SendWallet,
  { taken, maxFee }: { readonly taken: readonly TakenSlot[]; readonly maxFee: bigint },
): Promise<'insufficient_funds' | 'not_payable' | undefined> {
  const open = (asset: AssetCode) =>
    taken.flatMap(({ spends }) => spends).reduce((sum, one) => (one.asset === asset ? sum + one.amount : sum), 0n);
  const rent = await rpc.rentOf(0);
  const isNative = send.asset === 'SOL';
  // By the final state, which none of the open sends has changed.
  const lamports = (await rpc.lamportsOf(wallet.address, 'finalized')) - open('SOL') - maxFee - rent;
  if (lamports < (isNative ? send.amount : 0n)) return 'insufficient_funds';
  if (!isNative) {
    const tokens = (await rpc.tokensIn(accountOf(wallet.address), 'finalized')) - open(send.asset);
    return tokens < send.amount ? 'insufficient_funds' : undefined;
  }
  const held = await rpc.lamportsOf(send.toAddress, 'confirmed');
  // So little would cost the recipient's account more than it brings: the runtime refuses it.
  return held + send.amount < rent ? 'not_payable' : undefined;
}

/** The newest final block whose hash no open send has. With the hash of a block that a fork drops nothing is included. */
async function freshBlock(
  rpc: SolanaRpc,
  taken: readonly TakenSlot[],
): Promise<{ readonly slot: number; readonly header: ToldHeader }> {
  const used = new Set(taken.map(({ slot }) => (slot.family === 'solana' ? slot.recentBlockhash : '')));
  let slot = await rpc.newestSlot('finalized');
  for (let looked = 0; looked < blockhashesMax; looked++) {
    const header = await rpc.header(slot, 'finalized');
    if (header === undefined) throw contradiction(`slot ${slot} has no block`);
    if (!used.has(header.blockhash)) return { slot, header };
    slot = header.parentSlot;
  }
  throw contradiction('every recent blockhash has an open send; a newer one is coming');
}

/** The middle of what recent transactions paid. Throws for what is no price. */
export function priceOf(told: readonly bigint[]): bigint {
  const paid = told.filter((price) => price > 0n).toSorted((a, b) => (a < b ? -1 : 1));
  const price = paid[Math.floor(paid.length / 2)] ?? 0n;
  if (price < 0n || price > priceMax) throw contradiction(`a priority fee of ${price} is none`);
  return price;
}

async function inclusionOf(rpc: SolanaRpc, ids: readonly string[]): Promise<SlotStatus | undefined> {
  const told = await rpc.statuses(ids);
  const at = told.findIndex((status) => status !== null && status.confirmationStatus !== 'processed');
  const id = ids[at];
  if (id === undefined) return undefined;
  for (const commitment of ['finalized', 'confirmed'] as const) {
    const transaction = await rpc.transaction(id, commitment);
    if (transaction === null) continue;
    const header = await rpc.header(transaction.slot, commitment);
    if (header === undefined) throw contradiction(`slot ${transaction.slot} has ${id}, and no block`);
    const block = { blockNumber: transaction.slot, blockHash: header.blockhash, final: commitment === 'finalized' };
    const succeeded = transaction.meta.err === null;
    const cost = { fee: costOf(transaction.meta), gasUsed: null, gasPrice: null };
    return { type: 'included', transactionId: id, ...block, succeeded, ...cost };
  }
  return undefined;
}

/** Its fee, and the rent that it put into accounts of tokens which were not there before. */
function costOf({
  fee,
  preBalances,
  postBalances,
  preTokenBalances,
  postTokenBalances,
}: ToldTransaction['meta']): bigint {
  const before = new Set(preTokenBalances?.map(({ accountIndex }) => accountIndex));
  const opened = (postTokenBalances ?? []).filter(({ accountIndex }) => !before.has(accountIndex));
  const rent = opened.map(({ accountIndex: at }) => (postBalances[at] ?? 0n) - (preBalances[at] ?? 0n));
  return rent.reduce((sum, lamports) => sum + lamports, fee);
}

const lesser = (a: bigint, b: bigint) => (a < b ? a : b);

/** The node is not of what is configured: asking again changes nothing. */
const refused = (detail: string) => new OperationalError('upstream_unavailable', false, { detail });
