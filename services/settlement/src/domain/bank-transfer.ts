/**
 * Bank transfer: an amount that leaves the tenant's balance for a recipient's account, through an institution.
 *
 *   none ──create──▶ created ──held──▶ held ──accepted──▶ handed ──▶ processing
 *                       │                │                   │           │
 *                    refused          rejected            rejected    rejected    settled, from any of the five
 *                       ▼                ▼                   ▼           ▼          and from a failure after the hold
 *                     failed ◀─released─ releasing ◀─────────┴───────────┘             │
 *                                                                                       ▼
 *                                                     settled ──booked──▶ completed ──returned──▶ returned
 *
 * `created` is recorded before the ledger is asked, and `held` before the institution is, so that whatever is not answered
 * is known to be open: it is asked again under the same id until it is answered. What the institution says that it paid
 * out, or that came back, is a fact and is never refused. `completed` and `returned` wait for the journal, and after a hold
 * `failed` waits until the amount is free: whoever reads it may try again at once.
 *
 * Invariants (each has a property test of the same name):
 *   T1  Nothing is said by an institution of what is not held.
 *   T2  A transfer is settled at most once, fails at most once, and is returned at most once, after it was settled.
 *   T3  Repeating an accepted command at once is accepted again and records nothing.
 *   T4  Whatever the order of observations, a transfer of which one says that it was paid out ends settled or returned.
 *   T5  Paid out after a refusal is an exception: the amount was free again.
 *   T6  It is completed and returned only when the journal has it, and failed only when nothing is held for it.
 *   T7  Of two payouts with references of their own one is refused, and so of two returns, in whatever order they are told.
 *   T8  Once it was acknowledged no refusal answers the request, and once one did it is not acknowledged.
 */
import type { institutionTransferExceptions, institutionTransferStatuses, Mode } from '@daybook/contracts';
import { accept, assert, assertNever, reject, type Decider, type Decision } from '@daybook/core';
import type { BankName, TransferCurrency } from './institutions';

export type TransferException = (typeof institutionTransferExceptions)[number];
export type TransferStatus = (typeof institutionTransferStatuses)[number];

export type TransferTerms = {
  readonly transactionId: string;
  /** What the institution knows it by. */
  readonly transferId: string;
  readonly number: number;
  readonly tenantId: string;
  readonly mode: Mode;
  readonly institutionId: string;
  readonly institutionNumber: number;
  readonly bank: BankName;
  /** Of the user who made it, within the tenant. */
  readonly userNumber: number | null;
  readonly asset: TransferCurrency;
  readonly amount: bigint;
  /** Keyed digest of what the caller asked for: tells a repeat from other content. */
  readonly contentDigest: string;
  /** A description is people's words, and a recipient a person: encrypted. */
  readonly encryptedDetails: string;
  readonly encryptedRecipient: string;
  readonly createdAt: string;
};

/** What an institution says of a transfer. References are its own. */
export type TransferObservation =
  | { readonly status: 'accepted' | 'processing' | 'settled'; readonly reference: string | null }
  | { readonly status: 'rejected'; readonly reason: string }
  | { readonly status: 'returned'; readonly reference: string | null; readonly reason: string };

export type TransferCommand =
  | {
      readonly type: 'CreateTransfer';
      readonly terms: TransferTerms;
      /** What was recorded as the digest of this content while other keys were current. */
      readonly oldDigests: readonly string[];
    }
  | { readonly type: 'RecordHeld'; readonly at: string }
  /** The request is answered with the transfer as it is, which may still be refused. */
  | { readonly type: 'RecordAcknowledged'; readonly at: string }
  /** The ledger did not hold the amount; the institution was told nothing. */
  | { readonly type: 'RecordRefused'; readonly reason: string; readonly at: string }
  | { readonly type: 'RecordObserved'; readonly observation: TransferObservation; readonly at: string }
  /** What was held for a transfer that the institution refused is free. */
  | { readonly type: 'RecordReleased'; readonly at: string }
  | {
      readonly type: 'RecordBooked';
      readonly what: 'payout' | 'return';
      readonly ledgerReference: string;
      readonly at: string;
    };

/** The full state as its owner may see it. */
export type TransferSummary = Omit<TransferTerms, 'contentDigest' | 'encryptedRecipient'> & {
  readonly status: TransferStatus;
  readonly failure: string | null;
  readonly exceptions: readonly TransferException[];
  readonly reference: string | null;
  readonly updatedAt: string;
};

type Fact =
  | { readonly type: 'BankTransferCreated'; readonly terms: TransferTerms }
  | { readonly type: 'BankTransferHeld' }
  | { readonly type: 'BankTransferAcknowledged' }
  | { readonly type: 'BankTransferHanded'; readonly reference: string | null }
  | { readonly type: 'BankTransferProcessing'; readonly reference: string | null }
  /** By the institution: the ledger is to let go of the amount. */
  | { readonly type: 'BankTransferRejected'; readonly reason: string }
  /** `held` before, and free by now; not yet in events of earlier builds, so the ledger is told of each. */
  | { readonly type: 'BankTransferFailed'; readonly reason: string; readonly held: boolean }
  | {
      readonly type: 'BankTransferSettled';
      readonly reference: string | null;
      readonly exceptions: readonly TransferException[];
    }
  | { readonly type: 'BankTransferBooked'; readonly ledgerReference: string }
  /** The institution's reference of what was known without one: another one is another payout, or return. */
  | { readonly type: 'BankTransferReferenced'; readonly what: 'payout' | 'return'; readonly reference: string }
  | { readonly type: 'BankTransferReturned'; readonly reference: string | null; readonly reason: string }
  | { readonly type: 'BankTransferReturnBooked'; readonly ledgerReference: string };

export type TransferEvent = Fact & { readonly summary: TransferSummary; readonly at: string };

/** In descending precedence: when several apply, the first listed is returned. */
export type TransferRejection =
  | 'idempotency_key_reused'
  | 'transfer_not_found'
  | 'transfer_not_held'
  | 'transfer_settled_otherwise'
  | 'transfer_returned_otherwise'
  | 'transfer_not_settled'
  | 'transfer_not_returned'
  | 'booked_differently';

export type Transfer = TransferTerms & {
  readonly stage: 'created' | 'held' | 'handed' | 'processing' | 'releasing' | 'failed' | 'settled' | 'returned';
  /** The amount was held at some time, so the institution may have been told. */
  readonly wasHeld: boolean;
  /** Whoever asked for it was answered with the transfer itself, so that no refusal is the answer any more. */
  readonly acknowledged: boolean;
  /** As it was told last: of the order, then of the payout. */
  readonly reference: string | null;
  readonly payoutReference: string | null;
  readonly returnReference: string | null;
  readonly failure: string | null;
  readonly exceptions: readonly TransferException[];
  readonly ledgerReference: string | null;
  readonly returnLedgerReference: string | null;
  readonly updatedAt: string;
};
export type TransferState = { readonly stage: 'none' } | Transfer;

export const bankTransfer: Decider<TransferState, TransferCommand, TransferEvent, TransferRejection> = {
  initial: { stage: 'none' },
  decide,
  evolve: (state, event) => apply(state, event, event.at),
};

function decide(command: TransferCommand, state: TransferState): Decision<TransferEvent, TransferRejection> {
  if (command.type === 'CreateTransfer') {
    const { terms, oldDigests } = command;
    if (state.stage !== 'none') {
      const isRepeat = [terms.contentDigest, ...oldDigests].includes(state.contentDigest);
      return isRepeat ? accept() : reject('idempotency_key_reused');
    }
    return record(state, terms.createdAt, { type: 'BankTransferCreated', terms });
  }
  if (state.stage === 'none') return reject('transfer_not_found');
  const { at } = command;
  switch (command.type) {
    case 'RecordHeld':
      return state.stage === 'created' ? record(state, at, { type: 'BankTransferHeld' }) : accept();
    case 'RecordAcknowledged':
      if (state.acknowledged || !mayBeRefused(state)) return accept();
      return record(state, at, { type: 'BankTransferAcknowledged' });
    case 'RecordRefused':
      if (state.stage !== 'created') return accept();
      return record(state, at, { type: 'BankTransferFailed', reason: command.reason, held: false });
    case 'RecordObserved':
      return observe(command.observation, state, at);
    case 'RecordReleased':
      if (state.stage !== 'releasing') return accept();
      assert(state.failure !== null, 'what is released was refused');
      return record(state, at, { type: 'BankTransferFailed', reason: state.failure, held: true });
    case 'RecordBooked':
      return book(command, state);
    default:
      return assertNever(command);
  }
}

function observe(said: TransferObservation, state: Transfer, at: string): Decision<TransferEvent, TransferRejection> {
  if (!state.wasHeld) return reject('transfer_not_held');
  const isOver = state.stage === 'settled' || state.stage === 'returned';
  switch (said.status) {
    case 'accepted':
      if (state.stage !== 'held') return accept();
      return record(state, at, { type: 'BankTransferHanded', reference: said.reference });
    case 'processing':
      if (state.stage !== 'held' && state.stage !== 'handed') return accept();
      return record(state, at, { type: 'BankTransferProcessing', reference: said.reference });
    case 'rejected':
      if (isOver) return reject('transfer_settled_otherwise');
      if (state.stage === 'failed' || state.stage === 'releasing') return accept();
      return record(state, at, { type: 'BankTransferRejected', reason: said.reason });
    case 'settled':
      if (isOver) return toldAgain('payout', state, said.reference, at);
      return record(state, at, settledBy(state, said.reference));
    case 'returned': {
      const { reference, reason } = said;
      if (state.stage === 'returned') return toldAgain('return', state, reference, at);
      const returned = { type: 'BankTransferReturned', reference, reason } as const;
      // What came back had gone out, also when nobody said so.
      return isOver ? record(state, at, returned) : record(state, at, settledBy(state, null), returned);
    }
    default:
      return assertNever(said);
  }
}

function settledBy(state: Transfer, reference: string | null): Fact {
  const wasRefused = state.stage === 'releasing' || state.stage === 'failed';
  const exceptions: TransferException[] = wasRefused ? ['paid_after_failure'] : [];
  return { type: 'BankTransferSettled', reference, exceptions };
}

/** A reference that was not told contradicts none; the first one that is told stays. */
function toldAgain(
  what: 'payout' | 'return',
  state: Transfer,
  reference: string | null,
  at: string,
): Decision<TransferEvent, TransferRejection> {
  const known = what === 'payout' ? state.payoutReference : state.returnReference;
  if (reference === null || known === reference) return accept();
  if (known === null) return record(state, at, { type: 'BankTransferReferenced', what, reference });
  return reject(what === 'payout' ? 'transfer_settled_otherwise' : 'transfer_returned_otherwise');
}

function book(
  { what, ledgerReference, at }: Extract<TransferCommand, { type: 'RecordBooked' }>,
  state: Transfer,
): Decision<TransferEvent, TransferRejection> {
  const known = what === 'payout' ? state.ledgerReference : state.returnLedgerReference;
  if (known !== null) return known === ledgerReference ? accept() : reject('booked_differently');
  if (what === 'return') {
    if (state.stage !== 'returned') return reject('transfer_not_returned');
    return record(state, at, { type: 'BankTransferReturnBooked', ledgerReference });
  }
  if (state.stage !== 'settled' && state.stage !== 'returned') return reject('transfer_not_settled');
  return record(state, at, { type: 'BankTransferBooked', ledgerReference });
}

/** An event carries the state that it leaves behind, so that publishing and read models need nothing but the event. */
function record(before: TransferState, at: string, ...facts: readonly Fact[]): Decision<TransferEvent, never> {
  let state = before;
  const events = facts.map((fact): TransferEvent => {
    const next = apply(state, fact, at);
    state = next;
    return { ...fact, at, summary: summaryOf(next) };
  });
  return accept(...events);
}

/** Total over histories that `decide` can produce; any other means a corrupt store. */
function apply(state: TransferState, fact: Fact, at: string): Transfer {
  if (fact.type === 'BankTransferCreated') {
    assert(state.stage === 'none', 'a transfer is created twice');
    return {
      ...fact.terms,
      stage: 'created',
      wasHeld: false,
      acknowledged: false,
      reference: null,
      payoutReference: null,
      returnReference: null,
      failure: null,
      exceptions: [],
      ledgerReference: null,
      returnLedgerReference: null,
      updatedAt: at,
    };
  }
  assert(state.stage !== 'none', `${fact.type} before the transfer was created`);
  const next = { ...state, updatedAt: at };
  switch (fact.type) {
    case 'BankTransferHeld':
      assert(state.stage === 'created', 'held twice');
      return { ...next, stage: 'held', wasHeld: true };
    case 'BankTransferAcknowledged':
      // Nothing of what its owner sees is another by that.
      return { ...state, acknowledged: true };
    case 'BankTransferHanded':
      return { ...next, stage: 'handed', reference: fact.reference };
    case 'BankTransferProcessing':
      return { ...next, stage: 'processing', reference: fact.reference ?? state.reference };
    case 'BankTransferRejected':
      assert(state.wasHeld, 'refused by an institution that was not told');
      return { ...next, stage: 'releasing', failure: fact.reason };
    case 'BankTransferFailed':
      assert(fact.held === state.wasHeld, 'a failure lets go of what is held, and of nothing else');
      return { ...next, stage: 'failed', failure: fact.reason };
    case 'BankTransferSettled': {
      assert(state.wasHeld && state.stage !== 'settled' && state.stage !== 'returned', 'settled twice, or never held');
      const reference = fact.reference ?? state.reference;
      const { reference: payoutReference, exceptions } = fact;
      return { ...next, stage: 'settled', failure: null, reference, payoutReference, exceptions };
    }
    case 'BankTransferReferenced': {
      const { reference } = fact;
      assert(state.stage === 'settled' || state.stage === 'returned', 'a reference of what was not said');
      if (fact.what === 'payout') {
        assert(state.payoutReference === null, 'a payout has two references');
        return { ...next, reference, payoutReference: reference };
      }
      assert(state.stage === 'returned' && state.returnReference === null, 'a return has two references');
      return { ...next, returnReference: reference };
    }
    case 'BankTransferBooked':
      assert(state.ledgerReference === null, 'booked twice');
      return { ...next, ledgerReference: fact.ledgerReference };
    case 'BankTransferReturned':
      assert(state.stage === 'settled', 'returned before it was settled, or twice');
      return { ...next, stage: 'returned', failure: fact.reason, returnReference: fact.reference };
    case 'BankTransferReturnBooked':
      assert(state.stage === 'returned' && state.returnLedgerReference === null, 'a return is booked twice');
      return { ...next, returnLedgerReference: fact.ledgerReference };
    default:
      return assertNever(fact);
  }
}

/** Whether its end can still be a refusal: the ledger has not said yet that the amount is held. */
export function mayBeRefused({ stage }: Transfer): boolean {
  return stage === 'created';
}

/** Whether the answer to the request is why nothing was sent, for ever. */
export function isRefused({ stage, wasHeld, acknowledged }: Transfer): boolean {
  return stage === 'failed' && !wasHeld && !acknowledged;
}

/** What was paid out is processing until the journal has it, what was refused until it is free again. */
function statusOf({ stage, ledgerReference, returnLedgerReference }: Transfer): TransferStatus {
  if (stage === 'failed') return 'failed';
  if (stage === 'created' || stage === 'held' || stage === 'handed') return 'pending';
  if (returnLedgerReference !== null) return 'returned';
  return ledgerReference === null ? 'processing' : 'completed';
}

export function summaryOf(transfer: Transfer): TransferSummary {
  return {
    transactionId: transfer.transactionId,
    transferId: transfer.transferId,
    number: transfer.number,
    tenantId: transfer.tenantId,
    mode: transfer.mode,
    institutionId: transfer.institutionId,
    institutionNumber: transfer.institutionNumber,
    bank: transfer.bank,
    userNumber: transfer.userNumber,
    asset: transfer.asset,
    amount: transfer.amount,
    encryptedDetails: transfer.encryptedDetails,
    createdAt: transfer.createdAt,
    status: statusOf(transfer),
    failure: transfer.failure,
    exceptions: transfer.exceptions,
    reference: transfer.reference,
    updatedAt: transfer.updatedAt,
  };
}
