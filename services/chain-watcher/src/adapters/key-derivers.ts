/**
 * Addresses from keys, one deriver a family. EVM and Tron derive from an extended public key, so no private key is
 * near this service. Solana's curve has no public derivation: its deriver holds the seed (docs/adr/0012). The SDKs
 * are loaded on first use; they are slow to load and most processes need one at most.
 */
import { assert } from '@daybook/core';
import { deriveEd25519, sha256Hex, type Secret } from '@daybook/runtime';
import type { AddressDeriver } from '../ports';
import { type BitcoinNetwork, bitcoinNetworks } from './bitcoin-networks';

/** Purpose 44, coin type 501; the third element is the address's place and the last is 0 (docs/adr/0012). */
const solanaPath = (index: number) => [44, 501, index, 0];

/** EIP-55 checksummed address of child `index` of the extended public key. */
export function evmDeriver(xpub: string): AddressDeriver {
  return {
    family: 'evm',
    keyId: keyIdOf(xpub),
    async addressAt(index) {
      const { computeAddress } = await import('ethers');
      return computeAddress(await childPublicKey(xpub, index));
    },
  };
}

/** Base58check address (T…) of child `index` of the extended public key. */
export function tronDeriver(xpub: string): AddressDeriver {
  return {
    family: 'tron',
    keyId: keyIdOf(xpub),
    async addressAt(index) {
      const [{ computeAddress }, { TronWeb }] = await Promise.all([import('ethers'), import('tronweb')]);
      // Tron hashes the public key as Ethereum does; 0x41 is its network byte.
      const hex = computeAddress(await childPublicKey(xpub, index)).slice(2);
      return TronWeb.address.fromHex(`41${hex}`);
    },
  };
}

/** P2WPKH address (BIP-84) of child `index` of the extended public key of the external chain. */
export function bitcoinDeriver(xpub: string, network: BitcoinNetwork): AddressDeriver {
  return {
    family: 'bitcoin',
    keyId: keyIdOf(xpub),
    async addressAt(index) {
      const { p2wpkh } = await import('@scure/btc-signer');
      const key = Buffer.from((await childPublicKey(xpub, index)).slice(2), 'hex');
      const { address } = p2wpkh(new Uint8Array(key), bitcoinNetworks[network].prefixes);
      assert(address, 'a key without an address');
      return address;
    },
  };
}

/** Base58 public key at m/44'/501'/index'/0'. */
export function solanaDeriver(seedHex: Secret): AddressDeriver {
  const seed = Buffer.from(seedHex.reveal(), 'hex');
  return {
    family: 'solana',
    keyId: keyIdOf(sha256Hex(seed)),
    async addressAt(index) {
      const { Keypair } = await import('@solana/web3.js');
      return Keypair.fromSeed(deriveEd25519(seed, solanaPath(index)).key).publicKey.toBase58();
    },
  };
}

async function childPublicKey(xpub: string, index: number): Promise<string> {
  const { HDNodeWallet, HDNodeVoidWallet } = await import('ethers');
  const node = HDNodeWallet.fromExtendedKey(xpub);
  assert(node instanceof HDNodeVoidWallet, 'an extended private key where a public one belongs');
  return node.deriveChild(index).publicKey;
}

function keyIdOf(key: string): string {
  return sha256Hex(`address key ${key}`).slice(0, 16);
}
