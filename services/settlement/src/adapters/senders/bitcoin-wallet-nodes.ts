/**
 * Two ways to a Bitcoin node for who spends: the JSON-RPC of bitcoind with a wallet of descriptors that has no keys, and the
 * HTTP API of Esplora. What they say of coins is proven by the transactions they are of;
 * what they say of inclusion is not asked: it is read in raw blocks.
 */
import { checked, contradiction, jsonIn, nodeHttp } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import { z } from 'zod';
import { relayRate } from '../../domain/coin-selection';

export type ToldCoin = {
  readonly txid: string;
  readonly vout: number;
  readonly amount: bigint;
  /** Zero in the memory pool. */
  readonly confirmations: number;
};

export type BitcoinWalletNode = {
  head(): Promise<number>;
  /** Undefined above the head. */
  hashAt(height: number): Promise<string | undefined>;
  /** Undefined when the node does not have it (any more). */
  rawBlock(hash: string): Promise<Buffer | undefined>;
  /** Unspent, also by what waits in the memory pool. */
  coinsOf(address: string): Promise<readonly ToldCoin[]>;
  /** Ids of the transactions of an address that are above a block, or in none. */
  transactionsAbove(address: string, height: number): Promise<readonly string[]>;
  /** A wallet does not know transactions that are not its own. */
  rawTransaction(txid: string): Promise<Buffer | undefined>;
  /** Satoshis for 1000 virtual bytes, to be mined in three blocks. */
  feeRate(): Promise<bigint>;
  isPending(txid: string): Promise<boolean>;
  send(hex: string): Promise<void>;
};

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const hexBytes = z.string().regex(/^([0-9a-f]{2})+$/);
const count = z.number().int().nonnegative();
const satoshisPerCoin = 100_000_000;
const satoshisEver = 2_100_000_000_000_000;
const confirmationTarget = 3;
/** More than was ever paid: 20,000 satoshis for a virtual byte. */
const rateMax = 20_000_000;

/** bitcoind tells coins as decimals; eight digits are exact in a number up to every coin there will be. */
const inCoins = z
  .number()
  .nonnegative()
  .transform((coins) => Math.round(coins * satoshisPerCoin))
  .pipe(z.number().int().max(satoshisEver))
  .transform(BigInt);
const inSatoshis = z.number().int().nonnegative().max(satoshisEver).transform(BigInt);

/** Throws for what is no rate: nothing, not a number, zero, or beyond every rate that was ever paid. */
export function feeRateOf(told: unknown, perKilobyte: number): bigint {
  const rate = typeof told === 'number' ? Math.ceil(told * perKilobyte) : NaN;
  if (!(rate > 0 && rate <= rateMax)) throw contradiction(`a fee of ${String(told)} is none`);
  const satoshis = BigInt(rate);
  return satoshis < relayRate ? relayRate : satoshis;
}

/** Codes of bitcoind (src/rpc/protocol.h). */
const codes = { invalidAddressOrKey: -5, invalidParameter: -8, alreadyInUtxoSet: -27 } as const;
const absent: readonly number[] = [codes.invalidAddressOrKey, codes.invalidParameter];
const confirmationsMax = 9_999_999;

/** The JSON-RPC of bitcoind. User, password and wallet (`/wallet/<name>`) are part of the address. */
export function bitcoindWallet(url: Secret): BitcoinWalletNode {
  const http = nodeHttp(url);
  async function find<Answer extends z.ZodType>(method: string, parameters: readonly unknown[], answer: Answer) {
    const told = await http.call(method, parameters);
    if (told.ok) return checked(method, answer, told.result);
    if (absent.includes(told.code)) return undefined;
    throw contradiction(`${method}: ${told.message}`);
  }
  async function ask<Answer extends z.ZodType>(method: string, parameters: readonly unknown[], answer: Answer) {
    const found = await find(method, parameters, answer);
    if (found === undefined) throw contradiction(`${method}: not there`);
    return found;
  }
  const watched = new Set<string>();
  /** Has the wallet watch an address from now on. What came to it before needs a rescan of the node. */
  async function watch(address: string): Promise<void> {
    if (watched.has(address)) return;
    const known = z.object({ ismine: z.boolean(), iswatchonly: z.boolean().optional() });
    const { ismine, iswatchonly } = await ask('getaddressinfo', [address], known);
    if (!ismine && iswatchonly !== true) {
      const named = z.object({ descriptor: z.string() });
      const { descriptor: desc } = await ask('getdescriptorinfo', [`addr(${address})`], named);
      const imported = z.tuple([z.object({ success: z.literal(true) })]);
      await ask('importdescriptors', [[{ desc, timestamp: 'now', label: 'daybook' }]], imported);
    }
    watched.add(address);
  }
  const unspent = z.array(z.object({ txid: hash, vout: count, amount: inCoins, confirmations: count }));
  const listed = z.object({ transactions: z.array(z.object({ txid: hash, confirmations: z.number().int() })) });

  return {
    head: () => ask('getblockcount', [], count),
    hashAt: (height) => find('getblockhash', [height], hash),
    async rawBlock(of) {
      const hex = await find('getblock', [of, 0], hexBytes);
      return hex === undefined ? undefined : Buffer.from(hex, 'hex');
    },
    async coinsOf(address) {
      await watch(address);
      return ask('listunspent', [0, confirmationsMax, [address]], unspent);
    },
    async transactionsAbove(_address, height) {
      const since = await ask('getblockhash', [height], hash);
      const { transactions } = await ask('listsinceblock', [since, 1, true], listed);
      // Below zero: replaced by another.
      return distinct(transactions.filter(({ confirmations }) => confirmations >= 0));
    },
    async rawTransaction(txid) {
      const found = await find('gettransaction', [txid, true], z.object({ hex: hexBytes }));
      return found && Buffer.from(found.hex, 'hex');
    },
    async feeRate() {
      const answer = z.object({ feerate: z.unknown() });
      return feeRateOf((await ask('estimatesmartfee', [confirmationTarget], answer)).feerate, satoshisPerCoin);
    },
    isPending: async (txid) => (await find('getmempoolentry', [txid], z.object({}))) !== undefined,
    async send(hex) {
      const told = await http.call('sendrawtransaction', [hex]);
      if (!told.ok && told.code !== codes.alreadyInUtxoSet) throw contradiction(`sendrawtransaction: ${told.message}`);
    },
  };
}

/** The HTTP API of Esplora, below its base address (`https://blockstream.info/api`). */
export function esploraWallet(url: Secret): BitcoinWalletNode {
  const http = nodeHttp(url);
  const text = async (path: string) => (await http.get(path))?.toString('utf8').trim();
  async function ask<Answer extends z.ZodType>(path: string, answer: Answer) {
    return checked(path, answer, jsonIn(path, await text(path)));
  }
  const status = z.object({ confirmed: z.boolean(), block_height: count.optional() });
  const coins = z.array(z.object({ txid: hash, vout: count, value: inSatoshis, status }));
  const head = () => ask('blocks/tip/height', count);

  return {
    head,
    async hashAt(height) {
      const told = await text(`block-height/${height}`);
      return told === undefined ? undefined : checked(`block-height/${height}`, hash, told);
    },
    rawBlock: (of) => http.get(`block/${of}/raw`),
    async coinsOf(address) {
      const [told, newest] = [await ask(`address/${address}/utxo`, coins), await head()];
      return told.map(({ txid, vout, value: amount, status: { confirmed, block_height: height } }) => {
        const confirmations = confirmed && height !== undefined ? Math.max(newest - height + 1, 0) : 0;
        return { txid, vout, amount, confirmations };
      });
    },
    async transactionsAbove(address, height) {
      const found: { readonly txid: string }[] = [];
      for (let path = `address/${address}/txs`; ;) {
        const page = await ask(path, z.array(z.object({ txid: hash, status })));
        const above = page.filter(({ status: of }) => !of.confirmed || (of.block_height ?? 0) > height);
        found.push(...above);
        const oldest = page.findLast(({ status: of }) => of.confirmed);
        // The newest come first, and each page begins after the last transaction of the one before.
        if (oldest === undefined || above.length < page.length) return distinct(found);
        path = `address/${address}/txs/chain/${oldest.txid}`;
      }
    },
    rawTransaction: (txid) => http.get(`tx/${txid}/raw`),
    async feeRate() {
      const told = await ask('fee-estimates', z.record(z.string(), z.unknown()));
      return feeRateOf(told[confirmationTarget], 1000);
    },
    async isPending(txid) {
      const path = `tx/${txid}/status`;
      const told = await text(path);
      return told !== undefined && !checked(path, status, jsonIn(path, told)).confirmed;
    },
    async send(hex) {
      const { status: code, body } = await http.post('tx', hex);
      const said = body.toString('utf8');
      // What bitcoind behind it said; older ones name the chain instead of the set of outputs.
      if (code !== 200 && !/"code":\s*-27\b/.test(said)) throw contradiction(`tx: ${said}`);
    },
  };
}

const distinct = (list: readonly { readonly txid: string }[]) => [...new Set(list.map(({ txid }) => txid))];
