import { solanaNode } from '@daybook/testing';
import { Secret } from '@daybook/runtime';
import { Keypair, PublicKey, SystemProgram, Transaction, TransactionInstruction, type Signer } from '@solana/web3.js';
import { randomBytes } from 'node:crypto';
import { solanaChain, tokenPrograms } from '../src/adapters/solana-chain';
import type { TestChain } from './test-chain';
import { confirmations } from './watcher.contract';

const sol = 1_000_000_000n;
const decimals = 6;
const tokenProgram = new PublicKey(tokenPrograms.token);
const associatedProgram = new PublicKey('ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL');
/** A deposit address cannot hold less than the rent of an empty account, so amounts are counted from there. */
const mintSpace = 82;

/** Instructions of the SPL token program, encoded by hand (spl-token, instruction.rs). */
const encoded = {
  initializeMint: (authority: PublicKey) =>
    Buffer.concat([Buffer.from([20, decimals]), authority.toBuffer(), Buffer.from([0])]),
  mintTo: (amount: bigint) => tagged(7, amount),
  transfer: (amount: bigint) => tagged(3, amount),
};
function tagged(tag: number, amount: bigint): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = tag;
  bytes.writeBigUInt64LE(amount, 1);
  return bytes;
}

export type SolanaTestChain = TestChain & {
  readonly node: Awaited<ReturnType<typeof solanaNode>>;
  readonly mint: string;
  readonly payer: Keypair;
  /** Signs with the payer and mines. True if the transaction succeeded. */
  send(
    instructions: readonly TransactionInstruction[],
    signers?: readonly Signer[],
  ): Promise<{ id: string; succeeded: boolean }>;
  /** Creates the owner's token account if there is none, and pays into it. */
  tokensTo(mint: PublicKey, owner: PublicKey, amount: bigint): TransactionInstruction[];
};

/** litesvm behind a JSON-RPC front: the real runtime and the real token program. */
export async function solanaTestChain(): Promise<SolanaTestChain> {
  const node = await solanaNode({ blocksToFinality: confirmations });
  const payer = Keypair.generate();
  node.airdrop(payer.publicKey.toBase58(), 1_000_000n * sol);

  async function send(instructions: readonly TransactionInstruction[], signers: readonly Signer[] = []) {
    const transaction = new Transaction({
      recentBlockhash: new PublicKey(randomBytes(32)).toBase58(),
      feePayer: payer.publicKey,
    });
    transaction.add(...instructions).sign(payer, ...signers);
    const [executed] = node.mine([transaction.serialize()]).transactions;
    return { id: executed!.id, succeeded: executed!.error === null };
  }
  const accountOf = (mint: PublicKey, owner: PublicKey) =>
    PublicKey.findProgramAddressSync(
      [owner.toBuffer(), tokenProgram.toBuffer(), mint.toBuffer()],
      associatedProgram,
    )[0];
  const opening = (mint: PublicKey, owner: PublicKey) =>
    new TransactionInstruction({
      programId: associatedProgram,
      keys: [
        { pubkey: payer.publicKey, isSigner: true, isWritable: true },
        { pubkey: accountOf(mint, owner), isSigner: false, isWritable: true },
        { pubkey: owner, isSigner: false, isWritable: false },
        { pubkey: mint, isSigner: false, isWritable: false },
        { pubkey: SystemProgram.programId, isSigner: false, isWritable: false },
        { pubkey: tokenProgram, isSigner: false, isWritable: false },
      ],
      // Idempotent: an account that exists is left as it is.
      data: Buffer.from([1]),
    });
  const tokensTo = (mint: PublicKey, owner: PublicKey, amount: bigint, from = payer.publicKey) => [
    opening(mint, owner),
    new TransactionInstruction({
      programId: tokenProgram,
      keys: [
        { pubkey: accountOf(mint, from), isSigner: false, isWritable: true },
        { pubkey: accountOf(mint, owner), isSigner: false, isWritable: true },
        { pubkey: from, isSigner: true, isWritable: false },
      ],
      data: encoded.transfer(amount),
    }),
  ];
  async function newMint(): Promise<PublicKey> {
    const mint = Keypair.generate();
    const on = (keys: { pubkey: PublicKey; isSigner: boolean; isWritable: boolean }[], data: Buffer) =>
      new TransactionInstruction({ programId: tokenProgram, keys, data });
    const { succeeded } = await send(
      [
        SystemProgram.createAccount({
          fromPubkey: payer.publicKey,
          newAccountPubkey: mint.publicKey,
          lamports: Number(sol),
          space: mintSpace,
          programId: tokenProgram,
        }),
        on([{ pubkey: mint.publicKey, isSigner: false, isWritable: true }], encoded.initializeMint(payer.publicKey)),
        opening(mint.publicKey, payer.publicKey),
        on(
          [
            { pubkey: mint.publicKey, isSigner: false, isWritable: true },
            { pubkey: accountOf(mint.publicKey, payer.publicKey), isSigner: false, isWritable: true },
            { pubkey: payer.publicKey, isSigner: true, isWritable: false },
          ],
          encoded.mintTo(10n ** 15n),
        ),
      ],
      [mint],
    );
    if (!succeeded) throw new Error('the mint could not be made');
    return mint.publicKey;
  }
  const [mint, lookAlike] = [await newMint(), await newMint()];
  for (let block = 0; block < confirmations; block++) node.mine();

  const solTo = (to: string, amount: bigint, from = payer.publicKey) =>
    SystemProgram.transfer({ fromPubkey: from, toPubkey: new PublicKey(to), lamports: amount });
  async function paid(
    instructions: readonly TransactionInstruction[],
    ...signers: Signer[]
  ): Promise<{ transactionId: string }> {
    const { id, succeeded } = await send(instructions, signers);
    if (!succeeded) throw new Error(`${id} failed`);
    return { transactionId: id };
  }
  function newKey(): Keypair {
    const key = Keypair.generate();
    // Of an address without rent even one lamport would be refused.
    node.airdrop(key.publicKey.toBase58(), sol);
    return key;
  }
  const connect = (url = node.url) =>
    solanaChain({ url: new Secret(url), cluster: 'local', usdtMint: mint.toBase58(), allowToken2022: false });
  return {
    name: 'solana-local',
    asset: 'SOL',
    token: 'USDT_SOL',
    node,
    mint: mint.toBase58(),
    payer,
    send,
    tokensTo,
    rule: () => ({ kind: 'finalized' }),
    connect: () => connect(),
    wire: { url: node.url, connect },
    newAddress: async () => newKey().publicKey.toBase58(),
    pay: (to, amount) => paid([solTo(to, amount)]),
    payments: {
      several: (payments) => paid(payments.map(({ to, amount }) => solTo(to, amount))),
      async token(to, amount) {
        await paid(tokensTo(mint, new PublicKey(to), amount));
      },
      async failed(to, amount) {
        // The first transfer is good; the second makes all of it fail.
        const { succeeded } = await send([solTo(to, amount), solTo(to, 10n ** 18n)]);
        if (succeeded) throw new Error('the transaction was to fail');
      },
      async lookAlike(to, amount) {
        await paid(tokensTo(lookAlike, new PublicKey(to), amount));
      },
      async nothing(to) {
        await paid([solTo(to, 0n), ...tokensTo(mint, new PublicKey(to), 0n)]);
      },
      async spender() {
        const key = newKey();
        return {
          address: key.publicKey.toBase58(),
          send: (to, amount) => paid([solTo(to, amount, key.publicKey)], key),
          sendToken: (to, amount) => paid(tokensTo(mint, new PublicKey(to), amount, key.publicKey), key),
        };
      },
    },
    async mine(blocks) {
      for (let mined = 0; mined < blocks; mined++) node.mine();
    },
    reorganise: async (depth, transfers) => node.reorganise(depth, transfers),
    stop: () => node.stop(),
  };
}
