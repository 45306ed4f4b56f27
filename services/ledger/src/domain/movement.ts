/**
 * What entries would do to the accounts that they are on, before they are posted. An account's change is the sum over all
 * its entries, so that a transaction is judged by what it leaves and not by the order of its entries.
 */
import {
  availableOf,
  effectOf,
  isOwnAccount,
  type Account,
  type AccountFields,
  type AccountType,
  type Entry,
} from './account';
import type { WorkingState } from './book-state';
import { because, type Refusal } from './verdict';

const entriesMax = 100;

/** Why these entries can be posted by nobody, or null. With a tenant, they have to be on its own accounts. */
export function entriesRefusal(
  state: WorkingState,
  entries: readonly Entry[],
  tenantId: string | null,
): Refusal | null {
  let mismatched: string | null = null;
  for (const { accountId, asset } of entries) {
    const account = state.accounts.get(accountId);
    if (account === undefined) return because('account_not_found', accountId);
    // The id of the entry is in the cache of the core, where the account's own is not.
    if (tenantId !== null && !isOwnAccount({ accountId, tenantId: account.tenantId }, tenantId))
      return because('account_not_found', accountId);
    if (account.asset !== asset) mismatched ??= accountId;
  }
  if (mismatched !== null) return because('asset_mismatch', mismatched);
  return isBalanced(entries) ? null : because('entries_unbalanced');
}

/** At least two, not too many, and each of something. */
export function isShapely(entries: readonly Entry[]): boolean {
  if (entries.length < 2 || entries.length > entriesMax) return false;
  for (const { amount } of entries) if (amount <= 0n) return false;
  return true;
}

function isBalanced(entries: readonly Entry[]): boolean {
  const [first, second] = entries;
  if (entries.length === 2 && first !== undefined && second !== undefined)
    return first.asset === second.asset && first.direction !== second.direction && first.amount === second.amount;
  const sums = new Map<string, bigint>();
  for (const { asset, direction, amount } of entries)
    sums.set(asset, (sums.get(asset) ?? 0n) + (direction === 'debit' ? amount : -amount));
  for (const sum of sums.values()) if (sum !== 0n) return false;
  return true;
}

/** Why an account of the entries does not allow them, or null: a frozen one first, then a floor, then a ceiling. */
export function movementRefusal(state: WorkingState, entries: readonly Entry[]): Refusal | null {
  let refusal: Refusal | null = null;
  for (let index = 0; index < entries.length; index++) {
    const { accountId } = entries[index]!;
    const account = state.accounts.get(accountId);
    if (account === undefined) return because('account_not_found', accountId);
    if (account.frozen) return because('account_frozen', accountId);
    if (refusal?.rejection === 'insufficient_balance') continue;
    const change = changeAt(entries, index, account.accountType);
    if (breaksFloor(account, change)) refusal = because('insufficient_balance', accountId);
    else if (breaksCeiling(account, change)) refusal ??= because('ceiling_exceeded', accountId);
  }
  return refusal;
}

export type Breaches = { readonly floorBreaches: readonly string[]; readonly ceilingBreaches: readonly string[] };

export const noBreaches: Breaches = { floorBreaches: [], ceilingBreaches: [] };

/**
 * The accounts that the entries would leave beyond their limits. `fields` says what those are that are not open yet,
 * `released` what is held no more by then.
 */
export function breachesOf(
  state: WorkingState,
  entries: readonly Entry[],
  fields: readonly AccountFields[] = [],
  released: readonly { readonly accountId: string; readonly amount: bigint }[] = [],
): Breaches {
  let breaches = noBreaches;
  for (let index = 0; index < entries.length; index++) {
    const { accountId } = entries[index]!;
    const account = state.accounts.get(accountId) ?? unopened(fields, accountId);
    if (account === undefined) continue;
    const change = changeAt(entries, index, account.accountType);
    if (breaksFloor(account, change, freed(released, accountId)))
      breaches = { ...breaches, floorBreaches: [...breaches.floorBreaches, accountId] };
    else if (breaksCeiling(account, change))
      breaches = { ...breaches, ceilingBreaches: [...breaches.ceilingBreaches, accountId] };
  }
  return breaches;
}

type Limited = Pick<Account, 'accountType' | 'floor' | 'ceiling' | 'posted' | 'held'>;

function unopened(fields: readonly AccountFields[], accountId: string): Limited | undefined {
  const opened = fields.find((each) => each.accountId === accountId);
  if (opened === undefined) return undefined;
  const { accountType, floor, ceiling } = opened;
  return { accountType, floor, ceiling, posted: 0n, held: 0n };
}

/** What all entries do to the account of the one at `index`; nothing, if an earlier one is on the same account. */
function changeAt(entries: readonly Entry[], index: number, accountType: AccountType): bigint {
  const own = entries[index];
  if (own === undefined) return 0n;
  let change = effectOf(own, accountType);
  for (let other = 0; other < entries.length; other++) {
    const entry = entries[other];
    if (other === index || entry === undefined || entry.accountId !== own.accountId) continue;
    if (other < index) return 0n;
    change += effectOf(entry, accountType);
  }
  return change;
}

function breaksFloor(account: Limited, change: bigint, free = 0n): boolean {
  return change < 0n && account.floor !== null && availableOf(account) + change < account.floor - free;
}

function freed(
  released: readonly { readonly accountId: string; readonly amount: bigint }[],
  accountId: string,
): bigint {
  let sum = 0n;
  for (const each of released) if (each.accountId === accountId) sum += each.amount;
  return sum;
}

function breaksCeiling(account: Limited, change: bigint): boolean {
  return change > 0n && account.ceiling !== null && account.posted + change > account.ceiling;
}
