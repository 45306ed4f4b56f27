/**
 * A Solana cluster of one node for tests: the real runtime (litesvm) under blocks, slots and forks of our own. Every third
 * slot has no block. What a fork drops is undone account by account.
 */
import { randomBytes } from 'node:crypto';
import type { LiteSVM } from 'litesvm';
import { base58, readTokenAccount, readTransaction, type WireTransaction } from './wire';

const tokenProgramIds = new Set([
  'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA',
  'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb',
]);
const everySkipped = 3;

type Account = Parameters<LiteSVM['setAccount']>[0];
type Address = Account['address'];

export type TokenBalance = {
  readonly accountIndex: number;
  readonly mint: string;
  readonly owner: string;
  readonly programId: string;
  readonly uiTokenAmount: { readonly amount: string; readonly decimals: number };
};
export type Executed = {
  /** Its first signature. */
  readonly id: string;
  readonly wire: WireTransaction;
  readonly error: unknown;
  readonly preBalances: readonly number[];
  readonly postBalances: readonly number[];
  readonly preTokenBalances: readonly TokenBalance[];
  readonly postTokenBalances: readonly TokenBalance[];
};
export type SolanaBlock = {
  readonly slot: number;
  /** Blocks below it: skipped slots are none. */
  readonly height: number;
  readonly blockhash: string;
  readonly previousBlockhash: string;
  readonly parentSlot: number;
  readonly transactions: readonly Executed[];
};

export type SolanaLedger = {
  readonly genesisHash: string;
  readonly blocks: readonly SolanaBlock[];
  /** As it is, or as it was before the newest `blocks` blocks. What a test sets was always so. */
  account(address: string, blocks?: number): Account | undefined;
  airdrop(address: string, lamports: bigint): void;
  setAccount(account: { address: string; programAddress: string; lamports: bigint; data: Uint8Array }): void;
  /** Whether a transaction would succeed now. */
  wouldSucceed(bytes: Uint8Array): boolean;
  /** Executes the transactions and makes them the next block. Failed ones are in it too. */
  mine(transactions?: readonly Uint8Array[]): SolanaBlock;
  /** Replaces the newest `depth` blocks by one more than that, their transactions in the last of the replaced. */
  reorganise(depth: number, transactions: 'reinclude' | 'drop'): void;
};

export async function solanaLedger(): Promise<SolanaLedger> {
  const { LiteSVM: Svm } = await import('litesvm');
  // A transaction that was dropped may be executed again in another block.
  const svm = new Svm().withTransactionHistory(0n).withBlockhashCheck(false);
  const { account, execute, wouldSucceed } = runtime(svm);
  const blocks: SolanaBlock[] = [];
  const undo: (readonly Account[])[] = [];
  let produced = 0;

  const ledger: SolanaLedger = {
    genesisHash: base58(randomBytes(32)),
    blocks,
    account(address, newest = 0) {
      const before = newest === 0 ? [] : undo.slice(-newest).flat();
      const then = before.find((one) => one.address === address);
      return then === undefined ? account(address) : existing(then);
    },
    wouldSucceed,
    airdrop: (address, lamports) =>
      svm.setAccount({ ...nothing(address), lamports: (account(address)?.lamports ?? 0n) + lamports } as never),
    setAccount: (given) => svm.setAccount({ ...nothing(given.address), ...given } as never),
    mine(transactions = []) {
      const parent = blocks.at(-1);
      const skipped = ++produced % everySkipped === 0 ? 1 : 0;
      const before: Account[] = [];
      svm.expireBlockhash();
      const block: SolanaBlock = {
        slot: parent === undefined ? 0 : parent.slot + 1 + skipped,
        height: blocks.length,
        blockhash: base58(randomBytes(32)),
        previousBlockhash: parent?.blockhash ?? base58(new Uint8Array(32)),
        parentSlot: parent?.slot ?? 0,
        transactions: transactions.map((bytes) => execute(bytes, before)),
      };
      blocks.push(block);
      undo.push(before);
      return block;
    },
    reorganise(depth, transactions) {
      const dropped = blocks.splice(blocks.length - depth);
      for (const before of undo.splice(undo.length - depth).toReversed())
        for (const one of before.toReversed()) svm.setAccount(one as never);
      const again = dropped.flatMap((block) => block.transactions.map(({ wire }) => wire.bytes));
      for (let mined = 1; mined < depth; mined++) ledger.mine();
      ledger.mine(transactions === 'reinclude' ? again : []);
      ledger.mine();
    },
  };
  return ledger;
}

/** What does not exist is remembered as an account without lamports. */
const existing = (account: Account) => (account.lamports === 0n ? undefined : account);

const nothing = (address: string): Account =>
  ({
    address,
    data: new Uint8Array(),
    executable: false,
    lamports: 0n,
    programAddress: base58(new Uint8Array(32)),
    space: 0n,
  }) as never;

/** Executes transactions and reads what they changed. */
function runtime(svm: LiteSVM) {
  const account = (address: string): Account | undefined => {
    const found = svm.getAccount(address as Address);
    return found.exists ? (found as unknown as Account) : undefined;
  };
  function balancesOf({ keys }: WireTransaction): { lamports: number[]; tokens: TokenBalance[] } {
    const held = keys.map((key) => account(key));
    return {
      lamports: held.map((one) => Number(one?.lamports ?? 0n)),
      tokens: held.flatMap((one, accountIndex) => tokensOf(one, accountIndex)),
    };
  }
  function tokensOf(held: Account | undefined, accountIndex: number): TokenBalance[] {
    if (held === undefined || !tokenProgramIds.has(held.programAddress)) return [];
    const token = readTokenAccount(new Uint8Array(held.data));
    if (token === undefined) return [];
    const decimals = new Uint8Array(account(token.mint)!.data)[44]!;
    const uiTokenAmount = { amount: token.amount.toString(), decimals };
    return [{ accountIndex, mint: token.mint, owner: token.owner, programId: held.programAddress, uiTokenAmount }];
  }

  function signed({ signatures, keys, message }: WireTransaction) {
    const byKey = Object.fromEntries(signatures.map((signature, place) => [keys[place]!, signature]));
    return { messageBytes: message, signatures: byKey } as never;
  }
  const wouldSucceed = (bytes: Uint8Array) => !('err' in svm.simulateTransaction(signed(readTransaction(bytes))));

  function execute(bytes: Uint8Array, before: Account[]): Executed {
    const wire = readTransaction(bytes);
    before.push(
      ...wire.keys.filter((_key, place) => wire.isWritable(place)).map((key) => account(key) ?? nothing(key)),
    );
    const pre = balancesOf(wire);
    const outcome = svm.sendTransaction(signed(wire));
    const post = balancesOf(wire);
    return {
      id: base58(wire.signatures[0]!),
      wire,
      error: 'err' in outcome ? { InstructionError: [0, String(outcome)] } : null,
      preBalances: pre.lamports,
      postBalances: post.lamports,
      preTokenBalances: pre.tokens,
      postTokenBalances: post.tokens,
    };
  }

  return { account, execute, wouldSucceed };
}
