/**
 * Tron: TRX to an address, or a listed TRC-20 token. tronweb turns the fields into protobuf bytes; they are read again
 * before their digest is signed, and no other contract or call data can come about. A transaction is unique by what it
 * says, not by a nonce, so two of one send could both be included: none is ever replaced.
 */
import { assert } from '@daybook/core';
import type { AssetCode } from '@daybook/money';
import { createHash } from 'node:crypto';
import type { FamilyKeys, ReadingOutcome } from '../ports';
import type { TronTransaction } from '../transactions';
import { secp256k1Keys, secp256k1Paths } from './key-paths';

/** Assets by their contracts' addresses. */
export type TronChain = { readonly tokens: ReadonlyMap<string, AssetCode> };

/** Tron's network byte, before the 20 bytes of an address. */
const networkByte = '41';
/** The chain takes nothing that would live longer. */
const lifetimeMsMax = 24 * 3_600_000;
/** tronweb counts in doubles. */
const unitsMax = BigInt(Number.MAX_SAFE_INTEGER);
/** `transfer(address,uint256)`. */
const transferSelector = 'a9059cbb';

export function tronKeys(seed: Buffer, chain: TronChain): FamilyKeys<TronTransaction> {
  const keyAt = secp256k1Keys(seed, secp256k1Paths.tron);
  const walletAt = async (index: number) => {
    const [{ TronWeb }, key] = await Promise.all([import('tronweb'), keyAt(index)]);
    // Tron hashes the public key as Ethereum does.
    return { key, address: TronWeb.address.fromHex(`${networkByte}${key.address.slice(2)}`) };
  };
  return {
    async walletOf(index) {
      const { key, address } = await walletAt(index);
      return { address, publicKey: key.publicKey.slice(2) };
    },
    async read(index, transaction) {
      const { TronWeb } = await import('tronweb');
      const isValid = TronWeb.isAddress(transaction.payment.to);
      return isValid
        ? readTron(transaction, chain, index, (await walletAt(index)).address)
        : { ok: false, refusal: 'transaction_invalid' };
    },
    async sign(index, transaction) {
      const { utils } = await import('tronweb');
      const { key, address } = await walletAt(index);
      const contract = await contractOf(transaction, address);
      const { refBlockBytes, refBlockHash, expiration, timestamp, feeLimit } = transaction;
      const pb: unknown = utils.transaction.txJsonToPb({
        raw_data: {
          contract: [{ type: contract.type, parameter: { value: contract.value } }],
          ref_block_bytes: refBlockBytes,
          ref_block_hash: refBlockHash,
          expiration,
          timestamp,
          // The library takes a double; a limit that one does not hold was refused when the transaction was read.
          ...(feeLimit > 0n ? { fee_limit: Number(feeLimit) } : {}),
        },
      });
      const raw = utils.transaction.txPbToRawDataHex(pb).toLowerCase();
      await expectSaysTheSame(raw, transaction, contract);
      const transactionId = createHash('sha256').update(Buffer.from(raw, 'hex')).digest('hex');
      const { r, s, v } = key.signingKey.sign(`0x${transactionId}`);
      const signature = `${r.slice(2)}${s.slice(2)}${v.toString(16)}`;
      return { transactionId, bytes: `${field(1, raw)}${field(2, signature)}` };
    },
  };
}

function readTron(transaction: TronTransaction, chain: TronChain, index: number, own: string): ReadingOutcome {
  const { payment, feeLimit, expiration, timestamp, refBlockBytes, refBlockHash } = transaction;
  const { to, amount } = payment;
  const livesFor = expiration - timestamp;
  const isSane = amount > 0n && amount <= unitsMax && feeLimit <= unitsMax && livesFor > 0 && livesFor <= lifetimeMsMax;
  const isNative = payment.type === 'native';
  const paysForIt = isNative ? feeLimit === 0n : feeLimit > 0n && payment.token !== to;
  if (!isSane || !paysForIt || to === own) return { ok: false, refusal: 'transaction_invalid' };
  const asset = isNative ? 'TRX' : chain.tokens.get(payment.token);
  if (asset === undefined) return { ok: false, refusal: 'contract_not_allowed' };
  const way = isNative ? 'native' : payment.token;
  // What the bytes follow from: the same for two sends, they would be one transaction.
  const slot = `tron/${index}/${refBlockBytes}${refBlockHash}/${expiration}/${timestamp}/${to}/${asset}/${amount}`;
  return { ok: true, reading: { to, asset, amount, way, slots: [slot], exclusive: false } };
}

type Contract = {
  readonly type: 'TransferContract' | 'TriggerSmartContract';
  readonly value: Readonly<Record<string, string | number>>;
};

async function contractOf({ payment }: TronTransaction, own: string): Promise<Contract> {
  const { TronWeb } = await import('tronweb');
  const hexOf = (address: string) => TronWeb.address.toHex(address).toLowerCase();
  const owner = hexOf(own);
  const to = hexOf(payment.to);
  if (payment.type === 'native')
    return {
      type: 'TransferContract',
      value: { owner_address: owner, to_address: to, amount: Number(payment.amount) },
    };
  const words = [to.slice(networkByte.length), payment.amount.toString(16)].map((word) => word.padStart(64, '0'));
  return {
    type: 'TriggerSmartContract',
    value: {
      owner_address: owner,
      contract_address: hexOf(payment.token),
      call_value: 0,
      data: `${transferSelector}${words.join('')}`,
    },
  };
}

/** From the bytes alone: a fault of an encoder must not pay. */
async function expectSaysTheSame(raw: string, transaction: TronTransaction, contract: Contract): Promise<void> {
  const { utils } = await import('tronweb');
  const said = utils.deserializeTx.deserializeTransaction(contract.type, raw) as {
    readonly contract: readonly {
      readonly parameter: { readonly value: Record<string, unknown> };
      Permission_id: number;
    }[];
    readonly [name: string]: unknown;
  };
  const saidContract = said.contract[0];
  assert(saidContract !== undefined && said.contract.length === 1, 'a transaction of one contract');
  const wanted: readonly (readonly [unknown, unknown])[] = [
    [said.ref_block_bytes, transaction.refBlockBytes],
    [said.ref_block_hash, transaction.refBlockHash],
    [said.expiration, transaction.expiration],
    [said.timestamp, transaction.timestamp],
    [said.fee_limit, Number(transaction.feeLimit)],
    [said.data, ''],
    [said.scripts, ''],
    [saidContract.Permission_id, 0],
    ...Object.entries(contract.value).map(([name, value]) => [saidContract.parameter.value[name], value] as const),
    [saidContract.parameter.value.call_token_value ?? 0, 0],
  ];
  for (const [is, should] of wanted)
    assert(lower(is) === lower(should), `the bytes say ${String(is)} for ${String(should)}`);
}

function lower(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value;
}

/** A protobuf field of bytes: `Transaction` has its raw data in field 1 and its signatures in field 2. */
function field(number: number, hex: string): string {
  const length: number[] = [];
  let rest = hex.length / 2;
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  return Buffer.from([(number << 3) | 2, ...length, rest]).toString('hex') + hex;
}
