/** The second model's reasons to refuse a command. It shares no rule with the ledger. */
import type { BookCommand } from '../src/domain/book-commands';
import type { BookRejection } from '../src/domain/book-events';
import { sum, type Hold, type NaiveLists, type Side } from './naive-lists';

export type CommandOf<Type extends BookCommand['type']> = Extract<BookCommand, { type: Type }>;

/** All the reasons there are to refuse it, in no order. */
export function reasonsAgainst(book: NaiveLists, command: BookCommand, at: string): BookRejection[] {
  switch (command.type) {
    case 'OpenAccount': {
      if (book.fields(command.accountId)) return ['account_exists_with_different_fields'];
      const { floor, ceiling = null } = command;
      return [
        ...(ceiling !== null && ['a', 'b', 'c'].includes(command.accountId) ? (['limits_fixed'] as const) : []),
        ...(floor !== null && ceiling !== null && floor > ceiling ? (['limits_crossed'] as const) : []),
      ];
    }
    case 'SetAccountLimits':
      return limitReasons(book, command);
    case 'SetAccountFrozen':
      return book.fields(command.accountId) ? [] : ['account_not_found'];
    case 'IssueFunds':
      return book.isWallet(command.accountId) ? [] : ['account_not_found'];
    case 'PostFact':
      return [];
    case 'PostTransaction':
      return postingReasons(book, command, at);
    case 'ReverseTransaction':
      return reversalReasons(book, command);
    case 'AcceptTransfer':
      return transferReasons(book, command);
    case 'ConfirmTransfer': {
      const transfer = book.transfers.find(({ id }) => id === command.transferId);
      if (!transfer) return ['transfer_not_found'];
      const frozen = (accountId: string, reason: BookRejection) => (book.frozen(accountId) ? [reason] : []);
      return [...frozen(transfer.from, 'debit_account_frozen'), ...frozen(transfer.to, 'credit_account_frozen')];
    }
    case 'FailTransfer':
      return book.transfers.some(({ id }) => id === command.transferId) ? [] : ['transfer_not_found'];
    case 'ReverseTransfer': {
      const transfer = book.transfers.find(({ id }) => id === command.transferId);
      if (!transfer) return ['transfer_not_found'];
      const status = book.statusOf(transfer.id);
      if (status === 'reversed') return ['transfer_already_reversed'];
      if (status !== 'confirmed') return ['transfer_not_confirmed'];
      const { floor } = book.limitsOf(transfer.to)!;
      const available = book.posted(transfer.to) - book.held(transfer.to);
      return floor !== null && available - transfer.amount < floor ? ['insufficient_balance'] : [];
    }
    case 'PlaceHold':
      return holdReasons(book, command, at);
    case 'CaptureHold':
      return captureReasons(book, command, at);
    case 'ReleaseHold':
      return openHold(book, command.holdId, command.tenantId).reasons;
    case 'ExpireHold': {
      const hold = book.holds.find(({ id }) => id === command.holdId);
      if (!hold) return ['hold_not_found'];
      return hold.expiresAt === null || hold.expiresAt > at ? ['hold_not_expired'] : [];
    }
    case 'ClosePeriod':
      return [
        ...(after(command.through) <= book.openFrom() ? (['period_closed'] as const) : []),
        ...(command.through >= at ? (['period_not_over'] as const) : []),
      ];
    case 'SignCheckpoint':
      return command.after === (book.checkpoints.at(-1) ?? 0) &&
        command.size > command.after &&
        command.size <= book.events
        ? []
        : ['checkpoint_out_of_order'];
  }
}

function limitReasons(
  book: NaiveLists,
  { accountId, tenantId, floor, ceiling }: CommandOf<'SetAccountLimits'>,
): BookRejection[] {
  if (!book.fields(accountId) || (tenantId !== null && !book.isOwn(accountId, tenantId))) return ['account_not_found'];
  const reasons: BookRejection[] = [];
  if (/^(clearing|issuance):/.test(accountId) || (book.isWallet(accountId) && ceiling !== null))
    reasons.push('limits_fixed');
  if (floor !== null && ceiling !== null && floor > ceiling) reasons.push('limits_crossed');
  return reasons;
}

function postingReasons(book: NaiveLists, command: CommandOf<'PostTransaction'>, at: string): BookRejection[] {
  const { tenantId, mode, entries, effectiveAt, closedPeriod } = command;
  const reasons: BookRejection[] = [];
  if (mode === 'recording' && tenantId !== null) reasons.push('recording_not_allowed');
  if (entries.length < 2) reasons.push('entries_invalid');
  if (effectiveAt !== null && new Date(effectiveAt) > new Date(Date.parse(at) + 5_000))
    reasons.push('effective_in_future');
  if (effectiveAt !== null && effectiveAt < book.openFrom() && closedPeriod === 'refuse') reasons.push('period_closed');
  reasons.push(...sideReasons(book, entries, tenantId));
  if (mode === 'authorizing') reasons.push(...consentReasons(book, entries));
  return reasons;
}

function sideReasons(book: NaiveLists, sides: readonly Side[], tenantId: string | null): BookRejection[] {
  const reasons: BookRejection[] = [];
  for (const { accountId, asset } of sides) {
    const account = book.fields(accountId);
    if (!account || (tenantId !== null && !book.isOwn(accountId, tenantId))) reasons.push('account_not_found');
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
function consentReasons(book: NaiveLists, sides: readonly Side[]): BookRejection[] {
  const reasons: BookRejection[] = [];
  for (const { accountId } of sides) {
    if (!book.fields(accountId)) continue;
    if (book.frozen(accountId)) reasons.push('account_frozen');
    const before = book.posted(accountId);
    book.transactions.push({ id: '', owner: null, sides, reversible: false, effectiveAt: '' });
    const posted = book.posted(accountId);
    book.transactions.pop();
    const { floor, ceiling } = book.limitsOf(accountId)!;
    if (posted < before && floor !== null && posted - book.held(accountId) < floor)
      reasons.push('insufficient_balance');
    if (posted > before && ceiling !== null && posted > ceiling) reasons.push('ceiling_exceeded');
  }
  return reasons;
}

function reversalReasons(
  book: NaiveLists,
  { transactionId, tenantId, amount }: CommandOf<'ReverseTransaction'>,
): BookRejection[] {
  const transaction = book.transactions.find(({ id }) => id === transactionId);
  const exists = book.answers.some(({ id, rejection }) => id === transactionId && rejection === null);
  if (!transaction?.reversible)
    return [
      exists && (tenantId === null || transactionId.startsWith(`${tenantId}/`))
        ? 'transaction_not_reversible'
        : 'transaction_not_found',
    ];
  if (tenantId !== null && transaction.owner !== tenantId) return ['transaction_not_found'];
  const left = book.left(transaction);
  const reasons: BookRejection[] = [];
  if (left === 0n) reasons.push('transaction_already_reversed');
  if (amount !== null && transaction.sides.length > 2) reasons.push('reversal_only_in_full');
  if (amount !== null && amount > left) reasons.push('amount_exceeds_remaining');
  return [...reasons, ...consentReasons(book, opposite(transaction.sides, amount ?? left))];
}

function transferReasons(book: NaiveLists, command: CommandOf<'AcceptTransfer'>): BookRejection[] {
  const { debitAccountId: from, creditAccountId: to, tenantId, asset, amount } = command;
  const reasons: BookRejection[] = [];
  if (book.fields(from)?.tenantId !== tenantId) reasons.push('debit_account_not_found');
  if (!book.isWallet(to)) reasons.push('credit_account_not_found');
  if (from === to) reasons.push('accounts_not_distinct');
  if (asset !== 'TXC') reasons.push('asset_mismatch');
  if (book.frozen(from)) reasons.push('debit_account_frozen');
  if (book.frozen(to)) reasons.push('credit_account_frozen');
  const floor = book.limitsOf(from)?.floor ?? null;
  if (floor !== null && book.posted(from) - book.held(from) - amount < floor) reasons.push('insufficient_balance');
  return reasons;
}

function holdReasons(book: NaiveLists, command: CommandOf<'PlaceHold'>, at: string): BookRejection[] {
  const { accountId, tenantId, asset, amount, expiresAt } = command;
  const account = book.fields(accountId);
  if (!account || (tenantId !== null && !book.isOwn(accountId, tenantId))) return ['account_not_found'];
  const reasons: BookRejection[] = [];
  if (account.asset !== asset) reasons.push('asset_mismatch');
  if (expiresAt !== null && expiresAt <= at) reasons.push('expiry_in_past');
  if (book.frozen(accountId)) reasons.push('account_frozen');
  const { floor } = book.limitsOf(accountId)!;
  if (floor !== null && book.posted(accountId) - book.held(accountId) - amount < floor)
    reasons.push('insufficient_balance');
  return reasons;
}

function openHold(
  book: NaiveLists,
  holdId: string,
  tenantId: string | null,
): { hold?: Hold; reasons: BookRejection[] } {
  const hold = book.holds.find(({ id, owner }) => id === holdId && (tenantId === null || owner === tenantId));
  if (!hold) return { reasons: ['hold_not_found'] };
  return { hold, reasons: book.remaining(holdId) === 0n ? ['hold_closed'] : [] };
}

function captureReasons(book: NaiveLists, command: CommandOf<'CaptureHold'>, at: string): BookRejection[] {
  const { holdId, tenantId, creditAccountId } = command;
  const { hold, reasons } = openHold(book, holdId, tenantId);
  if (!hold || reasons.length > 0) return reasons;
  if (hold.expiresAt !== null && hold.expiresAt <= at) reasons.push('hold_expired');
  const amount = command.amount ?? book.remaining(holdId);
  if (amount > book.remaining(holdId)) reasons.push('amount_exceeds_remaining');
  if (creditAccountId === hold.accountId) reasons.push('accounts_not_distinct');
  const [held, other] = captureSides(book, hold, amount, creditAccountId);
  reasons.push(...sideReasons(book, [held, other], tenantId), ...consentReasons(book, [other]));
  if (book.frozen(hold.accountId)) reasons.push('account_frozen');
  return reasons;
}

export function captureSides(
  book: NaiveLists,
  { accountId, asset }: Hold,
  amount: bigint,
  creditAccountId: string,
): readonly [Side, Side] {
  const raisedByDebit = ['asset', 'expense'].includes(book.fields(accountId)!.type);
  const [down, up] = raisedByDebit ? ['credit', 'debit'] : ['debit', 'credit'];
  return [
    { accountId, asset, direction: down!, amount },
    { accountId: creditAccountId, asset, direction: up!, amount },
  ];
}

export function opposite(sides: readonly Side[], amount: bigint): readonly Side[] {
  return sides.map((side) => ({
    ...side,
    direction: side.direction === 'debit' ? 'credit' : 'debit',
    amount: sides.length === 2 ? amount : side.amount,
  }));
}

export function after(time: string): string {
  return new Date(new Date(time).getTime() + 1).toISOString();
}
