/** Where the keys of each family lie under the one seed (BIP-44, BIP-84, and SLIP-10 for Solana). */
import type { HDNodeWallet } from 'ethers' with { 'resolution-mode': 'import' };

/** BIP-44 and BIP-84 paths of the external chain; the address's index follows. */
export const secp256k1Paths = {
  evm: "m/44'/60'/0'/0",
  tron: "m/44'/195'/0'/0",
  bitcoin: "m/84'/0'/0'/0",
  bitcoinTest: "m/84'/1'/0'/0",
} as const;

/** Purpose 44, coin type 501; the third element is the wallet's index and the last is 0. All are hardened. */
export const solanaPath = (index: number) => [44, 501, index, 0];

/** The keys at one path, derived once each. */
export function secp256k1Keys(
  seed: Buffer,
  path: (typeof secp256k1Paths)[keyof typeof secp256k1Paths],
): (index: number) => Promise<HDNodeWallet> {
  let parent: HDNodeWallet | undefined;
  const known = new Map<number, HDNodeWallet>();
  return async (index) => {
    const kept = known.get(index);
    if (kept !== undefined) return kept;
    const ethers = await import('ethers');
    parent ??= ethers.HDNodeWallet.fromSeed(seed).derivePath(path);
    const key = parent.deriveChild(index);
    known.set(index, key);
    return key;
  };
}
