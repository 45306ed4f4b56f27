/** Holds: place, capture, release, expire. What is captured moves; what is released or expires is available again. */
import { canGive, isOwnAccount, loweringOf, type Entry } from './account';
import type { CommandOf } from './book-commands';
import type { BookRejection } from './book-events';
import type { WorkingState } from './book-state';
import { entriesRefusal, movementRefusal } from './movement';
import { holdCaptureRule } from './posting-rules';
import type { HoldSubject } from './records';
import { because, nothingToDo, record, refuse, rejected, type Refusal, type Verdict } from './verdict';

export function placeHold(state: WorkingState, command: CommandOf<'PlaceHold'>, at: string): Verdict {
  const { holdId, contentHash, tenantId, accountId, asset, amount, expiresAt, metadata, actor } = command;
  const account = state.accounts.get(accountId);
  const no = (rejection: BookRejection, about: string | null = null) => {
    const request = { accountId, asset, amount: amount.toString(), ...(expiresAt === null ? {} : { expiresAt }) };
    const asked = { commandId: holdId, commandType: command.type, contentHash, tenantId, actor, request, at };
    return rejected(rejection, asked, about);
  };
  if (amount <= 0n) return no('entries_invalid');
  if (account === undefined || (tenantId !== null && !isOwnAccount(account, tenantId)))
    return no('account_not_found', accountId);
  if (account.asset !== asset) return no('asset_mismatch', accountId);
  if (expiresAt !== null && expiresAt <= at) return no('expiry_in_past');
  if (account.frozen) return no('account_frozen', accountId);
  if (!canGive(account, amount)) return no('insufficient_balance', accountId);
  return record({
    type: 'HoldPlaced',
    holdId,
    contentHash,
    tenantId,
    accountId,
    asset,
    amount,
    expiresAt,
    metadata,
    actor,
    at,
  });
}

/**
 * The held account is lowered, and the other side is entered on `creditAccountId`: a credit, unless the held account is
 * one that a credit lowers. A capture that is not final leaves the rest held; one of all that is left closes the hold.
 */
export function captureHold(state: WorkingState, command: CommandOf<'CaptureHold'>, at: string): Verdict {
  const { captureId, contentHash, tenantId, holdId, creditAccountId, final, actor } = command;
  const hold = holdOf(state, holdId, tenantId);
  const no = (rejection: BookRejection, about: string | null = null) => {
    const request = { holdId, creditAccountId, amount: command.amount?.toString() ?? 'rest', final: String(final) };
    const asked = { commandId: captureId, commandType: command.type, contentHash, tenantId, actor, request, at };
    return rejected(rejection, asked, about);
  };
  if (command.amount !== null && command.amount <= 0n) return no('entries_invalid');
  const account = hold === undefined ? undefined : state.accounts.get(hold.accountId);
  if (hold === undefined || account === undefined) return no('hold_not_found');
  if (hold.status !== 'open') return no('hold_closed');
  if (hold.expiresAt !== null && at >= hold.expiresAt) return no('hold_expired');
  const amount = command.amount ?? hold.remaining;
  if (amount > hold.remaining) return no('amount_exceeds_remaining');
  if (creditAccountId === hold.accountId) return no('accounts_not_distinct');
  const { accountId, asset } = hold;
  const direction = loweringOf(account.accountType);
  const entries: readonly Entry[] = [
    { accountId, asset, direction, amount },
    { accountId: creditAccountId, asset, direction: direction === 'debit' ? 'credit' : 'debit', amount },
  ];
  const refusal = entriesRefusal(state, entries, tenantId) ?? captureRefusal(state, entries);
  if (refusal !== null) return no(refusal.rejection, refusal.about);
  const left = hold.remaining - amount;
  return record({
    type: 'HoldCaptured',
    captureId,
    contentHash,
    holdId,
    // Of the one who captures: a tenant cannot take back what an operator captured of its hold.
    tenantId,
    accountId,
    asset,
    amount,
    released: final ? left : 0n,
    remaining: final ? 0n : left,
    rule: holdCaptureRule,
    entries,
    actor,
    at,
  });
}

/** The held account gives what it has promised, so only whether it is frozen counts; the other one has its limits too. */
function captureRefusal(state: WorkingState, [held, other]: readonly Entry[]): Refusal | null {
  if (held === undefined || other === undefined) return because('entries_invalid');
  if (state.accounts.get(held.accountId)?.frozen) return because('account_frozen', held.accountId);
  return movementRefusal(state, [other]);
}

export function releaseHold(state: WorkingState, command: CommandOf<'ReleaseHold'>, at: string): Verdict {
  const { releaseId, contentHash, tenantId, holdId, actor } = command;
  const hold = holdOf(state, holdId, tenantId);
  if (hold?.status !== 'open')
    return rejected(hold === undefined ? 'hold_not_found' : 'hold_closed', {
      commandId: releaseId,
      commandType: command.type,
      contentHash,
      tenantId,
      actor,
      request: { holdId },
      at,
    });
  const { accountId, asset, remaining: amount } = hold;
  const fields = { releaseId, contentHash, holdId, tenantId: hold.tenantId, accountId, asset, amount };
  return record({ type: 'HoldReleased', ...fields, actor, at });
}

/** The ledger's own: a hold that is no longer open is left as it is. */
export function expireHold(state: WorkingState, { holdId }: CommandOf<'ExpireHold'>, at: string): Verdict {
  const hold = holdOf(state, holdId, null);
  if (hold === undefined) return refuse('hold_not_found');
  if (hold.status !== 'open') return nothingToDo(at);
  const { tenantId, accountId, asset, remaining: amount, expiresAt } = hold;
  if (expiresAt === null || at < expiresAt) return refuse('hold_not_expired');
  return record({ type: 'HoldExpired', holdId, tenantId, accountId, asset, amount, expiresAt, at });
}

/** A tenant finds the holds that it placed itself; an operator all. */
function holdOf(state: WorkingState, holdId: string, tenantId: string | null): HoldSubject | undefined {
  const subject = state.records.get(holdId)?.subject;
  if (subject?.type !== 'hold') return undefined;
  return tenantId === null || subject.tenantId === tenantId ? subject : undefined;
}
