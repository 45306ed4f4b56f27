import { Secret } from '@daybook/runtime';
import { Keypair } from '@solana/web3.js';
import { solanaChain, tokenPrograms } from '../src/adapters/solana-chain';
import { ChainRefusedError } from '../src/ports';
import { describeChain } from './chain.contract';
import { solanaTestChain, type SolanaTestChain } from './solana-test-chain';

describeChain('Solana', () => solanaTestChain(), {
  schedules: 5,
  cannot: {
    replaced: 'a transaction has no nonce: both are mined, or neither',
    withFee: 'a fee is withheld by Token-2022 only, which is not the pinned program',
  },
});

describe('a mint on Solana', () => {
  let chain: SolanaTestChain;
  beforeAll(async () => {
    chain = await solanaTestChain();
  });
  afterAll(() => chain.stop());

  /** A mint with the given extensions, as the program lays it out: 82 bytes, padding to 165, type 1, then the extensions. */
  function mintOf(programAddress: string, decimals: number, extension?: number): string {
    const address = Keypair.generate().publicKey.toBase58();
    const data = Buffer.alloc(extension === undefined ? 82 : 200);
    data[44] = decimals;
    data[45] = 1;
    if (extension !== undefined) {
      data[165] = 1;
      data.writeUInt16LE(extension, 166);
      data.writeUInt16LE(8, 168);
    }
    chain.node.setAccount({ address, programAddress, lamports: 1_000_000_000n, data });
    return address;
  }
  const faultOf = (usdtMint: string, allowToken2022 = false) =>
    solanaChain({ url: new Secret(chain.node.url), cluster: 'local', usdtMint, allowToken2022 }).faultOf('USDT_SOL');
  const { token, token2022 } = tokenPrograms;
  const [transferFee, mintCloseAuthority, permanentDelegate, transferHook] = [1, 3, 12, 14];

  test('must have the pinned decimals and be there', async () => {
    await expect(faultOf(mintOf(token, 6))).resolves.toBeUndefined();
    await expect(faultOf(mintOf(token, 9))).resolves.toContain('has 9 decimals');
    await expect(faultOf(Keypair.generate().publicKey.toBase58())).resolves.toContain('there is no mint');
  });

  test('of Token-2022 is refused unless it is allowed, and with an extension that takes away what was paid always', async () => {
    await expect(faultOf(mintOf(token2022, 6))).resolves.toContain('is not allowed');
    await expect(faultOf(mintOf(token2022, 6), true)).resolves.toBeUndefined();
    await expect(faultOf(mintOf(token2022, 6, transferFee), true)).resolves.toBeUndefined();
    for (const extension of [mintCloseAuthority, permanentDelegate, transferHook])
      await expect(faultOf(mintOf(token2022, 6, extension), true)).resolves.toContain('is not supported');
  });

  test('a node of another cluster is refused', async () => {
    const url = new Secret(chain.node.url);
    const source = solanaChain({ url, cluster: 'mainnet', usdtMint: undefined, allowToken2022: false });
    await expect(source.verify()).rejects.toThrow(ChainRefusedError);
  });
});
