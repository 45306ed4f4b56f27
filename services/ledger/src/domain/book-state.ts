/**
 * The state of a book and how an event changes it: the accounts, and the records of what was asked (`records.ts`). The
 * state is changed in place, because an engine holds millions of accounts; it is still a function of the events alone.
 * `apply` is total over the histories that `decide` can produce and asserts on any other, since a wrong history must
 * stop the book before it is built upon. It runs for every command, so it makes nothing that it does not keep.
 */
import { AssertionError, assertNever } from '@daybook/core';
import { cloneAccount, effectOf, isAboveCeiling, isBelowFloor, newAccount, type Account, type Entry } from './account';
import type { BookEvent, TransferFields } from './book-events';
import { RecordMap } from './record-map';
import { applyToRecords, cloneRecord, type Cells, type EventPlace, type Records } from './records';

/** What `decide` and `apply` need of a state: that of a book, or a fork of it. */
export type WorkingState = Records & {
  readonly accounts: Cells<Account>;
  /** Events so far; the sequence of the next one. */
  length: number;
  /** Time of the last event. Times in a book never go back. */
  lastAt: string;
  /** The first instant that is in no closed period; empty while none was closed. */
  openFrom: string;
  /** Events that the last signed checkpoint covers. */
  checkpointSize: number;
};

export type BookState = WorkingState & {
  readonly accounts: Map<string, Account>;
  /** All open records, and the closed ones that are in memory. */
  readonly records: RecordMap;
  /** Ids of the open records, in the order of their making. */
  readonly open: Set<string>;
};

export function emptyBook(): BookState {
  return {
    accounts: new Map(),
    records: new RecordMap(),
    open: new Set(),
    length: 0,
    lastAt: '',
    openFrom: '',
    checkpointSize: 0,
  };
}

/**
 * A state on which commands can be decided and events applied as on `state`, and which leaves `state` as it is: what it
 * reads it copies. It is of no use any more as soon as `state` itself changes.
 */
export function fork(state: WorkingState): WorkingState {
  return {
    ...state,
    accounts: overlay(state.accounts, cloneAccount),
    records: overlay(state.records, cloneRecord),
    open: new Set(),
  };
}

function overlay<Value>(base: Cells<Value>, clone: (value: Value) => Value): Cells<Value> {
  const own = new Map<string, Value>();
  return {
    get(id) {
      const mine = own.get(id);
      if (mine !== undefined) return mine;
      const value = base.get(id);
      if (value === undefined) return undefined;
      const copy = clone(value);
      own.set(id, copy);
      return copy;
    },
    has: (id) => own.has(id) || base.has(id),
    set: (id, value) => own.set(id, value),
  };
}

export function apply(state: WorkingState, event: BookEvent, place: EventPlace): void {
  if (place.sequence !== state.length) throw new AssertionError(`event ${place.sequence} after ${state.length} events`);
  if (event.at < state.lastAt) throw new AssertionError(`event ${place.sequence} is dated before the one it follows`);
  applyToRecords(state, event, place);
  applyToAccounts(state, event);
  if (event.type === 'PeriodClosed') closePeriod(state, event.openFrom);
  else if (event.type === 'CheckpointSigned') signCheckpoint(state, event.size);
  state.length += 1;
  state.lastAt = event.at;
}

function closePeriod(state: WorkingState, openFrom: string): void {
  if (openFrom <= state.openFrom) throw new AssertionError(`closed before ${openFrom}, after ${state.openFrom}`);
  state.openFrom = openFrom;
}

function signCheckpoint(state: WorkingState, size: number): void {
  if (size <= state.checkpointSize || size > state.length)
    throw new AssertionError(`a checkpoint of ${size} after ${state.checkpointSize}, with ${state.length} events`);
  state.checkpointSize = size;
}

function applyToAccounts(state: Pick<WorkingState, 'accounts'>, event: BookEvent): void {
  switch (event.type) {
    case 'AccountOpened':
      if (state.accounts.has(event.accountId)) throw new AssertionError(`account ${event.accountId} opened twice`);
      state.accounts.set(event.accountId, newAccount(event, event.at));
      return;
    case 'AccountFrozen':
    case 'AccountUnfrozen': {
      const account = accountOf(state, event.accountId);
      account.frozen = event.type === 'AccountFrozen';
      account.updatedAt = event.at;
      return;
    }
    case 'TransferAccepted':
      promise(state, event.transfer, event.at);
      return;
    case 'TransferConfirmed':
      release(state, event.transfer, event.at);
      // What was held is given whatever the floor is by now: it was not available before either.
      post(state, event.entries, event.at, event.transfer.transferId, [event.transfer.debitAccountId], none);
      return;
    case 'TransferFailed':
      release(state, event.transfer, event.at);
      return;
    case 'TransferReversed':
      post(state, event.entries, event.at, event.transactionId, none, none);
      return;
    case 'TransactionPosted':
      post(state, event.entries, event.at, event.transactionId, event.floorBreaches, event.ceilingBreaches);
      return;
    case 'TransactionReversed':
      post(state, event.entries, event.at, event.reversalId, none, none);
      return;
    case 'HoldPlaced':
      hold(state, event);
      return;
    case 'HoldCaptured':
      unhold(state, event.accountId, event.amount + event.released, event.at);
      post(state, event.entries, event.at, event.captureId, [event.accountId], none);
      return;
    case 'HoldReleased':
    case 'HoldExpired':
      unhold(state, event.accountId, event.amount, event.at);
      return;
    case 'AccountLimitsSet': {
      const account = accountOf(state, event.accountId);
      account.floor = event.floor;
      account.ceiling = event.ceiling;
      account.updatedAt = event.at;
      return;
    }
    case 'PeriodClosed':
    case 'CheckpointSigned':
    case 'CommandRejected':
      return;
    default:
      assertNever(event);
  }
}

type Accounts = Pick<WorkingState, 'accounts'>;

const none: readonly string[] = [];

function accountOf({ accounts }: Accounts, accountId: string): Account {
  const account = accounts.get(accountId);
  if (account === undefined) throw new AssertionError(`unknown account ${accountId}`);
  return account;
}

function promise(state: Accounts, transfer: TransferFields, at: string): void {
  const { transferId, debitAccountId, creditAccountId, asset, amount } = transfer;
  if (amount <= 0n) throw new AssertionError(`transfer ${transferId} of ${amount}`);
  if (debitAccountId === creditAccountId) throw new AssertionError(`transfer ${transferId} from and to one account`);
  const debit = accountOf(state, debitAccountId);
  const credit = accountOf(state, creditAccountId);
  if (debit.asset !== asset || credit.asset !== asset)
    throw new AssertionError(`transfer ${transferId} in another asset`);
  debit.held += amount;
  credit.incoming += amount;
  if (isBelowFloor(debit)) throw new AssertionError(`transfer ${transferId} takes ${debitAccountId} below its floor`);
  debit.updatedAt = at;
  credit.updatedAt = at;
}

/** That it is done once, is for the transfer's record to say. */
function release(
  state: Accounts,
  { transferId, debitAccountId, creditAccountId, amount }: TransferFields,
  at: string,
): void {
  const debit = accountOf(state, debitAccountId);
  const credit = accountOf(state, creditAccountId);
  debit.held -= amount;
  credit.incoming -= amount;
  if (debit.held < 0n || credit.incoming < 0n)
    throw new AssertionError(`transfer ${transferId} releases more than is held`);
  debit.updatedAt = at;
  credit.updatedAt = at;
}

function hold(state: Accounts, { holdId, accountId, asset, amount, at }: Extract<BookEvent, { type: 'HoldPlaced' }>) {
  const account = accountOf(state, accountId);
  if (amount <= 0n) throw new AssertionError(`hold ${holdId} of ${amount}`);
  if (account.asset !== asset) throw new AssertionError(`hold ${holdId} in another asset`);
  account.held += amount;
  if (isBelowFloor(account)) throw new AssertionError(`hold ${holdId} takes ${accountId} below its floor`);
  account.updatedAt = at;
}

/** That no more is released than the hold has, is for the hold's record to say. */
function unhold(state: Accounts, accountId: string, amount: bigint, at: string): void {
  const account = accountOf(state, accountId);
  account.held -= amount;
  if (account.held < 0n) throw new AssertionError(`${accountId} releases more than is held`);
  account.updatedAt = at;
}

/** The entries leave accounts that they lower above their floor, and others below their ceiling, but for the breaches. */
function post(
  state: Accounts,
  entries: readonly Entry[],
  at: string,
  posted: string,
  floorBreaches: readonly string[],
  ceilingBreaches: readonly string[],
): void {
  const [first, second] = entries;
  if (entries.length !== 2 || first === undefined || second === undefined || first.accountId === second.accountId) {
    postMany(state, entries, at, posted, floorBreaches, ceilingBreaches);
    return;
  }
  const one = accountOf(state, first.accountId);
  const other = accountOf(state, second.accountId);
  const change = enter(one, first, at);
  const otherChange = enter(other, second, at);
  if (first.asset !== second.asset || first.direction === second.direction || first.amount !== second.amount)
    throw new AssertionError(`entries in ${first.asset} do not balance`);
  checkLimits(one, change, posted, floorBreaches, ceilingBreaches);
  checkLimits(other, otherChange, posted, floorBreaches, ceilingBreaches);
}

function postMany(
  state: Accounts,
  entries: readonly Entry[],
  at: string,
  posted: string,
  floorBreaches: readonly string[],
  ceilingBreaches: readonly string[],
): void {
  const sums = new Map<string, bigint>();
  const changes = new Map<Account, bigint>();
  for (const entry of entries) {
    const account = accountOf(state, entry.accountId);
    const change = enter(account, entry, at);
    changes.set(account, (changes.get(account) ?? 0n) + change);
    sums.set(entry.asset, (sums.get(entry.asset) ?? 0n) + (entry.direction === 'debit' ? entry.amount : -entry.amount));
  }
  for (const [asset, sum] of sums) if (sum !== 0n) throw new AssertionError(`entries in ${asset} do not balance`);
  for (const [account, change] of changes) checkLimits(account, change, posted, floorBreaches, ceilingBreaches);
}

/** What the entry does to the account's balance. */
function enter(account: Account, entry: Entry, at: string): bigint {
  if (entry.amount <= 0n) throw new AssertionError(`an entry of ${entry.amount} on ${entry.accountId}`);
  if (entry.asset !== account.asset) throw new AssertionError(`an entry in ${entry.asset} on ${entry.accountId}`);
  const effect = effectOf(entry, account.accountType);
  account.posted += effect;
  account.version += 1;
  account.updatedAt = at;
  return effect;
}

function checkLimits(
  account: Account,
  change: bigint,
  posted: string,
  floorBreaches: readonly string[],
  ceilingBreaches: readonly string[],
): void {
  if (change < 0n && isBelowFloor(account) && !floorBreaches.includes(account.accountId))
    throw new AssertionError(`${posted} takes ${account.accountId} below its floor`);
  if (change > 0n && isAboveCeiling(account) && !ceilingBreaches.includes(account.accountId))
    throw new AssertionError(`${posted} takes ${account.accountId} above its ceiling`);
}
