/**
 * SLIP-10 for ed25519: private keys at hardened paths from a seed. The curve has no public derivation, so the seed
 * itself is needed wherever addresses are made. https://github.com/satoshilabs/slips/blob/master/slip-0010.md
 */
import { createHmac } from 'node:crypto';

type Node = { readonly key: Buffer; readonly chainCode: Buffer };

const hardened = 0x8000_0000;

/** Private key (32 bytes) and chain code at `path`, whose every element is hardened: [44, 501] is m/44'/501'. */
export function deriveEd25519(seed: Uint8Array, path: readonly number[]): Node {
  return path.reduce<Node>(
    (parent, element) => {
      const data = Buffer.alloc(37);
      parent.key.copy(data, 1);
      data.writeUInt32BE(hardened + element, 33);
      return split(createHmac('sha512', parent.chainCode).update(data).digest());
    },
    split(createHmac('sha512', 'ed25519 seed').update(seed).digest()),
  );
}

function split(digest: Buffer): Node {
  return { key: digest.subarray(0, 32), chainCode: digest.subarray(32) };
}
