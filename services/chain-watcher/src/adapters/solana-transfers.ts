/**
 * What a Solana block paid to watched addresses: the difference of balances before and after each transaction that
 * succeeded, so that inner instructions, several transfers and withheld fees need no rule of their own. What a
 * transaction moves between token accounts of one owner is nothing.
 *
 * A transaction that comes without its outcome or its balances may have paid anything, so its block is refused, as is one with
 * a balance of the token that says nothing of whose it is. A block whose list of transactions is empty is believed: there are
 * such blocks, and nothing in the answer tells them apart.
 *
 * An address that signed the transaction paid for something itself; what it got back is not a deposit. It is one of the
 * spenders, as is whoever has less afterwards: the rent of a token account that is closed is in nobody's balance.
 *
 * Index inside a transaction: the place of the address among its accounts for SOL; for a token, 256 and the place of the
 * owner's first token account. Places are part of what was signed, and no transaction has more than 256 accounts.
 */
import { contradiction } from '@daybook/http';
import type { AssetCode } from '@daybook/money';
import { z } from 'zod';
import type { Transfer, WatchedAddresses } from '../ports';

const accountsMax = 256;

/** A mint is of one program for ever; which ones are allowed is decided when the asset is pinned. */
export type PinnedToken = { readonly mint: string; readonly programs: readonly string[] };

const lamports = z.number().nonnegative();
const tokenBalance = z.object({
  accountIndex: z.number().int().nonnegative(),
  mint: z.string(),
  owner: z.string().optional(),
  programId: z.string().optional(),
  uiTokenAmount: z.object({ amount: z.string().regex(/^\d{1,20}$/) }),
});
export const blockWithBalances = z.object({
  blockhash: z.string(),
  previousBlockhash: z.string(),
  transactions: z.array(
    z.object({
      transaction: z.object({
        signatures: z.array(z.string()).min(1),
        accountKeys: z.array(z.object({ pubkey: z.string(), signer: z.boolean() })).max(accountsMax),
      }),
      meta: z.object({
        err: z.union([z.null(), z.string(), z.looseObject({})]),
        preBalances: z.array(lamports),
        postBalances: z.array(lamports),
        preTokenBalances: z.array(tokenBalance),
        postTokenBalances: z.array(tokenBalance),
      }),
    }),
  ),
});
type Block = z.output<typeof blockWithBalances>;
type Transaction = Block['transactions'][number];

export function transfersIn(
  block: Block,
  token: PinnedToken | undefined,
  watched: WatchedAddresses,
): readonly Transfer[] {
  return block.transactions.flatMap((transaction) => {
    if (transaction.meta.err !== null) return [];
    const signers = new Set(
      transaction.transaction.accountKeys.filter(({ signer }) => signer).map(({ pubkey }) => pubkey),
    );
    const changes = [...solChanges(transaction, watched), ...(token ? tokenChanges(transaction, token, watched) : [])];
    const signing = [...signers].filter((address) => watched.has(address));
    const spendersOf = (asset: AssetCode) => {
      const poorer = changes.filter((change) => change.asset === asset && change.amount < 0n).map(({ of }) => of);
      return [...new Set([...signing, ...poorer])];
    };
    const payments = changes
      .filter(({ of, amount }) => amount > 0n && !signers.has(of))
      .map(({ of, ...payment }) => ({ ...payment, to: of, spenders: spendersOf(payment.asset) }));
    const [transactionId] = transaction.transaction.signatures;
    return payments.map((payment) => ({ transactionId: transactionId!, ...payment }));
  });
}

/** What a watched address has more than before, or less. */
type Change = Pick<Transfer, 'index' | 'asset' | 'amount'> & { readonly of: string };

function solChanges({ transaction, meta }: Transaction, watched: WatchedAddresses): readonly Change[] {
  return transaction.accountKeys.flatMap(({ pubkey: of }, index): Change[] => {
    if (!watched.has(of)) return [];
    const [before, after] = [meta.preBalances[index], meta.postBalances[index]];
    // Beyond this the answer's numbers are no longer exact, and no deposit address has nine million SOL.
    if (!Number.isSafeInteger(before) || !Number.isSafeInteger(after))
      throw contradiction(`no exact balances of ${of} in ${transaction.signatures[0]}`);
    return [{ of, index, asset: 'SOL', amount: BigInt(after!) - BigInt(before!) }];
  });
}

function tokenChanges(
  { transaction, meta }: Transaction,
  token: PinnedToken,
  watched: WatchedAddresses,
): readonly Change[] {
  const changes = new Map<string, { amount: bigint; place: number }>();
  const count = (balances: Transaction['meta']['preTokenBalances'], sign: bigint) => {
    for (const { accountIndex, mint, owner, programId, uiTokenAmount } of balances) {
      if (mint !== token.mint) continue;
      const left = owner === undefined ? 'owner' : 'programId';
      if (owner === undefined || programId === undefined)
        throw contradiction(`a balance in ${transaction.signatures[0]} comes without its ${left}`);
      if (!token.programs.includes(programId) || !watched.has(owner)) continue;
      const change = changes.get(owner) ?? { amount: 0n, place: accountIndex };
      const amount = change.amount + sign * BigInt(uiTokenAmount.amount);
      changes.set(owner, { amount, place: Math.min(change.place, accountIndex) });
    }
  };
  count(meta.preTokenBalances, -1n);
  count(meta.postTokenBalances, 1n);
  return [...changes].map(([of, { amount, place }]) => ({ of, index: accountsMax + place, asset: 'USDT_SOL', amount }));
}
