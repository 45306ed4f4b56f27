/** What the second model of a book keeps, and its questions: lists of what happened, added up again for each of them. */
import type { BookRejection } from '../src/domain/book-events';

export type Fields = { accountId: string; tenantId: string | null; asset: string; type: string };
export type Limits = { accountId: string; floor: bigint | null; ceiling: bigint | null };
export type Side = { accountId: string; asset: string; direction: string; amount: bigint };
export type Transaction = {
  id: string;
  owner: string | null;
  sides: readonly Side[];
  reversible: boolean;
  effectiveAt: string;
};
export type Hold = {
  id: string;
  owner: string | null;
  accountId: string;
  asset: string;
  amount: bigint;
  expiresAt: string | null;
};
export type Transfer = { id: string; from: string; to: string; asset: string; amount: bigint };

export const sum = (numbers: readonly bigint[]) => numbers.reduce((total, each) => total + each, 0n);

export class NaiveLists {
  readonly accounts: Fields[] = [];
  readonly openings: Limits[] = [];
  readonly limits: Limits[] = [];
  readonly freezes: { accountId: string; frozen: boolean }[] = [];
  readonly transactions: Transaction[] = [];
  readonly reversals: { transactionId: string; amount: bigint }[] = [];
  readonly holds: Hold[] = [];
  readonly taken: { holdId: string; amount: bigint; how: string }[] = [];
  readonly transfers: Transfer[] = [];
  readonly resolutions: { transferId: string; how: string }[] = [];
  readonly closings: string[] = [];
  readonly checkpoints: number[] = [];
  readonly answers: { id: string; content: string; rejection: BookRejection | null }[] = [];
  events = 0;

  posted(accountId: string): bigint {
    const type = this.accounts.find((each) => each.accountId === accountId)?.type ?? '';
    return sum(
      this.transactions
        .flatMap(({ sides }) => sides)
        .filter((side) => side.accountId === accountId)
        .map(({ direction, amount }) =>
          (direction === 'debit') === ['asset', 'expense'].includes(type) ? amount : -amount,
        ),
    );
  }

  held(accountId: string): bigint {
    const transfers = this.transfers.filter(({ from, id }) => from === accountId && this.statusOf(id) === 'pending');
    const holds = this.holds.filter((hold) => hold.accountId === accountId);
    return sum(transfers.map(({ amount }) => amount)) + sum(holds.map(({ id }) => this.remaining(id)));
  }

  incoming(accountId: string): bigint {
    const transfers = this.transfers.filter(({ to, id }) => to === accountId && this.statusOf(id) === 'pending');
    return sum(transfers.map(({ amount }) => amount));
  }

  frozen(accountId: string): boolean {
    return this.freezes.findLast((each) => each.accountId === accountId)?.frozen ?? false;
  }

  limitsOf(accountId: string): Limits | undefined {
    return this.limits.findLast((each) => each.accountId === accountId);
  }

  remaining(holdId: string): bigint {
    const amount = this.holds.find(({ id }) => id === holdId)?.amount ?? 0n;
    return amount - sum(this.taken.filter((each) => each.holdId === holdId).map((each) => each.amount));
  }

  openFrom(): string {
    return this.closings.at(-1) ?? '';
  }

  statusOf(transferId: string): string {
    return this.resolutions.findLast((each) => each.transferId === transferId)?.how ?? 'pending';
  }

  left({ id, sides }: Transaction): bigint {
    const reversed = this.reversals.filter(({ transactionId }) => transactionId === id);
    return (sides[0]?.amount ?? 0n) - sum(reversed.map(({ amount }) => amount));
  }

  isOwn(accountId: string, tenantId: string): boolean {
    const account = this.accounts.find((each) => each.accountId === accountId);
    return account?.tenantId === tenantId && accountId.startsWith('acct:');
  }

  isWallet(accountId: string): boolean {
    return ['a', 'b', 'c'].includes(accountId) && this.accounts.some((each) => each.accountId === accountId);
  }

  fields(accountId: string): Fields | undefined {
    return this.accounts.find((each) => each.accountId === accountId);
  }

  /** Balances, limits and versions, as the book should have them. */
  snapshotOf(accountId: string) {
    const version = this.transactions.flatMap(({ sides }) => sides).filter((side) => side.accountId === accountId);
    const { floor, ceiling } = this.limitsOf(accountId)!;
    return {
      posted: this.posted(accountId),
      held: this.held(accountId),
      incoming: this.incoming(accountId),
      frozen: this.frozen(accountId),
      version: version.length,
      floor,
      ceiling,
    };
  }
}
