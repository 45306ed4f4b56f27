/** Transactions: what rules and callers post, and what is taken back of it. */
import type { AccountFields, Entry, Metadata } from './account';
import type { CommandOf } from './book-commands';
import type { BookEvent, BookRejection, Cause } from './book-events';
import type { WorkingState } from './book-state';
import { breachesOf, entriesRefusal, isShapely, movementRefusal, noBreaches, type Breaches } from './movement';
import {
  causeOf,
  holdIdsOf,
  postFact,
  postIssue,
  postingRule,
  recordingRule,
  reversalEntries,
  reversalRule,
} from './posting-rules';
import { leftOf, type TransactionSubject } from './records';
import {
  because,
  factReleaseIdOf,
  isNamedBy,
  nothingToDo,
  record,
  rejected,
  type Refusal,
  type Verdict,
} from './verdict';

export function issueFunds(state: WorkingState, command: CommandOf<'IssueFunds'>, at: string): Verdict {
  const { transactionId, contentHash, accountId, asset, amount } = command;
  const account = state.accounts.get(accountId);
  const no = (rejection: BookRejection) =>
    rejected(rejection, {
      commandId: transactionId,
      commandType: command.type,
      contentHash,
      // Only operators issue, whosever wallet it is.
      tenantId: null,
      actor: null,
      request: { accountId, asset, amount: amount.toString() },
      at,
    });
  if (account === undefined || !account.wallet) return no('account_not_found');
  if (account.asset !== asset) return no('asset_mismatch');
  const { rule, entries, accounts } = postIssue(account, amount);
  const cause = { type: 'issuance', id: transactionId, subject: accountId } as const;
  const { tenantId } = account;
  const posted = { transactionId, contentHash, tenantId, cause, rule, entries, ...asFact, effectiveAt: at, at };
  return recordPosting(state, posted, accounts);
}

/** A fact is recorded whatever it does to balances, and whenever it happened. */
export function recordFact(state: WorkingState, command: CommandOf<'PostFact'>, at: string): Verdict {
  const { transactionId, contentHash, fact } = command;
  // What the operator moves between places of his own is nobody's transaction.
  const tenantId = 'tenantId' in fact ? fact.tenantId : null;
  // The one who tells it may have a clock ahead of ours.
  const happenedAt = command.effectiveAt < at ? command.effectiveAt : at;
  const cause = causeOf(fact, transactionId);
  const { rule, entries, accounts } = postFact(fact, happenedAt);
  const released = entries.length === 0 ? [] : releasedBy(state, command, rule, at);
  const isLate = happenedAt < state.openFrom;
  return recordPosting(
    state,
    {
      transactionId,
      contentHash,
      tenantId,
      cause,
      rule,
      entries,
      description: null,
      metadata: null,
      actor: null,
      adjustmentFor: isLate ? happenedAt : null,
      effectiveAt: isLate ? state.openFrom : happenedAt,
      at,
    },
    accounts,
    released,
  );
}

type HoldReleased = Extract<BookEvent, { type: 'HoldReleased' }>;

/**
 * Of the holds that were placed for a fact, those that are still open end with it. One that an operator has released
 * meanwhile leaves the fact as true as it was.
 */
function releasedBy(
  state: WorkingState,
  { contentHash, fact }: CommandOf<'PostFact'>,
  actor: string,
  at: string,
): readonly HoldReleased[] {
  return holdIdsOf(fact).flatMap((holdId): HoldReleased[] => {
    const hold = state.records.get(holdId)?.subject;
    if (hold?.type !== 'hold' || hold.status !== 'open') return [];
    const { tenantId, accountId, asset, remaining: amount } = hold;
    const releaseId = factReleaseIdOf(holdId);
    return [{ type: 'HoldReleased', releaseId, contentHash, holdId, tenantId, accountId, asset, amount, actor, at }];
  });
}

const asFact = { description: null, metadata: null, actor: null, adjustmentFor: null } as const;

type Posted = {
  readonly transactionId: string;
  readonly contentHash: string;
  readonly tenantId: string | null;
  readonly cause: Cause;
  readonly rule: string;
  readonly entries: readonly Entry[];
  readonly description: string | null;
  readonly metadata: Metadata | null;
  readonly actor: string | null;
  readonly adjustmentFor: string | null;
  readonly effectiveAt: string;
  readonly at: string;
};

/** Opens the accounts that are missing. A posting without entries, such as a deposit of nothing, records nothing. */
function recordPosting(
  state: WorkingState,
  posted: Posted,
  accounts: readonly AccountFields[],
  released: readonly HoldReleased[] = [],
): Verdict {
  const { rule, entries, at } = posted;
  if (entries.length === 0) return nothingToDo(at);
  const events: BookEvent[] = [...released];
  for (const fields of accounts) {
    if (!state.accounts.has(fields.accountId)) events.push({ type: 'AccountOpened', ...fields, rule, actor: null, at });
  }
  events.push(transactionPosted(posted, breachesOf(state, entries, accounts, released)));
  return { type: 'recorded', events, rejection: null };
}

/** Spelt out, because its bytes are in this order and it is the event that a book has most of. */
function transactionPosted(
  posted: Posted,
  { floorBreaches, ceilingBreaches }: Breaches,
): Extract<BookEvent, { type: 'TransactionPosted' }> {
  return {
    type: 'TransactionPosted',
    transactionId: posted.transactionId,
    contentHash: posted.contentHash,
    tenantId: posted.tenantId,
    cause: posted.cause,
    rule: posted.rule,
    entries: posted.entries,
    floorBreaches,
    ceilingBreaches,
    description: posted.description,
    metadata: posted.metadata,
    actor: posted.actor,
    adjustmentFor: posted.adjustmentFor,
    effectiveAt: posted.effectiveAt,
    at: posted.at,
  };
}

export function postTransaction(state: WorkingState, command: CommandOf<'PostTransaction'>, at: string): Verdict {
  const refusal = postingRefusal(state, command, at);
  if (refusal !== null) return rejectedPosting(command, refusal, at);
  const { transactionId, contentHash, tenantId, entries, description, metadata, actor } = command;
  const { effectiveAt } = command;
  const happenedAt = effectiveAt !== null && effectiveAt < at ? effectiveAt : at;
  const isLate = happenedAt < state.openFrom;
  const posted: Posted = {
    transactionId,
    contentHash,
    tenantId,
    cause: { type: 'posting', id: transactionId, subject: transactionId },
    rule: command.mode === 'recording' ? recordingRule : postingRule,
    entries,
    description,
    metadata,
    actor,
    adjustmentFor: isLate ? happenedAt : null,
    effectiveAt: isLate ? state.openFrom : happenedAt,
    at,
  };
  // What asks for consent breaks no limit, or it would have been refused.
  const breaches = command.mode === 'recording' ? breachesOf(state, entries) : noBreaches;
  return { type: 'recorded', events: [transactionPosted(posted, breaches)], rejection: null };
}

/** Milliseconds that a caller's clock may be ahead: what happened by it a moment from now happened now. */
const clockSkewMs = 5_000;

function isInFuture(effectiveAt: string, at: string): boolean {
  return effectiveAt > at && Date.parse(effectiveAt) - Date.parse(at) > clockSkewMs;
}

function postingRefusal(
  state: WorkingState,
  { tenantId, mode, entries, effectiveAt, closedPeriod }: CommandOf<'PostTransaction'>,
  at: string,
): Refusal | null {
  if (mode === 'recording' && tenantId !== null) return because('recording_not_allowed');
  if (!isShapely(entries)) return because('entries_invalid');
  if (effectiveAt !== null && isInFuture(effectiveAt, at)) return because('effective_in_future');
  if (effectiveAt !== null && effectiveAt < state.openFrom && closedPeriod === 'refuse')
    return because('period_closed');
  const refusal = entriesRefusal(state, entries, tenantId);
  return refusal !== null || mode === 'recording' ? refusal : movementRefusal(state, entries);
}

/** Entries that a refusal tells; the content hash vouches for the others. */
const entriesToldMax = 10;

function rejectedPosting(command: CommandOf<'PostTransaction'>, refusal: Refusal, at: string): Verdict {
  const { transactionId: commandId, type: commandType, contentHash, tenantId, actor, mode, effectiveAt } = command;
  const told = command.entries
    .slice(0, entriesToldMax)
    .map(({ accountId, asset, direction, amount }) => `${direction} ${accountId} ${amount} ${asset}`);
  const request = {
    mode,
    entries: told.join('; '),
    entryCount: String(command.entries.length),
    ...(effectiveAt === null ? {} : { effectiveAt }),
  };
  const { rejection, about } = refusal;
  return rejected(rejection, { commandId, commandType, contentHash, tenantId, actor, request, at }, about);
}

/**
 * All that is left of a transaction, or a part where it is two entries in one asset. What was posted to several accounts
 * is taken back as a whole or not at all, because nobody said how to divide it.
 */
export function reverseTransaction(state: WorkingState, command: CommandOf<'ReverseTransaction'>, at: string): Verdict {
  const { reversalId, contentHash, tenantId, transactionId, actor } = command;
  const no = (rejection: BookRejection, about: string | null = null) => {
    const request = { transactionId, amount: command.amount?.toString() ?? 'rest' };
    const asked = { commandId: reversalId, commandType: command.type, contentHash, tenantId, actor, request, at };
    return rejected(rejection, asked, about);
  };
  if (command.amount !== null && command.amount <= 0n) return no('entries_invalid');
  const posted = state.records.get(transactionId);
  if (posted === undefined || posted.rejection !== null) return no('transaction_not_found');
  if (posted.subject?.type !== 'transaction')
    return no(
      tenantId === null || isNamedBy(tenantId, transactionId) ? 'transaction_not_reversible' : 'transaction_not_found',
    );
  const { subject } = posted;
  if (tenantId !== null && subject.tenantId !== tenantId) return no('transaction_not_found');
  const left = leftOf(subject);
  const amount = command.amount ?? left;
  const refusal = amountRefusal(subject, command.amount, left);
  if (refusal !== null) return no(refusal);
  const entries = reversalEntries(subject.entries, amount);
  const unmoved = movementRefusal(state, entries);
  if (unmoved !== null) return no(unmoved.rejection, unmoved.about);
  return record({
    type: 'TransactionReversed',
    reversalId,
    contentHash,
    transactionId,
    reversed: posted.reference,
    tenantId: subject.tenantId,
    amount,
    remaining: left - amount,
    rule: reversalRule,
    entries,
    actor,
    at,
  });
}

function amountRefusal(subject: TransactionSubject, asked: bigint | null, left: bigint): BookRejection | null {
  if (left === 0n) return 'transaction_already_reversed';
  if (asked === null) return null;
  if (subject.entries.length !== 2) return 'reversal_only_in_full';
  return asked > left ? 'amount_exceeds_remaining' : null;
}
