import { p2tr, p2wpkh, Transaction } from '@scure/btc-signer';
import { pubECDSA, pubSchnorr } from '@scure/btc-signer/utils.js';
import { blockOfOne } from '../../test/bitcoin-blocks';
import { bitcoinChain } from './bitcoin-chain';
import { bitcoinNetworks } from './bitcoin-networks';

const network = bitcoinNetworks.regtest.prefixes;
const keyOf = (byte: number) => new Uint8Array(32).fill(byte);
const addressOf = (key: Uint8Array) => ({ key, ...p2wpkh(pubECDSA(key), network) });
const [deposit, hot, stranger] = [addressOf(keyOf(1)), addressOf(keyOf(2)), addressOf(keyOf(3))];
const taproot = { key: keyOf(4), ...p2tr(pubSchnorr(keyOf(4)), undefined, network) };
type Spender = Pick<typeof deposit, 'key' | 'script'> & { readonly tapInternalKey?: Uint8Array };

/** What is told of a transaction that these sign and that pays the hot wallet, as a node serves it. */
async function toldOf(signers: readonly Spender[], serve = (one: Transaction) => one.extract()) {
  const transaction = new Transaction();
  for (const [index, { script, tapInternalKey }] of signers.entries())
    transaction.addInput({
      txid: new Uint8Array(32).fill(9),
      index,
      witnessUtxo: { script, amount: 10_000n },
      ...(tapInternalKey === undefined ? {} : { tapInternalKey }),
    });
  transaction.addOutputAddress(hot.address!, 5_000n, network);
  for (const [index, { key }] of signers.entries()) transaction.signIdx(key, index);
  transaction.finalize();
  const served = { raw: Buffer.from(serve(transaction)), id: Buffer.from(transaction.id, 'hex').reverse() };
  const { raw, hash } = blockOfOne(served, Buffer.from(transaction.extract()));
  const node = { head: async () => ({ number: 1, hash }), hashAt: async () => hash, rawBlock: async () => raw };
  const watched = { has: (address: string) => address === deposit.address || address === hot.address };
  return bitcoinChain(node, 'regtest').finalTransfers({ number: 1, hash }, watched);
}

describe('on Bitcoin it was spent by', () => {
  test.each<[string, readonly Spender[], readonly unknown[]]>([
    ['nobody that is watched', [stranger, taproot], []],
    ['whose key is in the witness', [deposit], [deposit.address]],
    ['one of several, beside inputs of other kinds', [taproot, deposit, stranger], [deposit.address]],
    ['each once, whatever it is', [deposit, hot, deposit], [deposit.address, hot.address]],
  ])('%s', async (_name, signers, spenders) => {
    expect(await toldOf(signers)).toMatchObject([{ to: hot.address, amount: 5_000n, spenders }]);
  });

  test('whom a node does not hide: without the witnesses it tells nothing', async () => {
    await expect(toldOf([deposit], (one) => one.toBytes(true, false))).rejects.toMatchObject({
      code: 'upstream_unavailable',
    });
  });
});
