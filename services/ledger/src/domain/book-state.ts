/**
 * The state of a book and how an event changes it. The state is changed in place, because an engine holds millions of
 * accounts; it is still a function of the events alone. `apply` is total over the histories that `decide` can produce
 * and asserts on any other, since a wrong history must stop the book before it is built upon.
 */
import { assert, assertNever } from '@daybook/core';
import { availableOf, effectOf, newAccount, type Account, type Entry } from './account';
import type { BookEvent, BookRejection, TransferFields } from './book-events';

export type TransferState = TransferFields & {
  status: 'pending' | 'confirmed' | 'failed' | 'reversed';
  /** Ledger reference of the confirmation. */
  reference: string | null;
};

/** The answer to a command id, for ever. */
export type RecordedOutcome = {
  readonly contentHash: string;
  readonly rejection: BookRejection | null;
  readonly at: string;
  /** Of the event that recorded it. */
  readonly reference: string;
};

export type BookState = {
  readonly accounts: Map<string, Account>;
  readonly transfers: Map<string, TransferState>;
  readonly pending: Set<string>;
  readonly outcomes: Map<string, RecordedOutcome>;
  /** Events so far; the sequence of the next one. */
  length: number;
  /** Time of the last event. Times in a book never go back. */
  lastAt: string;
};

/** Where an event stands in its book, and `0x` and the hash of its stored bytes. */
export type EventPlace = { readonly sequence: number; readonly reference: string };

export function emptyBook(): BookState {
  return {
    accounts: new Map(),
    transfers: new Map(),
    pending: new Set(),
    outcomes: new Map(),
    length: 0,
    lastAt: '',
  };
}

export function apply(state: BookState, event: BookEvent, place: EventPlace): void {
  assert(place.sequence === state.length, `event ${place.sequence} after ${state.length} events`);
  assert(event.at >= state.lastAt, `event ${place.sequence} is dated before the one it follows`);
  change(state, event, place.reference);
  state.length += 1;
  state.lastAt = event.at;
}

function change(state: BookState, event: BookEvent, reference: string): void {
  switch (event.type) {
    case 'AccountOpened':
      assert(!state.accounts.has(event.accountId), `account ${event.accountId} opened twice`);
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
      hold(state, event.transfer, event.at);
      answer(state, event.transfer.transferId, { ...event, rejection: null }, reference);
      return;
    case 'TransferConfirmed':
      resolve(state, event.transfer, 'confirmed', event.at).reference = reference;
      post(state, event.entries, event.at);
      return;
    case 'TransferFailed':
      resolve(state, event.transfer, 'failed', event.at);
      return;
    case 'TransferReversed':
      reverse(state, event);
      if (event.reversalId === null || event.contentHash === null) return;
      answer(state, event.reversalId, { contentHash: event.contentHash, rejection: null, at: event.at }, reference);
      return;
    case 'TransactionPosted':
      for (const accountId of post(state, event.entries, event.at)) {
        assert(event.floorBreaches.includes(accountId), `${event.transactionId} takes ${accountId} below its floor`);
      }
      answer(state, event.transactionId, { ...event, rejection: null }, reference);
      return;
    case 'CommandRejected':
      if (event.contentHash === null) return;
      answer(state, event.commandId, { ...event, contentHash: event.contentHash }, reference);
      return;
    default:
      assertNever(event);
  }
}

function accountOf(state: BookState, accountId: string): Account {
  const account = state.accounts.get(accountId);
  assert(account, `unknown account ${accountId}`);
  return account;
}

function answer(
  state: BookState,
  commandId: string,
  { contentHash, rejection, at }: Omit<RecordedOutcome, 'reference'>,
  reference: string,
): void {
  assert(!state.outcomes.has(commandId), `${commandId} answered twice`);
  state.outcomes.set(commandId, { contentHash, rejection, at, reference });
}

function hold(state: BookState, transfer: TransferFields, at: string): void {
  const { transferId, debitAccountId, creditAccountId, asset, amount } = transfer;
  assert(!state.transfers.has(transferId), `transfer ${transferId} accepted twice`);
  assert(amount > 0n, `transfer ${transferId} of ${amount}`);
  assert(debitAccountId !== creditAccountId, `transfer ${transferId} from and to one account`);
  const debit = accountOf(state, debitAccountId);
  const credit = accountOf(state, creditAccountId);
  assert(debit.asset === asset && credit.asset === asset, `transfer ${transferId} in another asset`);
  debit.held += amount;
  credit.incoming += amount;
  assert(!isBelowFloor(debit), `transfer ${transferId} takes ${debitAccountId} below its floor`);
  debit.updatedAt = at;
  credit.updatedAt = at;
  state.transfers.set(transferId, { ...transfer, status: 'pending', reference: null });
  state.pending.add(transferId);
}

/** Releases the hold, once. */
function resolve(
  state: BookState,
  { transferId }: TransferFields,
  status: 'confirmed' | 'failed',
  at: string,
): TransferState {
  const transfer = state.transfers.get(transferId);
  assert(transfer?.status === 'pending', `transfer ${transferId} ${status} after ${transfer?.status ?? 'nothing'}`);
  const debit = accountOf(state, transfer.debitAccountId);
  const credit = accountOf(state, transfer.creditAccountId);
  debit.held -= transfer.amount;
  credit.incoming -= transfer.amount;
  assert(debit.held >= 0n && credit.incoming >= 0n, `transfer ${transferId} releases more than is held`);
  debit.updatedAt = at;
  credit.updatedAt = at;
  transfer.status = status;
  state.pending.delete(transferId);
  return transfer;
}

function reverse(state: BookState, event: Extract<BookEvent, { type: 'TransferReversed' }>): void {
  const { transferId } = event.transfer;
  const transfer = state.transfers.get(transferId);
  assert(transfer?.status === 'confirmed', `transfer ${transferId} reversed after ${transfer?.status ?? 'nothing'}`);
  transfer.status = 'reversed';
  const breached = post(state, event.entries, event.at);
  assert(breached.length === 0, `the reversal of ${transferId} takes ${breached.join()} below its floor`);
}

/** Returns the accounts that the entries lowered and left below their floor. */
function post(state: BookState, entries: readonly Entry[], at: string): readonly string[] {
  const sums = new Map<string, bigint>();
  const lowered = new Set<Account>();
  for (const entry of entries) {
    const account = accountOf(state, entry.accountId);
    assert(entry.amount > 0n, `an entry of ${entry.amount} on ${entry.accountId}`);
    assert(entry.asset === account.asset, `an entry in ${entry.asset} on ${entry.accountId}`);
    const signed = entry.direction === 'debit' ? entry.amount : -entry.amount;
    sums.set(entry.asset, (sums.get(entry.asset) ?? 0n) + signed);
    const effect = effectOf(entry, account.accountType);
    account.posted += effect;
    account.version += 1;
    account.updatedAt = at;
    if (effect < 0n) lowered.add(account);
  }
  for (const [asset, sum] of sums) assert(sum === 0n, `entries in ${asset} do not balance`);
  return [...lowered].filter(isBelowFloor).map(({ accountId }) => accountId);
}

function isBelowFloor(account: Account): boolean {
  return account.floor !== null && availableOf(account) < account.floor;
}
