/**
 * Solana: SOL to an address, or a listed token to the associated account of its owner. Two transactions of a send could both
 * be included, so none replaces another. A durable nonce would exclude that, but what is told to be one may be a recent
 * blockhash: a validator looks for it there first, and all that have it are included.
 */
import { assert } from '@daybook/core';
import { assets, type AssetCode } from '@daybook/money';
import { deriveEd25519 } from '@daybook/runtime';
import type { Keypair, PublicKey, TransactionInstruction } from '@solana/web3.js' with { 'resolution-mode': 'import' };
import type { FamilyKeys, ReadingOutcome } from '../ports';
import type { SolanaTransaction } from '../transactions';
import { solanaPath } from './key-paths';

/** Assets by their mints. */
export type SolanaChain = { readonly tokens: ReadonlyMap<string, AssetCode> };

const tokenProgram = 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA';
const associatedTokenProgram = 'ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL';
/** Instruction numbers of these two programs. */
const transferChecked = 12;
const createIdempotent = 1;
/** A u64 is the largest that a transfer can say. */
const unitsMax = 2n ** 64n - 1n;

export function solanaKeys(seed: Buffer, chain: SolanaChain): FamilyKeys<SolanaTransaction> {
  const known = new Map<number, Keypair>();
  const keyAt = async (index: number) => {
    const { Keypair: Pair } = await import('@solana/web3.js');
    const key = known.get(index) ?? Pair.fromSeed(new Uint8Array(deriveEd25519(seed, solanaPath(index)).key));
    known.set(index, key);
    return key;
  };
  return {
    async walletOf(index) {
      const { publicKey } = await keyAt(index);
      return { address: publicKey.toBase58(), publicKey: Buffer.from(publicKey.toBytes()).toString('hex') };
    },
    async read(index, transaction) {
      return readSolana(transaction, chain, index, (await keyAt(index)).publicKey.toBase58());
    },
    async sign(index, transaction) {
      const [{ Transaction }, { encodeBase58 }] = await Promise.all([import('@solana/web3.js'), import('ethers')]);
      const key = await keyAt(index);
      const { blockhash } = transaction.lifetime;
      const unsigned = new Transaction();
      unsigned.feePayer = key.publicKey;
      unsigned.recentBlockhash = blockhash;
      const instructions = await instructionsOf(transaction, key.publicKey, chain);
      unsigned.add(...instructions);
      unsigned.sign(key);
      const bytes = unsigned.serialize();
      await expectSaysTheSame(bytes, blockhash, key.publicKey, instructions);
      assert(unsigned.signature, 'a signed transaction has a signature');
      return { transactionId: encodeBase58(unsigned.signature), bytes: bytes.toString('hex') };
    },
  };
}

async function readSolana(
  { lifetime, payment }: SolanaTransaction,
  chain: SolanaChain,
  index: number,
  own: string,
): Promise<ReadingOutcome> {
  const { to, amount } = payment;
  const areKeys = (await Promise.all([to, lifetime.blockhash].map(isKey))).every((is) => is);
  if (!areKeys || to === own || amount <= 0n || amount > unitsMax) return { ok: false, refusal: 'transaction_invalid' };
  const isNative = payment.type === 'native';
  const asset = isNative ? 'SOL' : chain.tokens.get(payment.mint);
  if (asset === undefined) return { ok: false, refusal: 'contract_not_allowed' };
  const way = isNative ? 'native' : payment.mint;
  // What the bytes follow from: were it the same for two sends, they would be one transaction.
  const slot = `solana/${index}/${lifetime.blockhash}/${to}/${asset}/${amount}`;
  return { ok: true, reading: { to, asset, amount, way, slots: [slot], exclusive: false } };
}

/** Whether it is 32 bytes in their one base58 spelling. */
async function isKey(text: string): Promise<boolean> {
  const { PublicKey: Key } = await import('@solana/web3.js');
  try {
    return new Key(text).toBase58() === text;
  } catch {
    return false;
  }
}

async function instructionsOf(
  { payment, computeUnitLimit, computeUnitPrice }: SolanaTransaction,
  own: PublicKey,
  chain: SolanaChain,
): Promise<TransactionInstruction[]> {
  const { ComputeBudgetProgram, PublicKey: Key, SystemProgram } = await import('@solana/web3.js');
  const to = new Key(payment.to);
  const budget = [
    ComputeBudgetProgram.setComputeUnitLimit({ units: computeUnitLimit }),
    ComputeBudgetProgram.setComputeUnitPrice({ microLamports: computeUnitPrice }),
  ];
  const pay =
    payment.type === 'native'
      ? [SystemProgram.transfer({ fromPubkey: own, toPubkey: to, lamports: payment.amount })]
      : await tokenTransfer(payment, own, to, chain);
  return [...budget, ...pay];
}

async function tokenTransfer(
  payment: Extract<SolanaTransaction['payment'], { type: 'token' }>,
  own: PublicKey,
  to: PublicKey,
  chain: SolanaChain,
): Promise<TransactionInstruction[]> {
  const { PublicKey: Key, SystemProgram, TransactionInstruction: Instruction } = await import('@solana/web3.js');
  const [token, associated, mint] = [tokenProgram, associatedTokenProgram, payment.mint].map((key) => new Key(key));
  const asset = chain.tokens.get(payment.mint);
  assert(token && associated && mint && asset, 'a listed mint');
  const accountOf = (owner: PublicKey) =>
    Key.findProgramAddressSync([owner.toBytes(), token.toBytes(), mint.toBytes()], associated)[0];
  const [from, target] = [accountOf(own), accountOf(to)];
  const key = (pubkey: PublicKey, isSigner: boolean, isWritable: boolean) => ({ pubkey, isSigner, isWritable });
  const create = new Instruction({
    programId: associated,
    keys: [
      key(own, true, true),
      key(target, false, true),
      key(to, false, false),
      key(mint, false, false),
      key(SystemProgram.programId, false, false),
      key(token, false, false),
    ],
    data: Buffer.from([createIdempotent]),
  });
  const data = Buffer.alloc(10);
  data.writeUInt8(transferChecked, 0);
  data.writeBigUInt64LE(payment.amount, 1);
  // A mint with other decimals than the asset's refuses the transfer.
  data.writeUInt8(assets[asset].scale, 9);
  const transfer = new Instruction({
    programId: token,
    keys: [key(from, false, true), key(mint, false, false), key(target, false, true), key(own, true, false)],
    data,
  });
  return payment.createAccount ? [create, transfer] : [transfer];
}

/** From the bytes alone: a fault of an encoder must not pay. */
async function expectSaysTheSame(
  bytes: Uint8Array,
  blockhash: string,
  own: PublicKey,
  instructions: readonly TransactionInstruction[],
): Promise<void> {
  const { Transaction } = await import('@solana/web3.js');
  const said = Transaction.from(bytes);
  assert(said.verifySignatures(), 'the signatures do not fit the bytes');
  assert(said.feePayer?.equals(own) === true && said.signatures.length === 1, 'the wallet alone signs and pays');
  assert(said.recentBlockhash === blockhash, 'the bytes say another blockhash');
  assert(said.instructions.length === instructions.length, 'the bytes say other instructions');
  for (const [at, { programId, keys, data }] of instructions.entries()) {
    const is = said.instructions[at];
    assert(is?.programId.equals(programId) === true, `instruction ${at} is of another program`);
    assert(Buffer.from(is.data).equals(Buffer.from(data)), `instruction ${at} says something else`);
    assert(is.keys.map(({ pubkey }) => pubkey).join() === keys.map(({ pubkey }) => pubkey).join(), `accounts of ${at}`);
  }
}
