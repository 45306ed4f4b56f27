/**
 * A Bitcoin regtest node (bcoin) in memory, in this process, that mines when it is told to: what it is sent waits in its
 * memory pool until then. Its payer has mined coins enough for `coinsMax` payments. It stands behind the JSON-RPC of
 * bitcoind and behind the HTTP API of Esplora.
 */
import type * as Bcoin from 'bcoin';
import { createRequire } from 'node:module';
import { nodeFronts } from './node-fronts';
import { walletCalls } from './wallet-calls';

/** Payments that one node can make. */
const coinsMax = 600;
const coinValue = 8_000_000;
/** OP_TRUE: signatures are slow without native addons, and no test is about the payer's. */
const anyoneMaySpend = 0x51;
/** Coinbases mature after 100 blocks; the payer's coins then lie deeper than any reorganisation of a test. */
const maturity = 100;
const deepestReorg = 12;

export type Output = {
  /** The output's script: whoever pays an address pays what it spells. */
  readonly script: Uint8Array;
  /** In satoshis, at most 0.08 BTC for all outputs of a payment together. */
  readonly value: bigint;
};

export type RegtestNode = {
  /** JSON-RPC as bitcoind answers it. */
  readonly rpcUrl: string;
  /** Base of the HTTP API as Esplora answers it. */
  readonly esploraUrl: string;
  /** One transaction, mined in the next block. */
  pay(outputs: readonly Output[]): Promise<{ readonly transactionId: string }>;
  /** Two transactions that spend the same coin; the second is mined. */
  replace(first: readonly Output[], second: readonly Output[]): Promise<void>;
  mine(blocks: number): Promise<void>;
  /** Replaces the newest `depth` blocks by one more than that; their payments are mined again in the last, or dropped. */
  reorganise(depth: number, payments: 'reinclude' | 'drop'): Promise<void>;
  stop(): Promise<void>;
};

export async function regtestNode(): Promise<RegtestNode> {
  const { bcoin, node } = await openNode();
  const payer = bcoin.KeyRing.generate('regtest');
  node.miner.addAddress(payer.getAddress());
  const { chain } = node;
  const mineBlock = (transactions: readonly Bcoin.TX[] = []) => mineOne(node, transactions);
  async function mine(blocks: number): Promise<void> {
    for (let mined = 0; mined < blocks; mined++) await mineBlock();
  }

  await mine(maturity + 1);
  const coins = await split(bcoin, node, payer, mineBlock);
  await mine(deepestReorg);

  function transactionTo(coin: Bcoin.Coin, outputs: readonly Output[]): Bcoin.TX {
    const transaction = new bcoin.MTX();
    transaction.addCoin(coin);
    for (const { script, value } of outputs)
      transaction.addOutput({ script: bcoin.Script.fromRaw(Buffer.from(script)), value: satoshisOf(value) });
    return transaction.toTX();
  }
  function nextCoin(): Bcoin.Coin {
    const coin = coins.pop();
    if (coin === undefined) throw new Error(`a node makes ${coinsMax} payments at most`);
    return coin;
  }

  const fronts = await nodeFronts(node, walletCalls(bcoin, node));
  return {
    rpcUrl: fronts.rpcUrl,
    esploraUrl: fronts.esploraUrl,
    async pay(outputs) {
      const transaction = transactionTo(nextCoin(), outputs);
      await mineBlock([transaction]);
      return { transactionId: transaction.txid() };
    },
    async replace(first, second) {
      const coin = nextCoin();
      const [replaced, mined] = [transactionTo(coin, first), transactionTo(coin, second)];
      if (replaced.txid() === mined.txid()) throw new Error('the replacement is the same transaction');
      await mineBlock([mined]);
    },
    mine,
    async reorganise(depth, payments) {
      const fork = chain.height - depth;
      const orphaned: Bcoin.TX[] = [];
      for (let height = fork + 1; height <= chain.height; height++)
        orphaned.push(...((await chain.getBlock(height))?.txs.slice(1) ?? []));
      await chain.reset(fork);
      // It follows a reset of the chain by itself, but later.
      await node.mempool.reset();
      await mine(depth - 1);
      await mineBlock(payments === 'drop' ? [] : orphaned);
      await mineBlock();
    },
    async stop() {
      await fronts.stop();
      await node.close();
    },
  };
}

async function openNode(): Promise<{ readonly bcoin: typeof Bcoin; readonly node: Bcoin.FullNode }> {
  // Its native addons are not built; read when bcoin is loaded.
  process.env['NODE_BACKEND'] = 'js';
  // Its exports are getters that an import would not see.
  const bcoin = createRequire(__filename)('bcoin') as typeof Bcoin;
  asRegtestOfBitcoind(bcoin);
  const indexes = { indexTx: true, indexAddress: true };
  const quiet = { workers: false, listen: false, logLevel: 'none', env: false, argv: false };
  const node = new bcoin.FullNode({ network: 'regtest', memory: true, ...indexes, ...quiet });
  // The fronts answer instead of its own server.
  node.http.open = async () => undefined;
  node.http.close = async () => undefined;
  await node.open();
  return { bcoin, node };
}

/** Addresses begin as bitcoind's do, and witnesses may be spent from block 30 on instead of block 432. */
function asRegtestOfBitcoind({ networks }: typeof Bcoin): void {
  const { addressPrefix, deployments } = networks.regtest;
  Object.assign(addressPrefix, { pubkeyhash: 0x6f, scripthash: 0xc4, bech32: 'bcrt' });
  Object.assign(deployments.segwit, { window: 10, threshold: 8 });
}

async function mineOne(node: Bcoin.FullNode, transactions: readonly Bcoin.TX[]): Promise<void> {
  const job = await node.miner.cpu.createJob();
  for (const transaction of transactions) job.pushTX(transaction);
  job.refresh();
  if ((await node.chain.add(await job.mineAsync())) === null) throw new Error('the block was not accepted');
}

/** The first coinbase as many small coins. */
async function split(
  bcoin: typeof Bcoin,
  { chain }: Bcoin.FullNode,
  payer: Bcoin.KeyRing,
  mineBlock: (transactions: readonly Bcoin.TX[]) => Promise<void>,
): Promise<Bcoin.Coin[]> {
  const coinbase = (await chain.getBlock(1))!.txs[0]!;
  const splitting = new bcoin.MTX();
  splitting.addCoin(bcoin.Coin.fromTX(coinbase, 0, 1));
  const script = bcoin.Script.fromRaw(Buffer.from([anyoneMaySpend]));
  for (let coin = 0; coin < coinsMax; coin++) splitting.addOutput({ script, value: coinValue });
  splitting.sign(payer);
  const transaction = splitting.toTX();
  await mineBlock([transaction]);
  return transaction.outputs.map((_output, index) => bcoin.Coin.fromTX(transaction, index, chain.height));
}

/** The node counts in numbers, which hold every amount of Bitcoin there can be, but not every bigint. */
function satoshisOf(value: bigint): number {
  if (value < 0n || value > 2_100_000_000_000_000n) throw new RangeError(`${value} is no amount of satoshis`);
  return parseInt(value.toString(), 10);
}
