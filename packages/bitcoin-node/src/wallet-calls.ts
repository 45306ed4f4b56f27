/**
 * What who spends asks a node, as bitcoind answers it to a wallet that watches every address: coins, transactions, and the
 * memory pool with its rules for replacements. Codes are those of bitcoind (src/rpc/protocol.h).
 */
import type * as Bcoin from 'bcoin';

const codes = {
  invalidAddressOrKey: -5,
  deserialization: -22,
  verify: -25,
  rejected: -26,
  alreadyInUtxoSet: -27,
} as const;
const minedAlready = new Set(['txn-already-known']);
/** What a replacement pays for its own relay, for 1000 bytes (-incrementalrelayfee). */
const incrementalRelayFee = 1000;
/** Who spends with a sequence up to this agrees to be replaced (BIP-125). bcoin's own test leaves out version 2. */
const replaceableMax = 0xfffffffd;

export class NodeRefusal extends Error {
  override readonly name = 'NodeRefusal';
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

export type Unspent = {
  readonly txid: string;
  readonly vout: number;
  readonly satoshis: number;
  readonly confirmations: number;
};

/** bcoin names a transaction by its bytes, everybody else by their reverse. */
const bytewise = (id: string) => Buffer.from(id, 'hex').reverse().toString('hex');

export type WalletCalls = ReturnType<typeof walletCalls>;

export function walletCalls(bcoin: typeof Bcoin, node: Bcoin.FullNode) {
  const { mempool, chain } = node;

  async function send(hex: string): Promise<string> {
    const tx = read(bcoin, hex);
    const id = tx.txid();
    if (mempool.getEntry(tx.hash('hex')) !== undefined) return id;
    const replaced = replacedBy(tx);
    if (replaced.length > 0) await checkReplacement(tx, replaced);
    for (const entry of replaced) mempool.evictEntry(entry);
    try {
      const missing = await mempool.addTX(tx);
      if (missing !== null) throw new NodeRefusal(codes.verify, 'bad-txns-inputs-missingorspent');
      return id;
    } catch (error) {
      for (const entry of replaced) await mempool.addTX(entry.tx);
      throw refusalOf(error);
    }
  }

  function replacedBy(tx: Bcoin.TX): readonly Bcoin.MempoolEntry[] {
    const spenders = tx.inputs.map(({ prevout }) => mempool.getSpent(prevout.hash, prevout.index));
    return [...new Set(spenders.filter((entry) => entry !== undefined))];
  }

  /** Rules 1, 3 and 4 of BIP-125; what nobody spends from has no descendants. */
  async function checkReplacement(tx: Bcoin.TX, replaced: readonly Bcoin.MempoolEntry[]): Promise<void> {
    if (!replaced.every(({ tx: { inputs } }) => inputs.some(({ sequence }) => sequence <= replaceableMax)))
      throw new NodeRefusal(codes.rejected, 'txn-mempool-conflict');
    const fee = tx.getFee(await mempool.getCoinView(tx));
    const before = replaced.reduce((sum, entry) => sum + entry.getFee(), 0);
    const least = before + Math.ceil((tx.getVirtualSize() * incrementalRelayFee) / 1000);
    if (fee < least)
      throw new NodeRefusal(codes.rejected, `insufficient fee, rejecting replacement ${tx.txid()}; ${fee} < ${least}`);
  }

  return {
    send,
    /** In the memory pool, and so not yet mined. */
    isPending: (id: string) => mempool.getEntry(bytewise(id)) !== undefined,
    async unspent(address: string): Promise<readonly Unspent[]> {
      const coins = await node.getCoinsByAddress(bcoin.Address.fromString(address, 'regtest'));
      return coins.map((coin) => ({
        txid: coin.rhash(),
        vout: coin.index,
        satoshis: coin.value,
        confirmations: coin.height === -1 ? 0 : chain.height - coin.height + 1,
      }));
    },
    /** Of an address, the newest first; the height is -1 in the memory pool. */
    async history(address: string) {
      const list = await node.getMetaByAddress(bcoin.Address.fromString(address, 'regtest'));
      const order = (height: number) => (height === -1 ? Infinity : height);
      return list
        .map(({ tx, height }) => ({ txid: tx.txid(), height }))
        .toSorted((a, b) => order(b.height) - order(a.height));
    },
    /** Of every address: what is in the blocks above the given one, and in the memory pool. */
    async since(hash: string) {
      const from = await chain.getEntry(bytewise(hash));
      if (from === null) throw new NodeRefusal(codes.invalidAddressOrKey, 'Block not found');
      const found: { txid: string; confirmations: number }[] = [];
      for (let height = from.height + 1; height <= chain.height; height++)
        for (const tx of (await chain.getBlock(height))?.txs ?? [])
          found.push({ txid: tx.txid(), confirmations: chain.height - height + 1 });
      const waiting = [...mempool.map.values()].map(({ tx }) => ({ txid: tx.txid(), confirmations: 0 }));
      return [...found, ...waiting];
    },
    async rawTransaction(id: string): Promise<Buffer> {
      const found = await node.getTX(bytewise(id));
      if (found === null) throw new NodeRefusal(codes.invalidAddressOrKey, 'Invalid or non-wallet transaction id');
      return found.toRaw();
    },
  };
}

function read(bcoin: typeof Bcoin, hex: string): Bcoin.TX {
  try {
    return bcoin.TX.fromRaw(Buffer.from(hex, 'hex'));
  } catch {
    throw new NodeRefusal(codes.deserialization, 'TX decode failed. Make sure the tx has at least one input.');
  }
}

function refusalOf(error: unknown): unknown {
  const { type, reason } = error as { type?: unknown; reason?: unknown };
  if (type !== 'VerifyError' || typeof reason !== 'string') return error;
  if (minedAlready.has(reason))
    return new NodeRefusal(codes.alreadyInUtxoSet, 'Transaction outputs already in utxo set');
  return new NodeRefusal(codes.rejected, reason);
}
