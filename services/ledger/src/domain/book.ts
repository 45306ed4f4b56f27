/**
 * Book: one independent journal, as one deterministic state machine over many accounts and assets.
 *
 * A transfer is authorizing (refused when the sender cannot give it) and has two phases:
 *
 *   none ──AcceptTransfer──▶ pending ──ConfirmTransfer──▶ confirmed ──ReverseTransfer──▶ reversed
 *                               └───────FailTransfer────▶ failed
 *
 * A hold is captured several times, until nothing is left of it, it is released or it expires:
 *
 *   none ──PlaceHold──▶ open ──CaptureHold──▶ open or captured
 *                         ├────ReleaseHold──▶ released
 *                         └────ExpireHold───▶ expired
 *
 * A fact is recorded in one step and never refused; the posting rule opens the accounts that it needs. What a caller
 * posts is refused when an account does not allow it, unless an operator records what has happened anyway. A transaction
 * is taken back by `ReverseTransaction`, in parts if need be, up to what it moved.
 *
 * Invariants (each has a property test of the same name):
 *   B1  The entries of an event are positive and balance per asset.
 *   B2  An account's posted balance is the sum of its entries.
 *   B3  No authorizing movement or hold takes an account's available balance below its floor, or its posted balance above
 *       its ceiling. What is held was given when it was held.
 *   B4  Held and incoming are the sums of the pending transfers and of what open holds still hold.
 *   B5  A transfer is confirmed or failed at most once, and reversed at most once after it was confirmed.
 *   B6  A repeated id with the same content gets the original answer; with other content it is refused as reused.
 *       Neither records anything.
 *   B7  A fact is never refused, and an event that was recorded without consent names every limit that it breaks.
 *   B8  The events alone give the state.
 *   B9  A tenant moves money from its own wallets only, and posts to its own books only.
 *   B10 A state from a snapshot and its tail has the accounts and the open records of the whole journal.
 *   B11 A record is the fold of the events that touch it.
 *   B12 A fork decides and changes as the book does, and leaves the book as it is.
 *   B13 What is captured, released and expired of a hold is what it held, and nothing follows.
 *   B14 A transaction is taken back up to what it moved and no further.
 *   B15 Nothing becomes effective in a period that was closed before, nor later than it is recorded.
 *   B16 A bulk gives what its commands give one by one; an atomic one gives that or nothing.
 *   B17 A command needs no records but those that it names.
 */
import { assertNever } from '@daybook/core';
import { openAccount, setAccountFrozen, setAccountLimits } from './account-decisions';
import type { BookCommand } from './book-commands';
import type { WorkingState } from './book-state';
import { captureHold, expireHold, placeHold, releaseHold } from './hold-decisions';
import { closePeriod, signCheckpoint } from './period-decisions';
import { issueFunds, postTransaction, recordFact, reverseTransaction } from './transaction-decisions';
import { acceptTransfer, confirmTransfer, failTransfer, reverseTransfer } from './transfer-decisions';
import { original, taken, type Verdict } from './verdict';

export type { BookCommand } from './book-commands';

/** Rules on a command as of `at`, which is not before the book's last event. Changes nothing. */
export function decide(state: WorkingState, command: BookCommand, at: string): Verdict {
  switch (command.type) {
    case 'OpenAccount':
      return openAccount(state, command, at);
    case 'SetAccountLimits':
      return taken(state, command.changeId, command.contentHash) ?? setAccountLimits(state, command, at);
    case 'SetAccountFrozen':
      return setAccountFrozen(state, command, at);
    case 'IssueFunds':
      return taken(state, command.transactionId, command.contentHash) ?? issueFunds(state, command, at);
    case 'PostFact':
      return original(state, command.transactionId, command.contentHash) ?? recordFact(state, command, at);
    case 'PostTransaction':
      return taken(state, command.transactionId, command.contentHash) ?? postTransaction(state, command, at);
    case 'ReverseTransaction':
      return taken(state, command.reversalId, command.contentHash) ?? reverseTransaction(state, command, at);
    case 'AcceptTransfer':
      return taken(state, command.transferId, command.contentHash) ?? acceptTransfer(state, command, at);
    case 'ConfirmTransfer':
      return confirmTransfer(state, command, at);
    case 'FailTransfer':
      return failTransfer(state, command, at);
    case 'ReverseTransfer':
      return taken(state, command.reversalId, command.contentHash) ?? reverseTransfer(state, command, at);
    case 'PlaceHold':
      return taken(state, command.holdId, command.contentHash) ?? placeHold(state, command, at);
    case 'CaptureHold':
      return taken(state, command.captureId, command.contentHash) ?? captureHold(state, command, at);
    case 'ReleaseHold':
      return taken(state, command.releaseId, command.contentHash) ?? releaseHold(state, command, at);
    case 'ExpireHold':
      return expireHold(state, command, at);
    case 'ClosePeriod':
      return taken(state, command.closeId, command.contentHash) ?? closePeriod(state, command, at);
    case 'SignCheckpoint':
      return original(state, command.checkpointId, command.contentHash) ?? signCheckpoint(state, command, at);
    default:
      return assertNever(command);
  }
}
