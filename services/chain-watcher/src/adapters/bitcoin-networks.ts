/** The Bitcoin networks: what their addresses begin with (BIP-173 and base58 versions) and their first blocks. */

const testPrefixes = { pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef };

export const bitcoinNetworks = {
  mainnet: {
    prefixes: { bech32: 'bc', pubKeyHash: 0x00, scriptHash: 0x05, wif: 0x80 },
    genesisHash: '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f',
  },
  testnet: {
    prefixes: { bech32: 'tb', ...testPrefixes },
    genesisHash: '000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943',
  },
  signet: {
    prefixes: { bech32: 'tb', ...testPrefixes },
    genesisHash: '00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6',
  },
  regtest: {
    prefixes: { bech32: 'bcrt', ...testPrefixes },
    genesisHash: '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206',
  },
} as const;
export type BitcoinNetwork = keyof typeof bitcoinNetworks;
