import { solanaNode } from '@daybook/testing';
import { Secret } from '@daybook/runtime';
import { Keypair, PublicKey } from '@solana/web3.js';
import { solanaSendChain } from '../src/adapters/senders/solana-send-chain';
import { lyingWire, withResult } from './lying-wire';
import type { SendTestChain } from './send-test-chain';
import { testSigner } from './test-signer';

const sol = 1_000_000_000n;
const finality = 4;
const tokenProgram = new PublicKey('TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA');
const associatedProgram = new PublicKey('ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL');

/** The real runtime and the real token program under the double's blocks. */
export async function solanaSendTestChain(): Promise<SendTestChain> {
  const node = await solanaNode({ blocksToFinality: finality });
  const wire = await lyingWire(node.url);
  const usdtMint = Keypair.generate().publicKey;
  const signer = await testSigner('solana', 'SOL', { SOLANA_USDT_MINT: usdtMint.toBase58() });
  const { address } = signer.wallet;
  const accountOf = (owner: string) =>
    PublicKey.findProgramAddressSync(
      [new PublicKey(owner).toBuffer(), tokenProgram.toBuffer(), usdtMint.toBuffer()],
      associatedProgram,
    )[0].toBase58();
  const programAddress = tokenProgram.toBase58();
  /** As the program lays it out (spl-token, state.rs). */
  function setTokens(owner: string, amount: bigint): void {
    const data = Buffer.alloc(165);
    usdtMint.toBuffer().copy(data, 0);
    new PublicKey(owner).toBuffer().copy(data, 32);
    data.writeBigUInt64LE(amount, 64);
    data[108] = 1;
    node.setAccount({ address: accountOf(owner), programAddress, lamports: 2_039_280n, data });
  }
  const mint = Buffer.alloc(82);
  mint.writeBigUInt64LE(1_000_000n * sol, 36);
  mint[44] = 6;
  mint[45] = 1;
  node.setAccount({ address: usdtMint.toBase58(), programAddress, lamports: sol, data: mint });
  node.airdrop(address, 1_000n * sol);
  setTokens(address, 1_000_000_000n);
  for (let block = 0; block < finality; block++) node.mine();
  function held(of: string, asset: string): bigint {
    if (asset === 'SOL') return node.account(of)?.lamports ?? 0n;
    const data = node.account(accountOf(of))?.data;
    return data === undefined ? 0n : Buffer.from(data).readBigUInt64LE(64);
  }
  return {
    name: 'Solana',
    wallet: signer.wallet,
    native: 'SOL',
    amount: 2n * sol,
    token: { asset: 'USDT_SOL', amount: 5_000_000n },
    finality,
    lifetime: 150,
    wire,
    connect: () =>
      solanaSendChain({
        url: new Secret(wire.url),
        cluster: 'local',
        mode: 'sandbox',
        usdtMint: usdtMint.toBase58(),
        feeCap: 5_000_000n,
      }),
    isBroadcast: ({ method }) => method === 'sendTransaction',
    forgetful() {
      wire.lie(({ method }) => method === 'getSignatureStatuses', withResult({ value: [null] }));
      wire.lie(({ method }) => method === 'getTransaction', withResult(null));
    },
    newAddress: async () => Keypair.generate().publicKey.toBase58(),
    receivedBy: async (of, asset) => held(of, asset),
    held: async (asset) => held(address, asset),
    sign: signer.sign,
    async mine(blocks) {
      for (let mined = 0; mined < blocks; mined++) node.mine();
    },
    drop: async (depth) => node.reorganise(depth, 'drop'),
    failNext: async () => setTokens(address, 0n),
    async stop() {
      await signer.stop();
      await wire.stop();
      await node.stop();
    },
  };
}
