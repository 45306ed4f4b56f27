/**
 * A raw Bitcoin block, read and proven by itself: its hash is the hash of its header, and its transactions are those of
 * its header's Merkle root, with the witnesses that the first of them commits to. A node can withhold a block, but not put a
 * payment into it or leave one out, nor hide by whose key an output was spent.
 * Format: developer.bitcoin.org/reference/block_chain.html; transactions with witnesses: BIP-141 and BIP-144.
 */
import { createHash } from 'node:crypto';

export type BitcoinOutput = { readonly value: bigint; readonly script: Buffer };
export type BitcoinTransaction = {
  readonly id: string;
  readonly isCoinbase: boolean;
  readonly outputs: readonly BitcoinOutput[];
  /**
   * The public keys of inputs that are signed as outputs of type P2WPKH are: by nothing but a signature and the key. All that
   * spend such an output are here; who mimics one, with a script of his own, has to know the key.
   */
  readonly spendingKeys: readonly Buffer[];
};
export type BitcoinBlock = {
  readonly hash: string;
  readonly parentHash: string;
  readonly transactions: readonly BitcoinTransaction[];
};

const headerLength = 80;
/** What a coinbase spends: no transaction's output (Bitcoin Core: COutPoint::IsNull). */
const nothing = Buffer.concat([Buffer.alloc(32), Buffer.alloc(4, 0xff)]);
/** How the output of a coinbase begins that commits to the witnesses of its block, and where their hash ends (BIP-141). */
const commitmentHeader = Buffer.from('6a24aa21a9ed', 'hex');
const commitmentLength = 38;
/** A signature in DER begins so; a compressed key has this length. */
const derSequence = 0x30;
const keyLength = 33;

/** Throws RangeError when the bytes are not one whole block that its header proves. */
export function readBitcoinBlock(raw: Buffer): BitcoinBlock {
  const header = raw.subarray(0, headerLength);
  if (header.length !== headerLength) throw new RangeError('no whole header');
  const reader = byteReader(raw, headerLength);
  const transactions = Array.from({ length: reader.count() }, () => readTransaction(reader));
  if (!reader.isAtEnd()) throw new RangeError('bytes after the last transaction');
  // Transactions of 64 bytes could be inner nodes of the Merkle tree in disguise, or these be shown as transactions
  // (CVE-2017-12842). Such transactions are valid, and under a coinbase the disguise costs 224 bits of work: as Bitcoin
  // Core's IsBlockMutated, which looks at lengths only where the first is no coinbase. A valid block begins with one.
  if (!transactions[0]?.isCoinbase) throw new RangeError('no coinbase first');
  const ids = transactions.map(({ digest }) => digest);
  // Repeating the last transactions leaves the root as it is (CVE-2012-2459).
  if (new Set(ids.map((id) => id.toString('hex'))).size !== ids.length) throw new RangeError('a transaction twice');
  if (!merkleRoot(ids).equals(header.subarray(36, 68))) throw new RangeError('other transactions than the header says');
  proveWitnesses(transactions);
  return {
    hash: displayed(doubleHash(header)),
    parentHash: displayed(header.subarray(4, 36)),
    transactions: transactions.map(({ digest, isCoinbase, outputs, inputs }) => ({
      id: displayed(digest),
      isCoinbase,
      outputs,
      spendingKeys: inputs.flatMap(spendingKeyOf),
    })),
  };
}

/** Ids leave witnesses out: a node could change them, or serve a block without any. */
function proveWitnesses(transactions: readonly Transaction[]): void {
  const [coinbase] = transactions;
  const commitment = coinbase!.outputs.findLast(
    ({ script }) => script.length >= commitmentLength && script.indexOf(commitmentHeader) === 0,
  )?.script;
  if (commitment === undefined) {
    if (transactions.some(({ inputs }) => inputs.some(({ witness }) => witness.length > 0)))
      throw new RangeError('witnesses that nothing commits to');
    return;
  }
  // The coinbase cannot commit to itself.
  const digests = transactions.map(({ witnessDigest }, place) => (place === 0 ? Buffer.alloc(32) : witnessDigest));
  const reserved = coinbase!.inputs[0]!.witness[0] ?? Buffer.alloc(0);
  const proven = doubleHash(Buffer.concat([merkleRoot(digests), reserved]));
  if (!proven.equals(commitment.subarray(commitmentHeader.length, commitmentLength)))
    throw new RangeError('other witnesses than the coinbase says');
}

function spendingKeyOf({ script, witness: [signature, key, ...more] }: Input): readonly Buffer[] {
  const isSigned = script.length === 0 && signature?.[0] === derSequence && more.length === 0;
  return isSigned && key?.length === keyLength ? [key] : [];
}

type Reader = ReturnType<typeof byteReader>;

function byteReader(raw: Buffer, start: number) {
  let at = start;
  const take = (length: number): Buffer => {
    if (at + length > raw.length) throw new RangeError('the block ends too early');
    at += length;
    return raw.subarray(at - length, at);
  };
  const count = (): number => {
    const [first] = take(1);
    if (first! < 0xfd) return first!;
    if (first === 0xfd) return take(2).readUInt16LE();
    if (first === 0xfe) return take(4).readUInt32LE();
    throw new RangeError('a count that no block holds');
  };
  return {
    take,
    count,
    at: () => at,
    peek: (offset: number) => raw[at + offset],
    isAtEnd: () => at === raw.length,
    raw,
  };
}

type Input = { readonly script: Buffer; readonly witness: readonly Buffer[] };
type Transaction = ReturnType<typeof readTransaction>;

function readTransaction(reader: Reader) {
  const begin = reader.at();
  const version = reader.take(4);
  // No inputs and one flag: a transaction with witnesses, which its id leaves out.
  const hasWitnesses = reader.peek(0) === 0 && reader.peek(1) === 1;
  if (hasWitnesses) reader.take(2);
  const bodyBegin = reader.at();
  const spent = Array.from({ length: reader.count() }, () => {
    const outpoint = reader.take(36);
    const script = reader.take(reader.count());
    reader.take(4);
    return { outpoint, script };
  });
  const outputs = Array.from({ length: reader.count() }, (): BitcoinOutput => {
    const value = reader.take(8).readBigUInt64LE();
    return { value, script: reader.take(reader.count()) };
  });
  const body = reader.raw.subarray(bodyBegin, reader.at());
  const inputs = spent.map(({ script }): Input => {
    const items = hasWitnesses ? reader.count() : 0;
    return { script, witness: Array.from({ length: items }, () => reader.take(reader.count())) };
  });
  const lockTime = reader.take(4);
  return {
    digest: doubleHash(Buffer.concat([version, body, lockTime])),
    witnessDigest: doubleHash(reader.raw.subarray(begin, reader.at())),
    isCoinbase: spent.length === 1 && spent[0]!.outpoint.equals(nothing),
    inputs,
    outputs,
  };
}

function merkleRoot(leaves: readonly Buffer[]): Buffer {
  let level = leaves;
  if (level.length === 0) throw new RangeError('no transactions');
  while (level.length > 1)
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, pair) =>
      doubleHash(Buffer.concat([level[2 * pair]!, level[2 * pair + 1] ?? level[2 * pair]!])),
    );
  return level[0]!;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const doubleHash = (bytes: Uint8Array) => sha256(sha256(bytes));
/** Hashes are shown in the reverse order of their bytes. */
const displayed = (hash: Buffer) => Buffer.from(hash).reverse().toString('hex');
