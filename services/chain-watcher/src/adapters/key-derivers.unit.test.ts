import { deriveEd25519, Secret } from '@daybook/runtime';
import { bitcoinDeriver, evmDeriver, solanaDeriver, tronDeriver } from './key-derivers';

// BIP-39 "test test … junk", account keys m/44'/60'/0'/0 and m/44'/195'/0'/0 are computed from it below.
const mnemonic = 'test test test test test test test test test test test junk';

async function xpubAt(path: string): Promise<string> {
  const { HDNodeWallet, Mnemonic } = await import('ethers');
  return HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(mnemonic), path).neuter().extendedKey;
}

describe('SLIP-10 ed25519', () => {
  const published = [
    {
      seed: '000102030405060708090a0b0c0d0e0f',
      keys: {
        '': '2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7',
        '0': '68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3',
        '0/1': 'b1d0bad404bf35da785a64ca1ac54b2617211d2777696fbffaf208f746ae84f2',
        '0/1/2': '92a5b23c0b8a99e37d07df3fb9966917f5d06e02ddbd909c7e184371463e9fc9',
        '0/1/2/2': '30d1dc7e5fc04c31219ab25a27ae00b50f6fd66622f6e9c913253d6511d1e662',
        '0/1/2/2/1000000000': '8f94d394a8e8fd6b1bc2f3f49f5c47e385281d5c17e65324b0f62483e37e8793',
      },
    },
    {
      seed: 'fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542',
      keys: {
        '': '171cb88b1b3c1db25add599712e36245d75bc65a1a5c9e18d76f9f2b1eab4012',
        '0': '1559eb2bbec5790b0c65d8693e4d0875b1747f4970ae8b650486ed7470845635',
      },
    },
  ];
  test.each(published)('gives the published keys of seed $seed', ({ seed, keys }) => {
    for (const [path, key] of Object.entries(keys)) {
      const elements = path === '' ? [] : path.split('/').map(Number);
      expect([path, deriveEd25519(Buffer.from(seed, 'hex'), elements).key.toString('hex')]).toEqual([path, key]);
    }
  });
});

describe('address derivation', () => {
  test("EVM gives the checksummed addresses that the key's wallet has", async () => {
    const deriver = evmDeriver(await xpubAt("m/44'/60'/0'/0"));
    await expect(Promise.all([deriver.addressAt(0), deriver.addressAt(1)])).resolves.toEqual([
      '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
      '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
    ]);
  });

  test("Tron gives the base58check addresses that the key's wallet has", async () => {
    const { TronWeb } = await import('tronweb');
    const deriver = tronDeriver(await xpubAt("m/44'/195'/0'/0"));
    for (const index of [0, 1, 77]) {
      const wallet = TronWeb.fromMnemonic(mnemonic, `m/44'/195'/0'/0/${index}`);
      const address = await deriver.addressAt(index);
      expect(address).toBe(wallet.address);
      expect(TronWeb.isAddress(address)).toBe(true);
    }
  });

  test('Bitcoin gives the addresses that BIP-84 publishes for its mnemonic', async () => {
    const { HDNodeWallet, Mnemonic } = await import('ethers');
    const published = Mnemonic.fromPhrase(`${'abandon '.repeat(11)}about`);
    const xpub = HDNodeWallet.fromMnemonic(published, "m/84'/0'/0'/0").neuter().extendedKey;
    const deriver = bitcoinDeriver(xpub, 'mainnet');
    await expect(Promise.all([deriver.addressAt(0), deriver.addressAt(1)])).resolves.toEqual([
      'bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu',
      'bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g',
    ]);
    await expect(bitcoinDeriver(xpub, 'regtest').addressAt(0)).resolves.toMatch(/^bcrt1q/);
  });

  test('Solana gives an address for each place, on the curve', async () => {
    const { PublicKey } = await import('@solana/web3.js');
    const deriver = solanaDeriver(new Secret('ab'.repeat(32)));
    const addresses = await Promise.all([0, 1, 2, 0].map((index) => deriver.addressAt(index)));
    expect(new Set(addresses).size).toBe(3);
    expect(addresses[3]).toBe(addresses[0]);
    for (const address of addresses) expect(PublicKey.isOnCurve(address)).toBe(true);
  });

  test('refuses an extended private key', async () => {
    const { HDNodeWallet, Mnemonic } = await import('ethers');
    const xprv = HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(mnemonic), "m/44'/60'/0'/0").extendedKey;
    await expect(evmDeriver(xprv).addressAt(0)).rejects.toThrow('private key');
  });

  test('a key is recognised without being shown', () => {
    const deriver = solanaDeriver(new Secret('ab'.repeat(32)));
    expect(deriver.keyId).toMatch(/^[0-9a-f]{16}$/);
    expect(deriver.keyId).not.toBe(solanaDeriver(new Secret('ac'.repeat(32))).keyId);
  });
});
