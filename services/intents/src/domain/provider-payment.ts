/**
 * Provider payment: an amount that a payer pays through a provider (a card processor, a checkout) to the tenant.
 *
 *   none ──create──▶ created ──opened──▶ open ◀─▶ processing ──taken──▶ taken ──booked──▶ completed
 *                       │                ▲ │          │                   ▲
 *                    refused        opened failed   failed                │
 *                       └──────────────▶ failed ◀─────┘ ──────taken───────┘
 *
 * `created` is recorded before the provider is asked, so that a request whose outcome is unknown is known to be open: it
 * is asked again with the same id until it is answered. What the provider says it took is a fact and is never refused.
 *
 * Two may ask the provider to open it at once, and one be refused while the other is answered. What was opened can be paid,
 * so a refusal means nothing once there is a reference, and an opening takes back the failure that a refusal was. Whoever was
 * told of that failure is told that the payment is pending again: money that comes then is not money after a failure.
 *
 * What is processing may come to nothing days later, as a bank debit does, and the payer may choose another way to pay: then it
 * is open again. An answer is recorded after it was given, perhaps after a later one. So `open` takes a payment back only if the
 * provider was asked when it was processing already.
 *
 * Of what was taken some may go back later: the tenant refunds it at the provider, or the payer's bank charges it back. Refunds
 * fail and disputes are won, so what went back may become less again. An answer counts only if nothing changed while the
 * provider was asked: an older one would bring back what is no longer so.
 *
 * Invariants (each has a property test of the same name):
 *   V1  Money is taken at most once, for what the provider says; completed only follows taken, once it is booked.
 *   V2  Repeating an accepted command at once is accepted again and records nothing.
 *   V3  A provider's reference never changes.
 *   V4  Whatever the order of observations, a payment of which one says that money was taken ends taken.
 *   V5  An amount other than the asked one, money after a failure, and a dispute are exceptions, and move as much as was
 *       received or charged back; dismissing them changes nothing else, and another dispute is an exception again.
 *   V6  In whatever order openings and refusals to open come, a payment that was opened is open and has its session.
 *   V7  Each attempt to take the money is declined at most once, in order; a decline moves nothing else.
 *   V8  Open and processing follow the provider; what was asked before it was processing does not end that.
 *   V9  What went back is what the provider said last of those that were asked when nothing was unrecorded. Each change knows
 *       what went back before it, so that what they move adds up to what went back. `refunded` is a completed payment of which
 *       all went back.
 */
import { accept, assertNever, reject, type Decider, type Decision } from '@daybook/core';
import {
  apply,
  isSame,
  summaryOf,
  type Fact,
  type Payment,
  type PaymentEvent,
  type PaymentException,
  type PaymentSession,
  type PaymentState,
  type PaymentTerms,
  type Returned,
} from './payment-state';

export { isSame, shownReturned, summaryOf } from './payment-state';
export type {
  Payment,
  PaymentEvent,
  PaymentException,
  PaymentSession,
  PaymentState,
  PaymentStatus,
  PaymentSummary,
  Returned,
} from './payment-state';

/** An id of a provider's: short enough for an index, and without what a table cannot hold. */
export const isReference = (told: string): boolean => /^[\x21-\x7e]{1,255}$/.test(told);

/** What a provider says of a payment when it is asked. */
export type Observation =
  | { readonly status: 'open' | 'processing' }
  /** One attempt to take the money came to nothing, for sure. The payer may choose another way to pay. */
  | { readonly status: 'declined'; readonly attempt: number; readonly reason: string }
  /** `amount` is what it took, whatever went back. */
  | { readonly status: 'taken'; readonly amount: bigint }
  | { readonly status: 'failed'; readonly reason: string };

export type PaymentCommand =
  /** `oldDigests` are digests of the same content too, under other keys or of before digests had keys. */
  | ({ readonly type: 'CreatePayment'; readonly oldDigests: readonly string[] } & PaymentTerms)
  | {
      readonly type: 'RecordOpened';
      readonly reference: string;
      /** As it is recorded: sealed, since it may have a secret of the provider's. */
      readonly session: PaymentSession;
      readonly at: string;
    }
  /** The provider refused to open it. */
  | { readonly type: 'RecordRefused'; readonly reason: string; readonly at: string }
  /** `asked`: where the payment was when its provider was asked. */
  | {
      readonly type: 'RecordObserved';
      readonly observation: Observation;
      readonly asked: Payment['stage'];
      readonly at: string;
    }
  /** `asked`: how often what went back had changed when the provider was asked. */
  | { readonly type: 'RecordReturned'; readonly returned: Returned; readonly asked: number; readonly at: string }
  | { readonly type: 'RecordBooked'; readonly ledgerReference: string; readonly at: string }
  | { readonly type: 'DismissException'; readonly actor: string; readonly at: string };

/** In descending precedence: when several apply, the first listed is returned. */
export type PaymentRejection =
  | 'idempotency_key_reused'
  | 'payment_not_found'
  | 'reference_differs'
  | 'payment_not_taken'
  | 'booked_differently'
  | 'payment_has_no_exception';

export const providerPayment: Decider<PaymentState, PaymentCommand, PaymentEvent, PaymentRejection> = {
  initial: { stage: 'none' },
  decide,
  evolve,
};

function decide(command: PaymentCommand, state: PaymentState): Decision<PaymentEvent, PaymentRejection> {
  if (command.type === 'CreatePayment') {
    const { type: _, oldDigests, ...terms } = command;
    if (state.stage !== 'none') {
      const isRepeat = [terms.contentHash, ...oldDigests].includes(state.contentHash);
      return isRepeat ? accept() : reject('idempotency_key_reused');
    }
    return record(state, { type: 'PaymentCreated', terms }, terms.createdAt);
  }
  if (state.stage === 'none') return reject('payment_not_found');
  const { at } = command;
  switch (command.type) {
    case 'RecordOpened': {
      const { reference, session } = command;
      if (state.reference !== null) return state.reference === reference ? accept() : reject('reference_differs');
      const reopened = state.stage === 'failed' ? ({ reopened: true } as const) : {};
      return record(state, { type: 'PaymentOpened', reference, session, ...reopened }, at);
    }
    case 'RecordRefused':
      if (state.stage !== 'created') return accept();
      return record(state, { type: 'PaymentFailed', reason: command.reason }, at);
    case 'RecordObserved':
      return observe(command, state);
    case 'RecordReturned':
      return recordReturned(command, state);
    case 'RecordBooked': {
      const { ledgerReference } = command;
      if (state.ledgerReference !== null)
        return state.ledgerReference === ledgerReference ? accept() : reject('booked_differently');
      if (state.stage !== 'taken') return reject('payment_not_taken');
      return record(state, { type: 'PaymentBooked', ledgerReference }, at);
    }
    case 'DismissException': {
      if (state.exceptions.length === 0) return reject('payment_has_no_exception');
      if (state.isDismissed) return accept();
      return record(state, { type: 'PaymentExceptionDismissed', actor: command.actor }, at);
    }
    default:
      return assertNever(command);
  }
}

function observe(
  { observation: said, asked, at }: Extract<PaymentCommand, { readonly type: 'RecordObserved' }>,
  state: Payment,
): Decision<PaymentEvent, PaymentRejection> {
  if (state.stage === 'taken' || state.stage === 'completed') return accept();
  switch (said.status) {
    case 'open':
      return state.stage === 'processing' && asked === 'processing'
        ? record(state, { type: 'PaymentReopened' }, at)
        : accept();
    case 'processing':
      return state.stage === 'processing' || state.stage === 'failed'
        ? accept()
        : record(state, { type: 'PaymentProcessing' }, at);
    case 'declined':
      // Repeats, and whoever asked at the same time, are answered with the same decline.
      return said.attempt === state.declines + 1
        ? record(state, { type: 'PaymentDeclined', attempt: said.attempt }, at)
        : accept();
    case 'failed':
      return state.stage === 'failed' ? accept() : record(state, { type: 'PaymentFailed', reason: said.reason }, at);
    case 'taken': {
      const exceptions: PaymentException[] = [];
      if (said.amount !== state.amount) exceptions.push('amount_differs');
      if (state.stage === 'failed') exceptions.push('paid_after_failure');
      return record(state, { type: 'PaymentTaken', amount: said.amount, exceptions }, at);
    }
    default:
      return assertNever(said);
  }
}

function recordReturned(
  { returned, asked, at }: Extract<PaymentCommand, { readonly type: 'RecordReturned' }>,
  state: Payment,
): Decision<PaymentEvent, PaymentRejection> {
  if (state.amountReceived === null) return reject('payment_not_taken');
  const { refunded, chargedBack, disputed } = state.returned;
  if (isSame(returned, state.returned) || asked !== state.returns) return accept();
  const isNewDispute = (returned.disputed && !disputed) || returned.chargedBack > chargedBack;
  const fact = {
    type: 'PaymentReturned',
    change: state.returns + 1,
    before: refunded + chargedBack,
    ...returned,
    raised: isNewDispute ? ['disputed'] : [],
  } as const satisfies Fact;
  return record(state, fact, at);
}

/** An event carries the state that it leaves behind, so that publishing and read models need nothing but the event. */
function record(state: PaymentState, fact: Fact, at: string): Decision<PaymentEvent, PaymentRejection> {
  return accept({ ...fact, at, summary: summaryOf(apply(state, fact, at)) });
}

function evolve(state: PaymentState, event: PaymentEvent): PaymentState {
  return apply(state, event, event.at);
}
