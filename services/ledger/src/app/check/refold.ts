/**
 * A book folded again, by the plainest reading of its events: no batches, no rows, no rules, only what each event says
 * that it did. It is written apart from the engine's state and from the projections, so that a mistake in one of them
 * does not repeat itself here. What an event does to something that is not there is told to `problem`, and left out.
 */
import type { EventMetadata } from '@daybook/event-store';
import type { BookEvent } from '../../domain/book-events';

export type FoldedAccount = {
  readonly accountId: string;
  readonly tenantId: string | null;
  readonly asset: string;
  readonly type: string;
  floor: bigint | null;
  ceiling: bigint | null;
  readonly metadata: Readonly<Record<string, string>> | null;
  posted: bigint;
  /** Sum of its debit entries. */
  debits: bigint;
  held: bigint;
  incoming: bigint;
  frozen: boolean;
  /** Entries so far. */
  version: bigint;
  readonly openedAt: string;
  updatedAt: string;
  readonly openedSequence: number;
  lastSequence: number;
};

/** An entry with its account's balance and version after it. */
export type FoldedEntry = {
  readonly index: number;
  readonly account: FoldedAccount;
  readonly accountId: string;
  readonly asset: string;
  readonly direction: string;
  readonly amount: bigint;
  readonly balance: bigint;
  readonly version: bigint;
  readonly debits: bigint;
  /** Whether it took the balance down, on the account's normal side. */
  readonly lowers: boolean;
};

export type Place = {
  readonly sequence: number;
  /** `0x` and the hash of the stored bytes. */
  readonly reference: string;
  readonly metadata: EventMetadata;
};

/** One event with what it did. */
export type Step = Place & {
  readonly event: BookEvent;
  readonly entries: readonly FoldedEntry[];
};

export type Refold = {
  readonly accounts: ReadonlyMap<string, FoldedAccount>;
  apply(event: BookEvent, place: Place): Step;
};

/** What an event says of itself, when what was before it is not known: entries without balances. */
export function unfolded(event: BookEvent, place: Place): Step {
  const entries = 'entries' in event ? event.entries : [];
  return { ...place, event, entries: entries.map((entry, index) => ({ ...entry, index, ...unknown })) };
}

const nobody: FoldedAccount = {
  accountId: '',
  tenantId: null,
  asset: '',
  type: '',
  floor: null,
  ceiling: null,
  metadata: null,
  posted: 0n,
  debits: 0n,
  held: 0n,
  incoming: 0n,
  frozen: false,
  version: 0n,
  openedAt: '',
  updatedAt: '',
  openedSequence: 0,
  lastSequence: 0,
};
const unknown = { account: nobody, balance: 0n, version: 0n, debits: 0n, lowers: false };

type Problem = (sequence: number, where: string, expected: string, actual: string) => void;

/** The event that is being applied. */
type Now = {
  readonly accounts: Map<string, FoldedAccount>;
  readonly sequence: number;
  readonly at: string;
  problem: Problem;
};

export function refold(problem: Problem): Refold {
  const accounts = new Map<string, FoldedAccount>();
  return {
    accounts,
    apply(event, place) {
      const entries = applyEvent({ accounts, sequence: place.sequence, at: event.at, problem }, event);
      return { ...place, event, entries };
    },
  };
}

function applyEvent(now: Now, event: BookEvent): readonly FoldedEntry[] {
  switch (event.type) {
    case 'AccountOpened':
      open(now, event);
      return [];
    case 'AccountFrozen':
    case 'AccountUnfrozen':
      change(now, event.accountId, (account) => (account.frozen = event.type === 'AccountFrozen'));
      return [];
    case 'TransferAccepted':
      promise(now, event.transfer, event.transfer.amount);
      return [];
    case 'TransferFailed':
      promise(now, event.transfer, -event.transfer.amount);
      return [];
    case 'TransferConfirmed':
      promise(now, event.transfer, -event.transfer.amount);
      return post(now, event.entries);
    case 'TransferReversed':
    case 'TransactionPosted':
    case 'TransactionReversed':
      return post(now, event.entries);
    case 'HoldPlaced':
      change(now, event.accountId, (account) => (account.held += event.amount));
      return [];
    case 'HoldCaptured':
      change(now, event.accountId, (account) => (account.held -= event.amount + event.released));
      return post(now, event.entries);
    case 'HoldReleased':
    case 'HoldExpired':
      change(now, event.accountId, (account) => (account.held -= event.amount));
      return [];
    case 'AccountLimitsSet':
      change(now, event.accountId, (account) => Object.assign(account, { floor: event.floor, ceiling: event.ceiling }));
      return [];
    case 'CommandRejected':
    case 'PeriodClosed':
    case 'CheckpointSigned':
      return [];
    default:
      throw new UnknownEvent((event as { readonly type: string }).type);
  }
}

function open(now: Now, event: Extract<BookEvent, { type: 'AccountOpened' }>): void {
  const { accounts, sequence, at, problem } = now;
  const { accountId, tenantId, asset, accountType, floor, ceiling, metadata } = event;
  if (accounts.has(accountId)) problem(sequence, accountId, 'an account opened once', 'opened again');
  accounts.set(accountId, {
    accountId,
    tenantId,
    asset,
    type: accountType,
    floor,
    ceiling,
    metadata,
    posted: 0n,
    debits: 0n,
    held: 0n,
    incoming: 0n,
    frozen: false,
    version: 0n,
    openedAt: at,
    updatedAt: at,
    openedSequence: sequence,
    lastSequence: sequence,
  });
}

/** The account is touched by the event, whatever else it does. */
function change(now: Now, accountId: string, how: (account: FoldedAccount) => void): void {
  const account = now.accounts.get(accountId);
  if (account === undefined) {
    now.problem(now.sequence, accountId, 'an account that was opened before', 'none');
    return;
  }
  account.updatedAt = now.at;
  account.lastSequence = now.sequence;
  how(account);
}

type Promised = { readonly debitAccountId: string; readonly creditAccountId: string };

function promise(now: Now, { debitAccountId, creditAccountId }: Promised, amount: bigint): void {
  change(now, debitAccountId, (account) => (account.held += amount));
  change(now, creditAccountId, (account) => (account.incoming += amount));
}

function post(now: Now, entries: Extract<BookEvent, { entries: unknown }>['entries']): readonly FoldedEntry[] {
  const posted: FoldedEntry[] = [];
  for (const [index, { accountId, asset, direction, amount }] of entries.entries()) {
    change(now, accountId, (account) => {
      const raisedByDebit = account.type === 'asset' || account.type === 'expense';
      const lowers = raisedByDebit !== (direction === 'debit');
      account.posted += lowers ? -amount : amount;
      account.version += 1n;
      if (direction === 'debit') account.debits += amount;
      const { posted: balance, version, debits } = account;
      posted.push({ index, account, accountId, asset, direction, amount, balance, version, debits, lowers });
    });
  }
  return posted;
}

/** An event that the check has not been taught to read: whatever it did is not in the fold. */
export class UnknownEvent extends Error {
  override readonly name = 'UnknownEvent';
  constructor(type: string) {
    super(`the check does not know the event ${type}: teach it in app/check/refold.ts what it does to accounts`);
  }
}
