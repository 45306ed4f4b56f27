/**
 * The protobuf bytes of a Tron transaction, as far as transfers need them (github.com/tronprotocol/protocol, core/Tron.proto).
 */
import { createHash } from 'node:crypto';

type Fields = ReadonlyMap<number, readonly (bigint | Buffer)[]>;

export type SentTransaction = {
  readonly txID: string;
  readonly rawDataHex: string;
  readonly signatures: readonly string[];
  readonly refBlockBytes: string;
  readonly refBlockHash: string;
  readonly expiration: number;
  readonly timestamp: number;
  readonly feeLimit: number;
  readonly size: number;
  readonly owner: string;
  readonly contract:
    | { readonly type: 'TransferContract'; readonly to: string; readonly amount: bigint }
    | { readonly type: 'TriggerSmartContract'; readonly address: string; readonly data: string };
};

const transferType = 1n;
const triggerType = 31n;

/** Throws RangeError for what is neither a transfer of TRX nor a call of a contract. */
export function readTransaction(hex: string): SentTransaction {
  const bytes = Buffer.from(hex, 'hex');
  const outer = fieldsOf(bytes);
  const raw = bytesAt(outer, 1);
  const said = fieldsOf(raw);
  const contract = fieldsOf(bytesAt(said, 11));
  const value = fieldsOf(bytesAt(fieldsOf(bytesAt(contract, 2)), 2));
  const hexAt = (fields: Fields, field: number) => bytesAt(fields, field).toString('hex');
  return {
    txID: createHash('sha256').update(raw).digest('hex'),
    rawDataHex: raw.toString('hex'),
    signatures: (outer.get(2) ?? []).map((signature) => (signature as Buffer).toString('hex')),
    refBlockBytes: hexAt(said, 1),
    refBlockHash: hexAt(said, 4),
    expiration: Number(numberAt(said, 8)),
    timestamp: Number(numberAt(said, 14)),
    feeLimit: Number(numberAt(said, 18)),
    size: bytes.length,
    owner: hexAt(value, 1),
    contract: contractOf(numberAt(contract, 1), value, hexAt),
  };
}

function contractOf(
  type: bigint,
  value: Fields,
  hexAt: (fields: Fields, field: number) => string,
): SentTransaction['contract'] {
  if (type === transferType) return { type: 'TransferContract', to: hexAt(value, 2), amount: numberAt(value, 3) };
  if (type === triggerType) return { type: 'TriggerSmartContract', address: hexAt(value, 2), data: hexAt(value, 4) };
  throw new RangeError(`contracts of type ${type} are not known here`);
}

function bytesAt(fields: Fields, field: number): Buffer {
  const found = fields.get(field)?.[0];
  if (!Buffer.isBuffer(found)) throw new RangeError(`no bytes in field ${field}`);
  return found;
}

function numberAt(fields: Fields, field: number): bigint {
  const found = fields.get(field)?.[0] ?? 0n;
  if (typeof found !== 'bigint') throw new RangeError(`no number in field ${field}`);
  return found;
}

/** Numbers are of type 0, bytes and messages of type 2; there are no others in these messages. */
function fieldsOf(bytes: Buffer): Fields {
  const fields = new Map<number, (bigint | Buffer)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('the message ends too early');
      value |= BigInt(byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const length = (tag & 7) === 2 ? Number(varint()) : undefined;
    const value = length === undefined ? varint() : bytes.subarray(at, (at += length));
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}
