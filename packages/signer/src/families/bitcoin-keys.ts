/**
 * Bitcoin: spends P2WPKH outputs of the wallet's own address (BIP-84), pays one address, and gives the rest back to the
 * own address. A signature commits to the amount of its own input alone (BIP-143). Who lies about that one gets a witness
 * that no node takes; who could ask twice, with a lie about another input each time, would have a true witness for every
 * input of a transaction that burns the difference. So what the inputs of a send are told to have is part of its payment,
 * and the same for ever. Every input signals that it may be replaced (BIP-125).
 */
import { assert } from '@daybook/core';
import type { FamilyKeys, ReadingOutcome } from '../ports';
import type { BitcoinTransaction } from '../transactions';
import { secp256k1Keys, secp256k1Paths } from './key-paths';

export type BitcoinNetwork = BitcoinTransaction['network'];

const testPrefixes = { pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef };
/** What addresses begin with. */
const networks = {
  mainnet: { bech32: 'bc', pubKeyHash: 0x00, scriptHash: 0x05, wif: 0x80 },
  testnet: { bech32: 'tb', ...testPrefixes },
  signet: { bech32: 'tb', ...testPrefixes },
  regtest: { bech32: 'bcrt', ...testPrefixes },
} as const;

/** Nodes do not relay outputs below (Bitcoin Core's dust limit of a P2WPKH output). */
const outputMin = 294n;
/** Says that it may be replaced, and no lock time. */
const replaceable = 0xffff_fffd;

export function bitcoinKeys(seed: Buffer, network: BitcoinNetwork): FamilyKeys<BitcoinTransaction> {
  const prefixes = networks[network];
  const keyAt = secp256k1Keys(seed, network === 'mainnet' ? secp256k1Paths.bitcoin : secp256k1Paths.bitcoinTest);
  const walletAt = async (index: number) => {
    const [{ p2wpkh }, key] = await Promise.all([import('@scure/btc-signer'), keyAt(index)]);
    const { address, script } = p2wpkh(bytesOf(key.publicKey.slice(2)), prefixes);
    assert(address !== undefined, 'a key has an address');
    return { key, address, script };
  };
  return {
    async walletOf(index) {
      const { key, address } = await walletAt(index);
      return { address, publicKey: key.publicKey.slice(2) };
    },
    async read(index, transaction) {
      const to = await canonical(transaction.to, prefixes);
      return readBitcoin(transaction, network, to, (await walletAt(index)).address);
    },
    async sign(index, transaction) {
      const { Transaction } = await import('@scure/btc-signer');
      const { key, address, script } = await walletAt(index);
      const unsigned = new Transaction();
      for (const { txid, vout, amount } of transaction.inputs)
        unsigned.addInput({ txid, index: vout, sequence: replaceable, witnessUtxo: { script, amount } });
      unsigned.addOutputAddress(transaction.to, transaction.amount, prefixes);
      if (transaction.change > 0n) unsigned.addOutputAddress(address, transaction.change, prefixes);
      unsigned.sign(bytesOf(key.privateKey.slice(2)));
      unsigned.finalize();
      await expectSaysTheSame(unsigned.extract(), transaction, address, prefixes);
      return { transactionId: unsigned.id, bytes: unsigned.hex };
    },
  };
}

function readBitcoin(
  transaction: BitcoinTransaction,
  network: BitcoinNetwork,
  to: string | undefined,
  own: string,
): ReadingOutcome {
  if (transaction.network !== network) return { ok: false, refusal: 'chain_not_allowed' };
  const { inputs, amount, change, fee } = transaction;
  const slots = inputs.map(({ txid, vout }) => `bitcoin/${txid}:${vout}`).toSorted();
  const spent = inputs.reduce((sum, input) => sum + input.amount, 0n);
  const addsUp = spent === amount + change + fee && new Set(slots).size === slots.length;
  const isRelayed = amount >= outputMin && (change === 0n || change >= outputMin) && fee > 0n;
  if (to === undefined || to === own || !addsUp || !isRelayed) return { ok: false, refusal: 'transaction_invalid' };
  return { ok: true, reading: { to, asset: 'BTC', amount, way: wayOf(inputs), slots, exclusive: true } };
}

/** With the amount that each input is told to have, in one order. */
function wayOf(inputs: BitcoinTransaction['inputs']): string {
  const told = inputs.map(({ txid, vout, amount }) => `${txid}:${vout}=${amount}`);
  return ['native', ...told.toSorted()].join(' ');
}

type Prefixes = (typeof networks)[BitcoinNetwork];

/** The one spelling of an address of this network; undefined when it is none. */
async function canonical(address: string, prefixes: Prefixes): Promise<string | undefined> {
  const { Address } = await import('@scure/btc-signer');
  try {
    const coder = Address(prefixes);
    return coder.encode(coder.decode(address));
  } catch {
    return undefined;
  }
}

/** From the bytes alone: a fault of an encoder must not pay. */
async function expectSaysTheSame(
  bytes: Uint8Array,
  transaction: BitcoinTransaction,
  own: string,
  prefixes: Prefixes,
): Promise<void> {
  const { Transaction } = await import('@scure/btc-signer');
  const said = Transaction.fromRaw(bytes, { allowUnknownOutputs: true });
  const inputs = Array.from({ length: said.inputsLength }, (_, at) => said.getInput(at));
  const outputs = Array.from({ length: said.outputsLength }, (_, at) => [
    said.getOutputAddress(at, prefixes),
    said.getOutput(at).amount,
  ]);
  const wantedOutputs = [[await canonical(transaction.to, prefixes), transaction.amount]];
  if (transaction.change > 0n) wantedOutputs.push([own, transaction.change]);
  const places = inputs.map(({ txid, index }) => `${Buffer.from(txid ?? []).toString('hex')}:${index}`);
  const wantedPlaces = transaction.inputs.map(({ txid, vout }) => `${txid}:${vout}`);
  assert(places.join() === wantedPlaces.join(), 'the signed bytes spend other outputs than were asked for');
  assert(outputs.join(';') === wantedOutputs.join(';'), 'the signed bytes pay other outputs than were asked for');
  assert(said.lockTime === 0, 'the signed bytes wait for a time');
}

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}
