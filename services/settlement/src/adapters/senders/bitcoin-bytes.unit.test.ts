/** A Bitcoin node that tells bytes which are no transactions and no blocks: nothing is believed, and nothing ends by it. */
import { isOperationalError } from '@daybook/core';
import * as library from '@scure/btc-signer';
import { createHash } from 'node:crypto';
import { bitcoinBalance } from './bitcoin-balance';
import { spenders } from './bitcoin-blocks';
import { bitcoinSendChain } from './bitcoin-send-chain';
import type { BitcoinWalletNode, ToldCoin } from './bitcoin-wallet-nodes';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
const hashOf = (header: Uint8Array) => sha256(sha256(header)).reverse().toString('hex');
const addresses = library.Address({ ...library.TEST_NETWORK, bech32: 'bcrt' });
const address = addresses.encode({ type: 'wpkh', hash: new Uint8Array(20) });
const script = library.OutScript.encode(addresses.decode(address));
const txid = 'ab'.repeat(32);
const coin: ToldCoin = { txid, vout: 0, amount: 1_000_000n, confirmations: 6 };
const junk = Buffer.from('ff'.repeat(40), 'hex');
const header = Buffer.alloc(80);
/** A block of many transactions by its count, of which the only bytes are how an input spells the coin. */
const block = Buffer.concat([header, Buffer.from([0xfc]), Buffer.from(txid, 'hex').reverse(), Buffer.alloc(4)]);

const node: BitcoinWalletNode = {
  head: async () => 10,
  hashAt: async () => hashOf(header),
  rawBlock: async () => block,
  coinsOf: async () => [coin],
  transactionsAbove: async () => [txid],
  rawTransaction: async () => junk,
  feeRate: async () => 1_000n,
  isPending: async () => false,
  send: async () => undefined,
};
const failed = (asked: Promise<unknown>) =>
  asked.then(
    () => 'answered',
    (error: unknown) => (isOperationalError(error) && error.retryable ? error.message : error),
  );

test('what an address holds cannot be told from a transaction that is none', async () => {
  const holder = { address, script, confirmations: 6 };
  expect(await failed(bitcoinBalance(library, node, holder))).toContain('tells as a transaction is none');
});

test('who spent a coin cannot be told from a block that is none', async () => {
  expect(await failed(spenders(library, node)([coin], 5, 6))).toContain('block of the node cannot be read');
});

describe('a block whose transactions', () => {
  const { RawTx, CompactSize } = library;
  const output = { amount: 1n, script: new Uint8Array([0x51]) };
  const input = (id: string, index: number) => ({
    txid: Buffer.from(id, 'hex'),
    index,
    finalScriptSig: new Uint8Array(),
    sequence: 0xffffffff,
  });
  const rawOf = (...inputs: ReturnType<typeof input>[]) =>
    Buffer.from(RawTx.encode({ version: 2, segwitFlag: false, inputs, outputs: [output], lockTime: 0 } as never));
  const coinbase = rawOf(input('00'.repeat(32), 0xffffffff));
  const spend = rawOf(input(txid, 0));
  const digest = (bytes: Uint8Array) => sha256(sha256(bytes));
  const blockOf = (root: Buffer, ...raws: Buffer[]) =>
    Buffer.concat([
      header.subarray(0, 36),
      root,
      header.subarray(68),
      CompactSize.encode(BigInt(raws.length)),
      ...raws,
    ]);
  const spenderIn = async (raw: Buffer) => {
    const hash = hashOf(raw.subarray(0, 80));
    const found = await spenders(library, { ...node, hashAt: async () => hash, rawBlock: async () => raw })(
      [coin],
      9,
      1,
    );
    return found?.transaction.txid;
  };
  const root = digest(Buffer.concat([digest(coinbase), digest(spend)]));

  /** A block with these transactions on top of another one. */
  function mined(parent: string, ...raws: Buffer[]) {
    const digests = raws.map(digest);
    const raw = blockOf(digests.length === 1 ? digests[0]! : digest(Buffer.concat(digests)), ...raws);
    Buffer.from(parent, 'hex').reverse().copy(raw, 4);
    return { raw, hash: hashOf(raw.subarray(0, 80)) };
  }

  test('is replaced while others are read is read again, as it is now', async () => {
    const begun = '00'.repeat(32);
    const [old, now] = [mined(begun, coinbase), mined(begun, coinbase, spend)];
    const next = mined(now.hash, rawOf(input('00'.repeat(32), 0xffffffff), input(txid, 7)));
    const all = [old, now, next];
    let asked = 0;
    const chain: BitcoinWalletNode = {
      ...node,
      head: async () => 11,
      // The first block is asked for once before it is replaced.
      hashAt: async (height) => (height === 11 ? next : asked++ === 0 ? old : now).hash,
      rawBlock: async (hash) => all.find((one) => one.hash === hash)?.raw,
    };
    const spenderOf = spenders(library, chain);
    expect(await failed(spenderOf([coin], 9, 2))).toContain('not linked');
    expect(await spenderOf([coin], 9, 2)).toMatchObject({ height: 10, depth: 2, transaction: { txid: hashOf(spend) } });
  });

  test('is as deep as the blocks on top of it that were read, whatever the node says of its head', async () => {
    const paid = mined('00'.repeat(32), coinbase, spend);
    const linked = [paid];
    for (let seed = 1; seed <= 3; seed++)
      linked.push(mined(linked.at(-1)!.hash, rawOf(input('00'.repeat(32), 0xffffffff), input(txid, seed))));
    const told = (blocks: typeof linked): BitcoinWalletNode => ({
      ...node,
      head: async () => 148_000_000_000,
      hashAt: async (height) => blocks[height - 10]?.hash,
      rawBlock: async (hash) => blocks.find((one) => one.hash === hash)?.raw,
    });
    expect(await spenders(library, told(linked))([coin], 9, 6)).toMatchObject({ height: 10, depth: 4 });
    expect(await spenders(library, told(linked))([coin], 9, 4)).toMatchObject({ depth: 4 });
    expect(await spenders(library, told(linked))([coin], 9, 3)).toMatchObject({ depth: 3 });
    const [one, two, , four] = linked as [typeof paid, typeof paid, typeof paid, typeof paid];
    expect(await failed(spenders(library, told([one, two, four]))([coin], 9, 6))).toContain('11 and 12');
  });

  test('is looked at again for its depth without reading what was read, but where others took its place', async () => {
    const linked = [mined('00'.repeat(32), coinbase, spend)];
    for (let seed = 1; seed <= 30; seed++)
      linked.push(mined(linked.at(-1)!.hash, rawOf(input('00'.repeat(32), 0xffffffff), input(txid, seed))));
    let [told, read] = [linked.slice(0, -1), 0];
    const spenderOf = spenders(library, {
      ...node,
      head: async () => 9 + told.length,
      hashAt: async (height) => told[height - 10]?.hash,
      async rawBlock(hash) {
        read++;
        return told.find((one) => one.hash === hash)?.raw;
      },
    });
    expect(await spenderOf([coin], 9, 100)).toMatchObject({ depth: 30 });
    expect(read).toBe(30);
    told = linked;
    expect(await spenderOf([coin], 9, 100)).toMatchObject({ depth: 31 });
    expect(read).toBe(31);
    told = [...linked.slice(0, 5), mined(linked[4]!.hash, rawOf(input('00'.repeat(32), 0xffffffff)))];
    expect(await spenderOf([coin], 9, 100)).toMatchObject({ height: 10, depth: 6 });
    told = [mined('00'.repeat(32), coinbase), ...linked.slice(1)];
    expect(await failed(spenderOf([coin], 9, 100))).toContain('10 and 11');
  });

  test('are those of its header tells who spent a coin', async () => {
    expect(await spenderIn(blockOf(root, coinbase, spend))).toBe(hashOf(spend));
  });

  test.each([
    ['are others', blockOf(digest(coinbase), coinbase, spend)],
    ['begin with no coinbase', blockOf(digest(spend), spend)],
    ['are there twice', blockOf(digest(Buffer.concat([root, root])), coinbase, spend, coinbase, spend)],
  ])('%s tells of nobody', async (_what, raw) => {
    expect(await failed(spenderIn(raw))).toContain('other transactions than its header says');
  });
});

test('a coin of a transaction that is none is not spent', async () => {
  const feeCap = { absolute: 20_000n, partsPerMillion: 100_000n };
  const chain = await bitcoinSendChain({ node, network: 'regtest', mode: 'sandbox', confirmations: 6, feeCap });
  const terms = { sendId: 's', asset: 'BTC', amount: 500_000n, toAddress: address, useContract: false, feeCap: null };
  const wallet = { walletId: 'w', family: 'bitcoin', index: 0, address, publicKey: '' } as const;
  expect(await failed(chain.prepare({ ...terms, asset: 'BTC' }, wallet, []))).toContain(
    'tells as a transaction is none',
  );
});
