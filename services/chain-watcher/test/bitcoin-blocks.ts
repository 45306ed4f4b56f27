import { createHash } from 'node:crypto';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
export const doubleHash = (bytes: Uint8Array) => sha256(sha256(bytes));
const reserved = Buffer.alloc(32);

/** A transaction as a block has it, and the id that leaves its witnesses out, in the order of its bytes. */
export type RawTransaction = { readonly raw: Buffer; readonly id: Buffer };

/** A block of a coinbase and one more transaction. The coinbase commits to `committed`, which is what is served if it is honest. */
export function blockOfOne({ raw, id }: RawTransaction, committed = raw): { raw: Buffer; hash: string } {
  const root = doubleHash(Buffer.concat([Buffer.alloc(32), doubleHash(committed)]));
  const coinbase = coinbaseCommittingTo(doubleHash(Buffer.concat([root, reserved])));
  const merkleRoot = doubleHash(Buffer.concat([coinbase.id, id]));
  const header = Buffer.concat([Buffer.alloc(36), merkleRoot, Buffer.alloc(12)]);
  return {
    raw: Buffer.concat([header, Buffer.from([2]), coinbase.raw, raw]),
    hash: doubleHash(header).reverse().toString('hex'),
  };
}

/** BIP-141: an output of the coinbase commits to all witnesses, and to the one item of the coinbase's own. */
function coinbaseCommittingTo(commitment: Buffer): RawTransaction {
  const version = Buffer.from('01000000', 'hex');
  const input = Buffer.concat([Buffer.from([1]), Buffer.alloc(32), Buffer.from('ffffffff02515100000000', 'hex')]);
  const script = Buffer.concat([Buffer.from('6a24aa21a9ed', 'hex'), commitment]);
  const outputs = Buffer.concat([Buffer.from([1]), Buffer.alloc(8), Buffer.from([script.length]), script]);
  const [body, lockTime] = [Buffer.concat([input, outputs]), Buffer.alloc(4)];
  const witness = Buffer.concat([Buffer.from([1, 32]), reserved]);
  return {
    raw: Buffer.concat([version, Buffer.from([0, 1]), body, witness, lockTime]),
    id: doubleHash(Buffer.concat([version, body, lockTime])),
  };
}
