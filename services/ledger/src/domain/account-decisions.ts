/** Accounts: open, set the limits, freeze. */
import {
  chartFieldsOf,
  isOwnAccount,
  isOwnAccountIdValid,
  isWallet,
  sameFields,
  type Account,
  type AccountFields,
} from './account';
import type { CommandOf } from './book-commands';
import type { BookRejection } from './book-events';
import type { WorkingState } from './book-state';
import { nothingToDo, record, refuse, rejected, taken, type Verdict } from './verdict';

export function openAccount(state: WorkingState, command: CommandOf<'OpenAccount'>, at: string): Verdict {
  const { accountId, tenantId, asset, accountType, floor, ceiling = null, metadata = null, asked } = command;
  const fields: AccountFields = { accountId, tenantId, asset, accountType, floor, ceiling, metadata };
  const no = (rejection: BookRejection) =>
    asked === undefined ? refuse(rejection) : rejected(rejection, { ...openingOf(fields, command.type), ...asked, at });
  const existing = state.accounts.get(accountId);
  const fixed = existing === undefined ? chartFieldsOf(accountId) : asOpened(existing);
  if (
    fixed === 'misspelt' ||
    (fixed !== null && !sameFields(fixed, fields)) ||
    !isOwnAccountIdValid(accountId, tenantId)
  )
    return no('account_exists_with_different_fields');
  if (existing !== undefined) return nothingToDo(existing.openedAt);
  if (ceiling !== null && isWallet(fields)) return no('limits_fixed');
  if (isCrossed(floor, ceiling)) return no('limits_crossed');
  return record({
    type: 'AccountOpened',
    accountId,
    tenantId,
    asset,
    accountType,
    floor,
    ceiling,
    metadata,
    rule: null,
    actor: asked?.actor ?? null,
    at,
  });
}

/** What is told of an opening that was refused. The id stays free. */
function openingOf({ accountId, asset, accountType, floor, ceiling }: AccountFields, commandType: string) {
  const limits = { floor: floor?.toString() ?? 'none', ceiling: ceiling?.toString() ?? 'none' };
  const request = { accountId, asset, type: accountType, ...limits };
  return { commandId: `open:${accountId}`, commandType, contentHash: null, request };
}

/** Opening again is a repeat, also when the limits were changed since. */
function asOpened(account: Account): AccountFields {
  const { accountId, tenantId, asset, accountType, openingFloor, openingCeiling, metadata } = account;
  return { accountId, tenantId, asset, accountType, floor: openingFloor, ceiling: openingCeiling, metadata };
}

function isCrossed(floor: bigint | null, ceiling: bigint | null): boolean {
  return floor !== null && ceiling !== null && floor > ceiling;
}

/**
 * Limits hold for what comes: a balance that is already beyond them stays. The chart fixes the limits of its accounts,
 * and a wallet has no ceiling, because a transfer that was accepted must not be refused by its recipient's wallet.
 */
export function setAccountLimits(state: WorkingState, command: CommandOf<'SetAccountLimits'>, at: string): Verdict {
  const { changeId, contentHash, tenantId, accountId, floor, ceiling, actor } = command;
  const account = state.accounts.get(accountId);
  const no = (rejection: BookRejection) =>
    rejected(rejection, {
      commandId: changeId,
      commandType: command.type,
      contentHash,
      tenantId,
      actor,
      request: { accountId, floor: floor?.toString() ?? 'none', ceiling: ceiling?.toString() ?? 'none' },
      at,
    });
  if (account === undefined || (tenantId !== null && !isOwnAccount(account, tenantId))) return no('account_not_found');
  if (chartFieldsOf(accountId) !== null || (account.wallet && ceiling !== null)) return no('limits_fixed');
  if (isCrossed(floor, ceiling)) return no('limits_crossed');
  return record({ type: 'AccountLimitsSet', changeId, contentHash, accountId, floor, ceiling, actor, at });
}

/**
 * One that nobody named only sees to the state. One that has a name is recorded also when there is nothing to change, so
 * that a late repeat of it gets its answer and does not undo what was decided since.
 */
export function setAccountFrozen(state: WorkingState, command: CommandOf<'SetAccountFrozen'>, at: string): Verdict {
  const { changeId, contentHash, accountId, frozen, actor } = command;
  const answered = changeId === null || contentHash === null ? null : taken(state, changeId, contentHash);
  if (answered !== null) return answered;
  const account = state.accounts.get(accountId);
  if (account === undefined) {
    return rejected('account_not_found', {
      commandId: changeId ?? `freeze:${accountId}`,
      commandType: command.type,
      contentHash,
      tenantId: null,
      actor,
      request: { accountId, frozen: String(frozen) },
      at,
    });
  }
  if (changeId === null && account.frozen === frozen) return nothingToDo(account.updatedAt);
  return record({ type: frozen ? 'AccountFrozen' : 'AccountUnfrozen', changeId, contentHash, accountId, actor, at });
}
