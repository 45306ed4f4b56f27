/**
 * Who spent a coin, read in raw blocks from the moment on at which it was chosen. A node that leaves something out can only
 * delay an answer: what is told is in a block, with the bytes that spend and the root that the block's header has of them.
 */
import { contradiction } from '@daybook/http';
import type * as Bitcoin from '@scure/btc-signer';
import { createHash } from 'node:crypto';
import type { BitcoinWalletNode } from './bitcoin-wallet-nodes';

export type Outpoint = { readonly txid: string; readonly vout: number };
export type ReadTransaction = {
  readonly txid: string;
  readonly inputs: readonly Outpoint[];
  readonly outputs: readonly { readonly amount: bigint; readonly script: Uint8Array }[];
};
export type Spender = {
  readonly transaction: ReadTransaction;
  readonly height: number;
  readonly blockHash: string;
  /** Blocks from its own to the newest that were read, both counted. */
  readonly depth: number;
};

const headerLength = 80;
/** Raw blocks that are kept for the slots that will ask for them too. */
const keptBlocks = 12;
/** Slots whose reading goes on where it ended. */
const keptReadings = 5_000;

type Found = Omit<Spender, 'depth'>;
type Reading = { readonly height: number; readonly hash: string; readonly found: Found | undefined };
export type Library = typeof Bitcoin;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const doubleHash = (bytes: Uint8Array) => sha256(sha256(bytes));
/** Hashes are shown in the reverse order of their bytes. */
const shownHash = (bytes: Uint8Array) => doubleHash(bytes).reverse().toString('hex');
/** Where a header has the root of its transactions. */
const rootPlace = [36, 68] as const;
/** And that of the block before. */
const parentPlace = [4, 36] as const;

/** Bytes that are none are an answer that cannot be, as any other that a node gives. */
export function readTransaction({ RawTx }: Library, raw: Uint8Array): ReadTransaction {
  return told('what the node tells as a transaction is none', () => shown(RawTx, RawTx.decode(raw)));
}

/** What a reader throws over bytes of a node is the node's failure, not one of this program. */
function told<Read>(detail: string, read: () => Read): Read {
  try {
    return read();
  } catch {
    throw contradiction(detail);
  }
}

function shown(RawTx: Library['RawTx'], tx: ReturnType<Library['RawTx']['decode']>): ReadTransaction {
  // The id leaves the witnesses out (BIP-141).
  const stripped = RawTx.encode({ ...tx, segwitFlag: false, witnesses: undefined });
  return {
    txid: shownHash(stripped),
    inputs: tx.inputs.map(({ txid, index }) => ({ txid: Buffer.from(txid).toString('hex'), vout: index })),
    outputs: tx.outputs.map(({ amount, script }) => ({ amount, script })),
  };
}

export function spenders(library: Library, node: BitcoinWalletNode) {
  const blocks = new Map<string, Promise<Buffer>>();
  const readings = new Map<string, Reading>();

  async function load(hash: string): Promise<Buffer> {
    const raw = await node.rawBlock(hash);
    if (raw === undefined || shownHash(raw.subarray(0, headerLength)) !== hash)
      throw contradiction(`the node does not have block ${hash}`);
    return raw;
  }
  function blockOf(hash: string): Promise<Buffer> {
    const known = blocks.get(hash);
    if (known !== undefined) return known;
    const loading = load(hash);
    blocks.set(hash, loading);
    loading.catch(() => blocks.delete(hash));
    limit(blocks, keptBlocks);
    return loading;
  }

  function spenderIn(raw: Buffer, coins: readonly Outpoint[]): ReadTransaction | undefined {
    // To read a whole block takes long; to look for 36 bytes in it does not.
    if (!coins.some((coin) => raw.includes(wireOf(coin)))) return undefined;
    const wanted = new Set(coins.map(nameOf));
    const transactions = told('a block of the node cannot be read', () => transactionsOf(library, raw));
    proveTransactions(raw, transactions);
    return transactions.find(({ inputs }) => inputs.some((input) => wanted.has(nameOf(input))));
  }

  /** Where to go on: at the block that was read last, or at the one with the spender, if that is still the node's. */
  async function standing(name: string): Promise<Reading | undefined> {
    const before = readings.get(name);
    if (before === undefined) return undefined;
    if ((await node.hashAt(before.height)) === before.hash) return before;
    const { found } = before;
    if (found === undefined || (await node.hashAt(found.height)) !== found.blockHash) return undefined;
    return { height: found.height, hash: found.blockHash, found };
  }

  /**
   * The transaction of the newest chain that spends one of the coins, in a block above `above`. A node may say of itself that
   * it is far ahead: what is on top of the spender is read, and linked, until it is `enough` deep.
   */
  return async function spenderOf(coins: readonly Outpoint[], above: number, enough: number) {
    const name = `${above} ${coins.map(nameOf).join(' ')}`;
    const head = await node.head();
    let reading = await standing(name);
    for (let height = (reading?.height ?? above) + 1; height <= head && depthIn(reading) < enough; height++) {
      const hash = await node.hashAt(height);
      if (hash === undefined) break;
      const raw = await blockOf(hash);
      // What was replaced below while this was read may have the spender by now, and would not be looked at again.
      if (reading !== undefined) requireLink(raw, reading.hash, height);
      const transaction = reading?.found === undefined ? spenderIn(raw, coins) : undefined;
      const found = transaction && { transaction, height, blockHash: hash };
      reading = { height, hash, found: reading?.found ?? found };
    }
    readings.delete(name);
    if (reading !== undefined) readings.set(name, reading);
    limit(readings, keptReadings);
    return reading?.found && ({ ...reading.found, depth: depthIn(reading) } satisfies Spender);
  };
}

/** Zero while there is no spender. */
function depthIn(reading: Reading | undefined): number {
  return reading?.found === undefined ? 0 : reading.height - reading.found.height + 1;
}

function requireLink(raw: Buffer, below: string, height: number): void {
  const parent = Buffer.from(raw.subarray(...parentPlace)).reverse();
  if (parent.toString('hex') !== below)
    throw contradiction(`blocks ${height - 1} and ${height} of the node are not linked`);
}

const nameOf = ({ txid, vout }: Outpoint) => `${txid}:${vout}`;

/** As an input spells it. */
function wireOf({ txid, vout }: Outpoint): Buffer {
  const place = Buffer.alloc(4);
  place.writeUInt32LE(vout);
  return Buffer.concat([Buffer.from(txid, 'hex').reverse(), place]);
}

function transactionsOf({ RawTx, CompactSize }: Library, raw: Buffer): readonly ReadTransaction[] {
  const count = CompactSize.decode(raw.subarray(headerLength), { allowUnreadBytes: true });
  let rest = raw.subarray(headerLength + CompactSize.encode(count).length);
  const found: ReadTransaction[] = [];
  for (let place = 0n; place < count; place++) {
    const tx = RawTx.decode(rest, { allowUnreadBytes: true });
    found.push(shown(RawTx, tx));
    rest = rest.subarray(RawTx.encode(tx).length);
  }
  return found;
}

/**
 * That the block has these, as its header says. A coinbase has to be the first: a disguise of inner nodes as transactions
 * cannot begin with one (CVE-2017-12842); and none is there twice, which would leave the root as it is (CVE-2012-2459).
 */
function proveTransactions(raw: Buffer, transactions: readonly ReadTransaction[]): void {
  const ids = transactions.map(({ txid }) => txid);
  const coinbase = transactions[0]?.inputs[0];
  const isProven =
    coinbase?.vout === 0xffffffff && new Set(ids).size === ids.length && rootOf(ids).equals(raw.subarray(...rootPlace));
  if (!isProven) throw contradiction('a block of the node has other transactions than its header says');
}

function rootOf(ids: readonly string[]): Buffer {
  let level = ids.map((id) => Buffer.from(id, 'hex').reverse());
  while (level.length > 1)
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, pair) =>
      doubleHash(Buffer.concat([level[2 * pair]!, level[2 * pair + 1] ?? level[2 * pair]!])),
    );
  return level[0] ?? Buffer.alloc(0);
}

function limit(kept: Map<string, unknown>, most: number): void {
  for (const oldest of kept.keys()) {
    if (kept.size <= most) return;
    kept.delete(oldest);
  }
}
