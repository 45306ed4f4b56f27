/**
 * A second model of a book, written to be obvious and slow: it keeps lists of what happened and adds them up again for
 * every question. It shares types with the ledger and none of its rules. For every command it finds all the reasons
 * there are to refuse it, and takes the first in the documented order.
 */
import type { BookCommand } from '../src/domain/book-commands';
import { bookRejections, type BookRejection } from '../src/domain/book-events';

type Fields = { accountId: string; tenantId: string | null; asset: string; type: string };
type Limits = { accountId: string; floor: bigint | null; ceiling: bigint | null };
type Side = { accountId: string; asset: string; direction: string; amount: bigint };
type Transaction = {
  id: string;
  owner: string | null;
  sides: readonly Side[];
  reversible: boolean;
  effectiveAt: string;
};
type Hold = {
  id: string;
  owner: string | null;
  accountId: string;
  asset: string;
  amount: bigint;
  expiresAt: string | null;
};
type Transfer = { id: string; from: string; to: string; asset: string; amount: bigint };

export type Expected =
  | { readonly type: 'repeated' | 'refused'; readonly rejection: BookRejection | null }
  | { readonly type: 'recorded'; readonly rejection: BookRejection | null };

type CommandOf<Type extends BookCommand['type']> = Extract<BookCommand, { type: Type }>;

const sum = (numbers: readonly bigint[]) => numbers.reduce((total, each) => total + each, 0n);

export class NaiveBook {
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

  // Questions.

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

  private statusOf(transferId: string): string {
    return this.resolutions.findLast((each) => each.transferId === transferId)?.how ?? 'pending';
  }

  private left({ id, sides }: Transaction): bigint {
    const reversed = this.reversals.filter(({ transactionId }) => transactionId === id);
    return (sides[0]?.amount ?? 0n) - sum(reversed.map(({ amount }) => amount));
  }

  private isOwn(accountId: string, tenantId: string): boolean {
    const account = this.accounts.find((each) => each.accountId === accountId);
    return account?.tenantId === tenantId && accountId.startsWith('acct:');
  }

  private isWallet(accountId: string): boolean {
    return ['a', 'b', 'c'].includes(accountId) && this.accounts.some((each) => each.accountId === accountId);
  }

  private fields(accountId: string): Fields | undefined {
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

  // Commands.

  rule(command: BookCommand, at: string): Expected {
    const id = idOf(command);
    const answered = this.answers.find((each) => each.id === id);
    if (answered !== undefined && 'contentHash' in command) {
      if (answered.content === command.contentHash) return { type: 'repeated', rejection: answered.rejection };
      return { type: 'refused', rejection: 'id_reused' };
    }
    const done = this.doneAlready(command);
    if (done !== null) return done;
    const reasons = this.reasons(command, at);
    const rejection = bookRejections.find((each) => reasons.includes(each)) ?? null;
    const isTraceless = ['OpenAccount', 'ConfirmTransfer', 'FailTransfer', 'ExpireHold'].includes(command.type);
    if (rejection !== null && isTraceless) return { type: 'refused', rejection };
    if ('contentHash' in command) this.answers.push({ id, content: command.contentHash, rejection });
    if (rejection === null) this.record(command, at);
    else this.events += 1;
    return { type: 'recorded', rejection };
  }

  private doneAlready(command: BookCommand): Expected | null {
    const repeated = { type: 'repeated', rejection: null } as const;
    switch (command.type) {
      case 'SetAccountFrozen':
        return this.fields(command.accountId) && this.frozen(command.accountId) === command.frozen ? repeated : null;
      case 'ConfirmTransfer':
      case 'FailTransfer': {
        const known = this.transfers.some(({ id }) => id === command.transferId);
        return known && this.statusOf(command.transferId) !== 'pending' ? repeated : null;
      }
      case 'ExpireHold':
        return this.holds.some(({ id }) => id === command.holdId) && this.remaining(command.holdId) === 0n
          ? repeated
          : null;
      case 'OpenAccount': {
        const fields = this.fields(command.accountId);
        const opening = this.openings.find((each) => each.accountId === command.accountId);
        const { floor, ceiling = null } = command;
        return fields && opening?.floor === floor && opening.ceiling === ceiling ? repeated : null;
      }
      case 'PostFact':
        return factSides(command).length === 0 ? repeated : null;
      default:
        return null;
    }
  }

  private reasons(command: BookCommand, at: string): BookRejection[] {
    switch (command.type) {
      case 'OpenAccount': {
        if (this.fields(command.accountId)) return ['account_exists_with_different_fields'];
        const { floor, ceiling = null } = command;
        return [
          ...(ceiling !== null && ['a', 'b', 'c'].includes(command.accountId) ? (['limits_fixed'] as const) : []),
          ...(floor !== null && ceiling !== null && floor > ceiling ? (['limits_crossed'] as const) : []),
        ];
      }
      case 'SetAccountLimits':
        return this.limitReasons(command);
      case 'SetAccountFrozen':
        return this.fields(command.accountId) ? [] : ['account_not_found'];
      case 'IssueFunds':
        return this.isWallet(command.accountId) ? [] : ['account_not_found'];
      case 'PostFact':
        return [];
      case 'PostTransaction':
        return this.postingReasons(command, at);
      case 'ReverseTransaction':
        return this.reversalReasons(command);
      case 'AcceptTransfer':
        return this.transferReasons(command);
      case 'ConfirmTransfer': {
        const transfer = this.transfers.find(({ id }) => id === command.transferId);
        if (!transfer) return ['transfer_not_found'];
        const frozen = (accountId: string, reason: BookRejection) => (this.frozen(accountId) ? [reason] : []);
        return [...frozen(transfer.from, 'debit_account_frozen'), ...frozen(transfer.to, 'credit_account_frozen')];
      }
      case 'FailTransfer':
        return this.transfers.some(({ id }) => id === command.transferId) ? [] : ['transfer_not_found'];
      case 'ReverseTransfer': {
        const transfer = this.transfers.find(({ id }) => id === command.transferId);
        if (!transfer) return ['transfer_not_found'];
        const status = this.statusOf(transfer.id);
        if (status === 'reversed') return ['transfer_already_reversed'];
        if (status !== 'confirmed') return ['transfer_not_confirmed'];
        const { floor } = this.limitsOf(transfer.to)!;
        const available = this.posted(transfer.to) - this.held(transfer.to);
        return floor !== null && available - transfer.amount < floor ? ['insufficient_balance'] : [];
      }
      case 'PlaceHold':
        return this.holdReasons(command, at);
      case 'CaptureHold':
        return this.captureReasons(command, at);
      case 'ReleaseHold':
        return this.openHold(command.holdId, command.tenantId).reasons;
      case 'ExpireHold': {
        const hold = this.holds.find(({ id }) => id === command.holdId);
        if (!hold) return ['hold_not_found'];
        return hold.expiresAt === null || hold.expiresAt > at ? ['hold_not_expired'] : [];
      }
      case 'ClosePeriod':
        return [
          ...(after(command.through) <= this.openFrom() ? (['period_closed'] as const) : []),
          ...(command.through >= at ? (['period_not_over'] as const) : []),
        ];
      case 'SignCheckpoint':
        return command.size > (this.checkpoints.at(-1) ?? 0) && command.size <= this.events
          ? []
          : ['checkpoint_out_of_order'];
    }
  }

  private limitReasons({ accountId, tenantId, floor, ceiling }: CommandOf<'SetAccountLimits'>): BookRejection[] {
    if (!this.fields(accountId) || (tenantId !== null && !this.isOwn(accountId, tenantId)))
      return ['account_not_found'];
    const reasons: BookRejection[] = [];
    if (/^(clearing|issuance):/.test(accountId) || (this.isWallet(accountId) && ceiling !== null))
      reasons.push('limits_fixed');
    if (floor !== null && ceiling !== null && floor > ceiling) reasons.push('limits_crossed');
    return reasons;
  }

  private postingReasons(command: CommandOf<'PostTransaction'>, at: string): BookRejection[] {
    const { tenantId, mode, entries, effectiveAt, closedPeriod } = command;
    const reasons: BookRejection[] = [];
    if (mode === 'recording' && tenantId !== null) reasons.push('recording_not_allowed');
    if (entries.length < 2) reasons.push('entries_invalid');
    if (effectiveAt !== null && effectiveAt > at) reasons.push('effective_in_future');
    if (effectiveAt !== null && effectiveAt < this.openFrom() && closedPeriod === 'refuse')
      reasons.push('period_closed');
    reasons.push(...this.sideReasons(entries, tenantId));
    if (mode === 'authorizing') reasons.push(...this.consentReasons(entries));
    return reasons;
  }

  private sideReasons(sides: readonly Side[], tenantId: string | null): BookRejection[] {
    const reasons: BookRejection[] = [];
    for (const { accountId, asset } of sides) {
      const account = this.fields(accountId);
      if (!account || (tenantId !== null && !this.isOwn(accountId, tenantId))) reasons.push('account_not_found');
      else if (account.asset !== asset) reasons.push('asset_mismatch');
    }
    for (const asset of sides.map((side) => side.asset)) {
      const of = (direction: string) =>
        sum(sides.filter((side) => side.asset === asset && side.direction === direction).map(({ amount }) => amount));
      if (of('debit') !== of('credit')) reasons.push('entries_unbalanced');
    }
    return reasons;
  }

  /** What the accounts say: posts the sides to a copy of the lists and looks at what is left. */
  private consentReasons(sides: readonly Side[]): BookRejection[] {
    const reasons: BookRejection[] = [];
    for (const { accountId } of sides) {
      if (!this.fields(accountId)) continue;
      if (this.frozen(accountId)) reasons.push('account_frozen');
      const before = this.posted(accountId);
      this.transactions.push({ id: '', owner: null, sides, reversible: false, effectiveAt: '' });
      const posted = this.posted(accountId);
      this.transactions.pop();
      const { floor, ceiling } = this.limitsOf(accountId)!;
      if (posted < before && floor !== null && posted - this.held(accountId) < floor)
        reasons.push('insufficient_balance');
      if (posted > before && ceiling !== null && posted > ceiling) reasons.push('ceiling_exceeded');
    }
    return reasons;
  }

  private reversalReasons({ transactionId, tenantId, amount }: CommandOf<'ReverseTransaction'>): BookRejection[] {
    const transaction = this.transactions.find(({ id }) => id === transactionId);
    const exists = this.answers.some(({ id, rejection }) => id === transactionId && rejection === null);
    if (!transaction?.reversible)
      return [exists && tenantId === null ? 'transaction_not_reversible' : 'transaction_not_found'];
    if (tenantId !== null && transaction.owner !== tenantId) return ['transaction_not_found'];
    const left = this.left(transaction);
    const reasons: BookRejection[] = [];
    if (left === 0n) reasons.push('transaction_already_reversed');
    if (amount !== null && transaction.sides.length > 2) reasons.push('reversal_only_in_full');
    if (amount !== null && amount > left) reasons.push('amount_exceeds_remaining');
    return [...reasons, ...this.consentReasons(opposite(transaction.sides, amount ?? left))];
  }

  private transferReasons(command: CommandOf<'AcceptTransfer'>): BookRejection[] {
    const { debitAccountId: from, creditAccountId: to, tenantId, asset, amount } = command;
    const reasons: BookRejection[] = [];
    if (this.fields(from)?.tenantId !== tenantId) reasons.push('debit_account_not_found');
    if (!this.isWallet(to)) reasons.push('credit_account_not_found');
    if (from === to) reasons.push('accounts_not_distinct');
    if (asset !== 'TXC') reasons.push('asset_mismatch');
    if (this.frozen(from)) reasons.push('debit_account_frozen');
    if (this.frozen(to)) reasons.push('credit_account_frozen');
    const floor = this.limitsOf(from)?.floor ?? null;
    if (floor !== null && this.posted(from) - this.held(from) - amount < floor) reasons.push('insufficient_balance');
    return reasons;
  }

  private holdReasons(command: CommandOf<'PlaceHold'>, at: string): BookRejection[] {
    const { accountId, tenantId, asset, amount, expiresAt } = command;
    const account = this.fields(accountId);
    if (!account || (tenantId !== null && !this.isOwn(accountId, tenantId))) return ['account_not_found'];
    const reasons: BookRejection[] = [];
    if (account.asset !== asset) reasons.push('asset_mismatch');
    if (expiresAt !== null && expiresAt <= at) reasons.push('expiry_in_past');
    if (this.frozen(accountId)) reasons.push('account_frozen');
    const { floor } = this.limitsOf(accountId)!;
    if (floor !== null && this.posted(accountId) - this.held(accountId) - amount < floor)
      reasons.push('insufficient_balance');
    return reasons;
  }

  private openHold(holdId: string, tenantId: string | null): { hold?: Hold; reasons: BookRejection[] } {
    const hold = this.holds.find(({ id, owner }) => id === holdId && (tenantId === null || owner === tenantId));
    if (!hold) return { reasons: ['hold_not_found'] };
    return { hold, reasons: this.remaining(holdId) === 0n ? ['hold_closed'] : [] };
  }

  private captureReasons(command: CommandOf<'CaptureHold'>, at: string): BookRejection[] {
    const { holdId, tenantId, creditAccountId } = command;
    const { hold, reasons } = this.openHold(holdId, tenantId);
    if (!hold || reasons.length > 0) return reasons;
    if (hold.expiresAt !== null && hold.expiresAt <= at) reasons.push('hold_expired');
    const amount = command.amount ?? this.remaining(holdId);
    if (amount > this.remaining(holdId)) reasons.push('amount_exceeds_remaining');
    if (creditAccountId === hold.accountId) reasons.push('accounts_not_distinct');
    const [held, other] = this.captureSides(hold, amount, creditAccountId);
    reasons.push(...this.sideReasons([held, other], tenantId), ...this.consentReasons([other]));
    if (this.frozen(hold.accountId)) reasons.push('account_frozen');
    return reasons;
  }

  private captureSides({ accountId, asset }: Hold, amount: bigint, creditAccountId: string): readonly [Side, Side] {
    const raisedByDebit = ['asset', 'expense'].includes(this.fields(accountId)!.type);
    const [down, up] = raisedByDebit ? ['credit', 'debit'] : ['debit', 'credit'];
    return [
      { accountId, asset, direction: down!, amount },
      { accountId: creditAccountId, asset, direction: up!, amount },
    ];
  }

  private record(command: BookCommand, at: string): void {
    this.events += 1;
    switch (command.type) {
      case 'OpenAccount':
        this.openAccount(command.accountId, command.tenantId, command.asset, command.accountType, command);
        return;
      case 'SetAccountLimits':
        this.limits.push(command);
        return;
      case 'SetAccountFrozen':
        this.freezes.push(command);
        return;
      case 'IssueFunds':
        this.openIfMissing('issuance:TXC', null, 'TXC', 'equity', null);
        this.transactions.push({
          id: command.transactionId,
          owner: null,
          sides: [
            { accountId: 'issuance:TXC', asset: 'TXC', direction: 'debit', amount: command.amount },
            { accountId: command.accountId, asset: 'TXC', direction: 'credit', amount: command.amount },
          ],
          reversible: true,
          effectiveAt: at,
        });
        return;
      case 'PostFact':
        this.recordFact(command, at);
        return;
      case 'PostTransaction':
        this.transactions.push({
          id: command.transactionId,
          owner: command.tenantId,
          sides: command.entries,
          reversible: true,
          effectiveAt: this.laterOf(command.effectiveAt ?? at, this.openFrom()),
        });
        return;
      case 'ReverseTransaction': {
        const transaction = this.transactions.find(({ id }) => id === command.transactionId)!;
        const amount = command.amount ?? this.left(transaction);
        this.reversals.push({ transactionId: transaction.id, amount });
        this.postOpposite(command.reversalId, transaction.sides, amount, at);
        return;
      }
      case 'AcceptTransfer': {
        const { transferId: id, debitAccountId: from, creditAccountId: to, asset, amount } = command;
        this.transfers.push({ id, from, to, asset, amount });
        return;
      }
      case 'ConfirmTransfer':
      case 'FailTransfer':
      case 'ReverseTransfer':
        this.recordTransfer(command, at);
        return;
      case 'PlaceHold': {
        const { holdId: id, tenantId: owner, accountId, asset, amount, expiresAt } = command;
        this.holds.push({ id, owner, accountId, asset, amount, expiresAt });
        return;
      }
      case 'CaptureHold': {
        const hold = this.holds.find(({ id }) => id === command.holdId)!;
        const amount = command.amount ?? this.remaining(hold.id);
        const sides = this.captureSides(hold, amount, command.creditAccountId);
        this.taken.push({ holdId: hold.id, amount, how: 'captured' });
        if (command.final) this.taken.push({ holdId: hold.id, amount: this.remaining(hold.id), how: 'released' });
        this.transactions.push({
          id: command.captureId,
          owner: command.tenantId,
          sides,
          reversible: true,
          effectiveAt: at,
        });
        return;
      }
      case 'ReleaseHold':
      case 'ExpireHold':
        this.taken.push({ holdId: command.holdId, amount: this.remaining(command.holdId), how: command.type });
        return;
      case 'ClosePeriod':
        this.closings.push(after(command.through));
        return;
      case 'SignCheckpoint':
        this.checkpoints.push(command.size);
    }
  }

  private recordTransfer(command: CommandOf<'ConfirmTransfer' | 'FailTransfer' | 'ReverseTransfer'>, at: string): void {
    const { id, from, to, asset, amount } = this.transfers.find((each) => each.id === command.transferId)!;
    const how = { ConfirmTransfer: 'confirmed', FailTransfer: 'failed', ReverseTransfer: 'reversed' }[command.type];
    this.resolutions.push({ transferId: id, how });
    const sides = [
      { accountId: from, asset, direction: 'debit', amount },
      { accountId: to, asset, direction: 'credit', amount },
    ];
    if (how === 'confirmed') this.transactions.push({ id, owner: null, sides, reversible: false, effectiveAt: at });
    if (how === 'reversed') this.postOpposite(`reversal:${id}`, sides, amount, at);
  }

  private recordFact(command: CommandOf<'PostFact'>, at: string): void {
    const sides = factSides(command);
    for (const { accountId } of sides) {
      const isCustody = /^(custody|provider):/.test(accountId);
      const tenantId = isCustody ? null : command.fact.tenantId;
      this.openIfMissing(accountId, tenantId, 'ETH', isCustody ? 'asset' : 'liability', isCustody ? null : 0n);
    }
    const happened = command.effectiveAt < at ? command.effectiveAt : at;
    const effectiveAt = this.laterOf(happened, this.openFrom());
    this.transactions.push({ id: command.transactionId, owner: null, sides, reversible: true, effectiveAt });
  }

  private postOpposite(id: string, sides: readonly Side[], amount: bigint, effectiveAt: string): void {
    this.transactions.push({ id, owner: null, sides: opposite(sides, amount), reversible: false, effectiveAt });
  }

  private laterOf(one: string, other: string): string {
    return one < other ? other : one;
  }

  private openIfMissing(accountId: string, tenantId: string | null, asset: string, type: string, floor: bigint | null) {
    if (this.fields(accountId)) return;
    this.events += 1;
    this.openAccount(accountId, tenantId, asset, type, { floor, ceiling: null });
  }

  private openAccount(
    accountId: string,
    tenantId: string | null,
    asset: string,
    type: string,
    { floor, ceiling = null }: { readonly floor: bigint | null; readonly ceiling?: bigint | null },
  ): void {
    this.accounts.push({ accountId, tenantId, asset, type });
    this.openings.push({ accountId, floor, ceiling });
    this.limits.push({ accountId, floor, ceiling });
  }
}

function opposite(sides: readonly Side[], amount: bigint): readonly Side[] {
  return sides.map((side) => ({
    ...side,
    direction: side.direction === 'debit' ? 'credit' : 'debit',
    amount: sides.length === 2 ? amount : side.amount,
  }));
}

function after(time: string): string {
  return new Date(new Date(time).getTime() + 1).toISOString();
}

function factSides({ fact }: CommandOf<'PostFact'>): readonly Side[] {
  const own = (purpose: string) => `${purpose}:${fact.tenantId}:ETH`;
  const side = (accountId: string, direction: string, amount: bigint) => ({
    accountId,
    asset: 'ETH',
    direction,
    amount,
  });
  const sides = {
    intent_payment: () => {
      const { applied, refundable } = fact as { applied: bigint; refundable: bigint };
      return [
        side('custody:evm:ETH', 'debit', applied + refundable),
        side(own('clearing'), 'credit', applied),
        side(own('refundable'), 'credit', refundable),
      ];
    },
    intent_underpaid: () => moved('clearing', 'refundable'),
    settlement: () => moved('clearing', 'merchant'),
    provider_payment: () => {
      const { amount } = fact as { amount: bigint };
      return [side('provider:gateway:ETH', 'debit', amount), side(own('merchant'), 'credit', amount)];
    },
  }[fact.type]();
  return sides.filter(({ amount }) => amount > 0n);

  function moved(from: string, to: string) {
    const { amount } = fact as { amount: bigint };
    return [side(own(from), 'debit', amount), side(own(to), 'credit', amount)];
  }
}

function idOf(command: BookCommand): string {
  const named = command as Readonly<Record<string, unknown>>;
  const own: Readonly<Record<BookCommand['type'], string>> = {
    OpenAccount: 'accountId',
    SetAccountLimits: 'changeId',
    SetAccountFrozen: 'accountId',
    IssueFunds: 'transactionId',
    PostFact: 'transactionId',
    PostTransaction: 'transactionId',
    ReverseTransaction: 'reversalId',
    AcceptTransfer: 'transferId',
    ConfirmTransfer: 'transferId',
    FailTransfer: 'transferId',
    ReverseTransfer: 'reversalId',
    PlaceHold: 'holdId',
    CaptureHold: 'captureId',
    ReleaseHold: 'releaseId',
    ExpireHold: 'holdId',
    ClosePeriod: 'closeId',
    SignCheckpoint: 'checkpointId',
  };
  return String(named[own[command.type]]);
}
