/**
 * Send: one payment out of a hot wallet, from the request to the ledger.
 *
 *   none ──create──▶ created ──held──▶ held ──prepared──▶ prepared ──signed──▶ signed ──broadcast──▶ sent ◀─▶ included
 *                       │               │                     │                  ▲  │                  │        │
 *                       └───refused─────┴──────refused────────┘              bump└──┴──────────────────┤      final
 *                               ▼                                                                      │        ▼
 *                           releasing ◀──────────────────────────impossible────────────────────────────┘      final
 *                               │ closed                                                                        │ booked
 *                               ▼                                                                               ▼
 *                             failed                                                              completed, or failed
 *
 * Amount and highest fee are held in the ledger before a slot is chosen; bytes are recorded before they leave. What was
 * signed may always have left, so from then on only the chain's final state ends a send: included, or impossible.
 *
 * Invariants (each has a property test of the same name):
 *   N1  Every transaction of a send has its one slot; a replacement has a higher fee, and no more than was held.
 *   N2  After something was signed, a send fails by what the chain's final state says of all of it, and by nothing else.
 *   N3  Repeating an accepted command at once is accepted again and records nothing.
 *   N4  What is final or closed stays; it is told to the ledger once.
 *   N5  A send that has a transaction prepared is ended by the signer's refusal or by the chain, and by nothing else.
 *   N6  It is told as failed only when nothing is held for it.
 *   N7  Once it was acknowledged no refusal answers the request, and once one did it is not acknowledged.
 */
import { accept, assert, assertNever, reject, type Decider, type Decision } from '@daybook/core';
import type { Prepared } from '../ports';
import {
  hashesOf,
  isOver,
  isSigned,
  mayBeRefused,
  summaryOf,
  type Attempt,
  type ChainSend,
  type ChainSendTerms,
  type Inclusion,
  type SendFailure,
  type SendState,
  type SendSummary,
} from './send-state';
import { keysOf } from './wallet';

export type SendCommand =
  | {
      readonly type: 'CreateSend';
      readonly terms: ChainSendTerms;
      /** What was recorded as the digest of this content before, or while other keys were current. */
      readonly oldDigests: readonly string[];
    }
  | { readonly type: 'RecordHeld'; readonly at: string }
  /** The request is answered with the send as it is, which may still be refused. */
  | { readonly type: 'RecordAcknowledged'; readonly at: string }
  | { readonly type: 'RecordRefused'; readonly failure: SendFailure; readonly detail: string; readonly at: string }
  | { readonly type: 'RecordPrepared'; readonly attempt: number; readonly prepared: Prepared; readonly at: string }
  | {
      readonly type: 'RecordSigned';
      readonly attempt: number;
      readonly hash: string;
      /** Hex. */
      readonly bytes: string;
      readonly at: string;
    }
  /** The signer does not sign the attempt, which was to replace what is signed. */
  | { readonly type: 'RecordNotReplaced'; readonly attempt: number; readonly detail: string; readonly at: string }
  | { readonly type: 'RecordBroadcast'; readonly attempt: number; readonly at: string }
  | { readonly type: 'RecordIncluded'; readonly inclusion: Inclusion; readonly at: string }
  | { readonly type: 'RecordExcluded'; readonly at: string }
  | { readonly type: 'RecordFinal'; readonly inclusion: Inclusion; readonly at: string }
  /** Of the transactions of which the chain was asked: it knows nothing of those that came after. */
  | {
      readonly type: 'RecordImpossible';
      readonly hashes: readonly string[];
      readonly detail: string;
      readonly at: string;
    }
  | { readonly type: 'RecordClosed'; readonly at: string }
  | { readonly type: 'RecordBooked'; readonly ledgerReference: string; readonly at: string };

type WithoutTime<Command> = Command extends unknown ? Omit<Command, 'at' | 'type'> : never;
type Recorded<Type extends SendCommand['type']> = WithoutTime<Extract<SendCommand, { type: Type }>>;

type Fact =
  | { readonly type: 'SendCreated'; readonly terms: ChainSendTerms }
  | { readonly type: 'SendHeld' }
  | { readonly type: 'SendAcknowledged' }
  | ({ readonly type: 'SendRefused' } & Recorded<'RecordRefused'>)
  | ({ readonly type: 'SendPrepared' } & Recorded<'RecordPrepared'>)
  | ({ readonly type: 'SendSigned' } & Recorded<'RecordSigned'>)
  | ({ readonly type: 'SendNotReplaced' } & Recorded<'RecordNotReplaced'>)
  | ({ readonly type: 'SendBroadcast' } & Recorded<'RecordBroadcast'>)
  | ({ readonly type: 'SendIncluded' } & Recorded<'RecordIncluded'>)
  | { readonly type: 'SendExcluded' }
  | ({ readonly type: 'SendFinal' } & Recorded<'RecordFinal'>)
  | { readonly type: 'SendImpossible'; readonly detail: string }
  | { readonly type: 'SendClosed' }
  | ({ readonly type: 'SendBooked' } & Recorded<'RecordBooked'>);

export type SendEvent = Fact & { readonly summary: SendSummary; readonly at: string };

/** In descending precedence: when several apply, the first listed is returned. */
export type SendRejection =
  | 'idempotency_key_reused'
  | 'send_not_found'
  | 'send_over'
  | 'already_signed'
  | 'already_prepared'
  | 'not_prepared'
  | 'slot_differs'
  | 'fee_above_cap'
  | 'signed_differently'
  | 'not_signed'
  | 'hashes_differ'
  | 'final_differs'
  | 'not_final'
  | 'booked_differently';

export const chainSend: Decider<SendState, SendCommand, SendEvent, SendRejection> = {
  initial: { stage: 'none' },
  decide,
  evolve: (state, event) => apply(state, event, event.at),
};

function decide(command: SendCommand, state: SendState): Decision<SendEvent, SendRejection> {
  if (command.type === 'CreateSend') {
    const { terms, oldDigests } = command;
    if (state.stage !== 'none') {
      const isRepeat = [terms.contentHash, ...oldDigests].includes(state.contentHash);
      return isRepeat ? accept() : reject('idempotency_key_reused');
    }
    return record(state, { type: 'SendCreated', terms }, terms.createdAt);
  }
  if (state.stage === 'none') return reject('send_not_found');
  switch (command.type) {
    case 'RecordHeld':
      if (isOver(state)) return reject('send_over');
      return state.stage === 'created' ? record(state, { type: 'SendHeld' }, command.at) : accept();
    case 'RecordAcknowledged':
      if (state.acknowledged || !mayBeRefused(state)) return accept();
      return record(state, { type: 'SendAcknowledged' }, command.at);
    case 'RecordRefused':
      return refuse(command, state);
    case 'RecordPrepared':
      return prepare(command, state);
    case 'RecordSigned':
      return sign(command, state);
    case 'RecordNotReplaced': {
      const { attempt, detail, at } = command;
      if (attempt !== state.attempts.length || attempt === 1 || state.attempts[attempt - 1]?.bytes !== null)
        return accept();
      return isOver(state) ? accept() : record(state, { type: 'SendNotReplaced', attempt, detail }, at);
    }
    case 'RecordBroadcast': {
      if (isOver(state)) return accept();
      const { attempt, at } = command;
      if (state.attempts[attempt - 1]?.bytes == null) return reject('not_signed');
      // Once recorded that it may have left, a repetition says nothing new.
      return state.attempts[attempt - 1]?.sentAt === null
        ? record(state, { type: 'SendBroadcast', attempt }, at)
        : accept();
    }
    case 'RecordClosed':
      if (state.stage === 'over') return accept();
      return state.stage === 'releasing' ? record(state, { type: 'SendClosed' }, command.at) : reject('not_final');
    case 'RecordBooked': {
      const { ledgerReference, at } = command;
      if (state.ledgerReference !== null)
        return state.ledgerReference === ledgerReference ? accept() : reject('booked_differently');
      return state.stage === 'final' ? record(state, { type: 'SendBooked', ledgerReference }, at) : reject('not_final');
    }
    default:
      return observe(command, state);
  }
}

type CommandOf<Type extends SendCommand['type']> = Extract<SendCommand, { type: Type }>;

function refuse(command: CommandOf<'RecordRefused'>, state: ChainSend): Decision<SendEvent, SendRejection> {
  if (isOver(state)) return accept();
  if (isSigned(state)) return reject('already_signed');
  const { failure, detail, at } = command;
  // The signer may have signed what is prepared, for a process that has not recorded it yet: only its no ends that.
  if (state.attempts.length > 0 && failure !== 'signer_refused') return reject('already_prepared');
  return record(state, { type: 'SendRefused', failure, detail }, at);
}

function prepare(command: CommandOf<'RecordPrepared'>, state: ChainSend): Decision<SendEvent, SendRejection> {
  if (isOver(state)) return reject('send_over');
  const { attempt, prepared, at } = command;
  if (attempt <= state.attempts.length) return accept();
  if (state.stage === 'created' || attempt > state.attempts.length + 1) return reject('not_prepared');
  const before = state.attempts.at(-1);
  if (before !== undefined) {
    if (before.bytes === null) return reject('not_signed');
    if (!isSameSlot(before.prepared, prepared)) return reject('slot_differs');
    if (state.stage === 'included') return reject('final_differs');
  }
  if (prepared.maxFee > state.feeCap) return reject('fee_above_cap');
  return record(state, { type: 'SendPrepared', attempt, prepared }, at);
}

function sign(command: CommandOf<'RecordSigned'>, state: ChainSend): Decision<SendEvent, SendRejection> {
  const { attempt, hash, bytes, at } = command;
  const known = state.attempts[attempt - 1];
  if (known === undefined) return reject(isOver(state) ? 'send_over' : 'not_prepared');
  if (known.hash !== null)
    return known.hash === hash && known.bytes === bytes ? accept() : reject('signed_differently');
  if (isOver(state)) return reject('send_over');
  return record(state, { type: 'SendSigned', attempt, hash, bytes }, at);
}

type Observed = CommandOf<'RecordIncluded' | 'RecordExcluded' | 'RecordFinal' | 'RecordImpossible'>;

/** What the chain says. Only of what was signed, and nothing more once it is final. */
function observe(command: Observed, state: ChainSend): Decision<SendEvent, SendRejection> {
  const { at } = command;
  if (!isSigned(state)) return reject(isOver(state) ? 'send_over' : 'not_signed');
  switch (command.type) {
    case 'RecordIncluded': {
      const { inclusion } = command;
      if (isOver(state) || isSameInclusion(state.inclusion, inclusion)) return accept();
      return isOurs(state, inclusion)
        ? record(state, { type: 'SendIncluded', inclusion }, at)
        : reject('final_differs');
    }
    case 'RecordExcluded':
      return state.stage === 'included' ? record(state, { type: 'SendExcluded' }, at) : accept();
    case 'RecordFinal': {
      const { inclusion } = command;
      if (isOver(state)) return state.inclusion?.hash === inclusion.hash ? accept() : reject('final_differs');
      return isOurs(state, inclusion) ? record(state, { type: 'SendFinal', inclusion }, at) : reject('final_differs');
    }
    case 'RecordImpossible': {
      if (isOver(state)) return state.failure === 'impossible' ? accept() : reject('final_differs');
      // What took the slot may be the replacement that somebody else has signed meanwhile.
      if (!isSameList(command.hashes, hashesOf(state))) return reject('hashes_differ');
      return record(state, { type: 'SendImpossible', detail: command.detail }, at);
    }
    default:
      return assertNever(command);
  }
}

/** An event carries the state that it leaves behind, so that publishing and read models need nothing but the event. */
function record(state: SendState, fact: Fact, at: string): Decision<SendEvent, SendRejection> {
  return accept({ ...fact, at, summary: summaryOf(apply(state, fact, at)) });
}

/** Total over histories that `decide` can produce; any other means a corrupt store. */
function apply(state: SendState, fact: Fact, at: string): ChainSend {
  if (fact.type === 'SendCreated') {
    assert(state.stage === 'none', 'a send is created twice');
    const nothing = { attempts: [], inclusion: null, failure: null, ledgerReference: null };
    const news = { replaceable: true, notReplacedAt: null, acknowledged: false, updatedAt: at };
    return { ...fact.terms, ...nothing, ...news, stage: 'created' };
  }
  assert(state.stage !== 'none', `${fact.type} before the send was created`);
  assert(state.stage !== 'over', `${fact.type} after the end`);
  const next = { ...state, updatedAt: at };
  switch (fact.type) {
    case 'SendHeld':
      return { ...next, stage: 'held' };
    case 'SendAcknowledged':
      // Nothing of what its owner sees is another by that.
      return { ...state, acknowledged: true };
    case 'SendRefused':
      assert(!isSigned(state), 'refused after it was signed');
      return { ...next, stage: 'releasing', failure: fact.failure };
    case 'SendPrepared': {
      const attempt = { prepared: fact.prepared, hash: null, bytes: null, signedAt: null, sentAt: null };
      return { ...next, stage: isSigned(state) ? state.stage : 'prepared', attempts: [...state.attempts, attempt] };
    }
    case 'SendSigned': {
      const { attempt, hash, bytes } = fact;
      const stage = state.stage === 'included' ? 'included' : 'signed';
      return { ...next, stage, attempts: changed(state, attempt, { hash, bytes, signedAt: at }) };
    }
    case 'SendNotReplaced': {
      assert(fact.attempt > 1, 'the first transaction replaces nothing');
      const attempts = state.attempts.slice(0, fact.attempt - 1);
      return { ...next, attempts, replaceable: fact.detail === refusedForToday, notReplacedAt: at };
    }
    case 'SendBroadcast': {
      const stage = state.stage === 'signed' ? 'sent' : state.stage;
      return { ...next, stage, attempts: changed(state, fact.attempt, { sentAt: at }) };
    }
    case 'SendIncluded':
      return { ...next, stage: 'included', inclusion: fact.inclusion };
    case 'SendExcluded':
      return { ...next, stage: 'sent', inclusion: null };
    case 'SendFinal': {
      assert(isSigned(state), 'final without a signature');
      const { inclusion } = fact;
      return { ...next, ...(inclusion.succeeded ? {} : { failure: 'reverted' }), stage: endOf(inclusion), inclusion };
    }
    case 'SendImpossible':
      return { ...next, stage: 'releasing', inclusion: null, failure: 'impossible' };
    case 'SendClosed':
      assert(state.stage === 'releasing', 'closed before its end');
      return { ...next, stage: 'over' };
    case 'SendBooked':
      assert(state.stage === 'final', 'booked before it was final');
      return { ...next, stage: 'over', ledgerReference: fact.ledgerReference };
    default:
      return assertNever(fact);
  }
}

/** Where nothing was taken, not even a fee, there is nothing to book: only the holds end. */
function endOf({ succeeded, fee }: Inclusion): 'final' | 'releasing' {
  return succeeded || fee > 0n ? 'final' : 'releasing';
}

function changed(state: ChainSend, attempt: number, change: Partial<Attempt>): readonly Attempt[] {
  return state.attempts.map((each, index) => (index === attempt - 1 ? { ...each, ...change } : each));
}

function isOurs(state: ChainSend, { hash }: Inclusion): boolean {
  return hashesOf(state).includes(hash);
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, index) => each === b[index]);
}

function isSameInclusion(a: Inclusion | null, b: Inclusion): boolean {
  return a !== null && a.hash === b.hash && a.blockHash === b.blockHash;
}

/** The one refusal of the signer that time alone takes back. */
const refusedForToday = 'fee_above_day_cap';

/** A transaction without anything that excludes another can have no replacement: both could be included. */
function isSameSlot(a: Prepared, b: Prepared): boolean {
  const keys = keysOf(a.slot);
  return keys.length > 0 && JSON.stringify(keys) === JSON.stringify(keysOf(b.slot));
}
