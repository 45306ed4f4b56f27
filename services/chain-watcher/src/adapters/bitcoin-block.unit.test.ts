import { Transaction } from '@scure/btc-signer';
import { blockOfOne, doubleHash } from '../../test/bitcoin-blocks';
import { readBitcoinBlock } from './bitcoin-block';

/** The first block of Bitcoin. */
const genesis = Buffer.from(
  `01000000${'00'.repeat(32)}3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c01` +
    `0100000001${'00'.repeat(32)}ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c` +
    '6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104' +
    '678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d57' +
    '8a4c702b6bf11d5fac00000000',
  'hex',
);

/** The signed P2WPKH transaction of BIP-143: two inputs, one of them with a witness. */
const withWitness = Buffer.from(
  '01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc26ba6a9cb' +
    '62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618e' +
    'f3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000' +
    '001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167f' +
    'aa815988ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c451833156140' +
    '6f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee63' +
    '5711000000',
  'hex',
);

/** One input without a script, one output with a script of four bytes: as valid as any other. */
const sixtyFourBytes = Buffer.from(
  `0200000001${'ab'.repeat(32)}0000000000ffffffff010700000000000000046a02beef00000000`,
  'hex',
);

/** A block of these transactions, with the Merkle root of these ids (in the order of their bytes). */
function blockOf(transactions: readonly Buffer[], root: Buffer): Buffer {
  const header = Buffer.concat([Buffer.alloc(36), root, Buffer.alloc(12)]);
  return Buffer.concat([header, Buffer.from([transactions.length]), ...transactions]);
}
const coinbase = genesis.subarray(81);
const digestOf = (id: string) => Buffer.from(id, 'hex').reverse();

describe('a raw Bitcoin block', () => {
  test('the first block is read as it is known', () => {
    const { hash, parentHash, transactions } = readBitcoinBlock(genesis);
    expect(hash).toBe('000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f');
    expect(parentHash).toBe('0'.repeat(64));
    expect(transactions).toHaveLength(1);
    expect(transactions[0]).toMatchObject({
      id: '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b',
      isCoinbase: true,
      outputs: [{ value: 5_000_000_000n }],
    });
  });

  const signed = Transaction.fromRaw(withWitness, { allowUnknownOutputs: true, allowLegacyWitnessUtxo: true });
  const known = { raw: withWitness, id: digestOf(signed.id) };

  test('the id of a transaction leaves its witnesses out', () => {
    const [, transaction] = readBitcoinBlock(blockOfOne(known).raw).transactions;
    expect(transaction!.id).toBe(signed.id);
    expect(transaction!.outputs.map(({ value }) => value)).toEqual([112_340_000n, 223_450_000n]);
  });

  test('tells by whose keys outputs to keys of witnesses were spent, and no other keys', () => {
    const [coinbase, transaction] = readBitcoinBlock(blockOfOne(known).raw).transactions;
    expect(transaction!.spendingKeys.map((key) => key.toString('hex'))).toEqual([
      '025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee6357',
    ]);
    expect(coinbase!.spendingKeys).toEqual([]);
  });

  test('every changed byte of a witness is noticed, as are witnesses that are left out', () => {
    const witness = Buffer.from('0002473044', 'hex');
    const begin = withWitness.indexOf(witness);
    for (let at = begin + 2; at < withWitness.length - 4; at++) {
      const changed = Buffer.from(withWitness);
      changed[at]! ^= 1;
      expect(() => readBitcoinBlock(blockOfOne({ ...known, raw: changed }, withWitness).raw)).toThrow(RangeError);
    }
    const stripped = Buffer.concat([
      withWitness.subarray(0, 4),
      withWitness.subarray(6, begin),
      withWitness.subarray(-4),
    ]);
    const block = blockOfOne({ ...known, raw: stripped }, withWitness).raw;
    expect(() => readBitcoinBlock(block)).toThrow('other witnesses than the coinbase says');
  });

  test('a block with witnesses that nothing commits to is none', () => {
    const root = doubleHash(Buffer.concat([doubleHash(coinbase), known.id]));
    expect(() => readBitcoinBlock(blockOf([coinbase, withWitness], root))).toThrow('that nothing commits to');
  });

  test('every changed byte is noticed, but for those that only the hash proves', () => {
    for (let at = 36; at < genesis.length; at++) {
      const changed = Buffer.from(genesis);
      changed[at]! ^= 1;
      const known = readBitcoinBlock(genesis).hash;
      const read = () => readBitcoinBlock(changed);
      if (at >= 68 && at < 80) expect(read().hash).not.toBe(known);
      else expect(read).toThrow(RangeError);
    }
  });

  test('a block that is cut off, or longer, is none', () => {
    for (const length of [0, 79, 80, 81, 100, genesis.length - 1])
      expect(() => readBitcoinBlock(genesis.subarray(0, length))).toThrow(RangeError);
    expect(() => readBitcoinBlock(Buffer.concat([genesis, Buffer.from([0])]))).toThrow(RangeError);
  });

  test('transactions that are repeated under an unchanged root are noticed', () => {
    const id = doubleHash(coinbase);
    const root = doubleHash(Buffer.concat([id, id]));
    expect(() => readBitcoinBlock(blockOf([coinbase, coinbase], root))).toThrow('a transaction twice');
  });

  test('a transaction of 64 bytes is one, and is no coinbase', () => {
    const root = doubleHash(Buffer.concat([doubleHash(coinbase), doubleHash(sixtyFourBytes)]));
    const { transactions } = readBitcoinBlock(blockOf([coinbase, sixtyFourBytes], root));
    expect(transactions.map(({ isCoinbase }) => isCoinbase)).toEqual([true, false]);
    expect(transactions[1]!.outputs.map(({ value }) => value)).toEqual([7n]);
  });

  test('inner nodes of the Merkle tree are no transactions, nor is any block without a coinbase', () => {
    expect(() => readBitcoinBlock(blockOf([sixtyFourBytes], doubleHash(sixtyFourBytes)))).toThrow('no coinbase first');
    expect(() => readBitcoinBlock(blockOf([], Buffer.alloc(32)))).toThrow('no coinbase first');
  });
});
