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
import type { Mode, paymentExceptions, paymentStatuses } from '@daybook/contracts';
import { accept, assert, assertNever, reject, type Decider, type Decision } from '@daybook/core';
import type { PaymentCurrency, PaymentProviderName } from './payment-gateways';

export type PaymentException = (typeof paymentExceptions)[number];
export type PaymentStatus = (typeof paymentStatuses)[number];

export type PaymentTerms = {
  readonly transactionId: string;
  readonly number: number;
  readonly tenantId: string;
  readonly mode: Mode;
  readonly gatewayId: string;
  readonly gatewayNumber: number;
  readonly provider: PaymentProviderName;
  /** Of the user who made it, within the tenant. */
  readonly userNumber: number | null;
  readonly asset: PaymentCurrency;
  readonly amount: bigint;
  /** Digest of what the caller asked for: tells a repeat from other content. */
  readonly contentHash: string;
  /** Description and metadata are people's words: encrypted. */
  readonly encryptedDetails: string;
  readonly createdAt: string;
};

/** An id of a provider's: short enough for an index, and without what a table cannot hold. */
export const isReference = (told: string): boolean => /^[\x21-\x7e]{1,255}$/.test(told);

/** What the payer's side needs to go on, by the names of the provider's own API. */
export type PaymentSession = Readonly<Record<string, string>>;

/** What of the money that was taken went back, up to now. Both may fall again: a refund fails, a dispute is won. */
export type Returned = {
  readonly refunded: bigint;
  readonly chargedBack: bigint;
  /** A dispute is open, whether money has moved for it or not: somebody may have to answer it. */
  readonly disputed: boolean;
};

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

/** The full state as its owner may see it. */
export type PaymentSummary = Omit<PaymentTerms, 'contentHash'> & {
  readonly amountReceived: bigint | null;
  /** Not there until something went back, as in all that was recorded before this was looked at. */
  readonly returned?: Returned;
  readonly status: PaymentStatus;
  readonly failure: string | null;
  readonly exceptions: readonly PaymentException[];
  readonly reference: string | null;
  readonly updatedAt: string;
};

type Fact =
  | { readonly type: 'PaymentCreated'; readonly terms: PaymentTerms }
  | {
      readonly type: 'PaymentOpened';
      readonly reference: string;
      readonly session: PaymentSession;
      /** It had failed by a refusal to open. One without this, of before there was it, left the payment failed. */
      readonly reopened?: true;
    }
  | { readonly type: 'PaymentProcessing' }
  /** What was processing came to nothing: it can be paid again. */
  | { readonly type: 'PaymentReopened' }
  | { readonly type: 'PaymentDeclined'; readonly attempt: number }
  | { readonly type: 'PaymentFailed'; readonly reason: string }
  | { readonly type: 'PaymentTaken'; readonly amount: bigint; readonly exceptions: readonly PaymentException[] }
  | { readonly type: 'PaymentBooked'; readonly ledgerReference: string }
  /** What went back, in all, is something else now. `before` is what both came to. */
  | ({
      readonly type: 'PaymentReturned';
      readonly change: number;
      readonly before: bigint;
      readonly raised: readonly PaymentException[];
    } & Returned)
  /** Somebody looked at the payment and found nothing left to do. `actor` is the credential. */
  | { readonly type: 'PaymentExceptionDismissed'; readonly actor: string };

export type PaymentEvent = Fact & { readonly summary: PaymentSummary; readonly at: string };

/** In descending precedence: when several apply, the first listed is returned. */
export type PaymentRejection =
  | 'idempotency_key_reused'
  | 'payment_not_found'
  | 'reference_differs'
  | 'payment_not_taken'
  | 'booked_differently'
  | 'payment_has_no_exception';

export type Payment = PaymentTerms & {
  readonly stage: 'created' | 'open' | 'processing' | 'failed' | 'taken' | 'completed';
  readonly reference: string | null;
  readonly session: PaymentSession | null;
  /** How many attempts to take the money were declined. */
  readonly declines: number;
  readonly failure: string | null;
  readonly amountReceived: bigint | null;
  readonly returned: Returned;
  /** How often what went back has changed. */
  readonly returns: number;
  readonly exceptions: readonly PaymentException[];
  readonly ledgerReference: string | null;
  readonly isDismissed: boolean;
  readonly updatedAt: string;
};
export type PaymentState = { readonly stage: 'none' } | Payment;

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

/** What others see of it. */
export function shownReturned({ refunded, chargedBack }: Returned) {
  return { refunded, chargedBack };
}

export function isSame(one: Returned, other: Returned): boolean {
  return one.refunded === other.refunded && one.chargedBack === other.chargedBack && one.disputed === other.disputed;
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

/** Total over histories that `decide` can produce; any other means a corrupt store. */
function apply(state: PaymentState, fact: Fact, at: string): Payment {
  if (fact.type === 'PaymentCreated') {
    assert(state.stage === 'none', 'a payment is created twice');
    return {
      ...fact.terms,
      stage: 'created',
      reference: null,
      session: null,
      declines: 0,
      failure: null,
      amountReceived: null,
      returned: { refunded: 0n, chargedBack: 0n, disputed: false },
      returns: 0,
      exceptions: [],
      ledgerReference: null,
      isDismissed: false,
      updatedAt: at,
    };
  }
  assert(state.stage !== 'none', `${fact.type} before the payment was created`);
  const next = { ...state, updatedAt: at };
  switch (fact.type) {
    case 'PaymentOpened':
      assert(state.reference === null, 'opened twice');
      assert(fact.reopened !== true || state.stage === 'failed', 'opened again without having failed');
      return {
        ...next,
        stage: state.stage === 'created' || fact.reopened === true ? 'open' : state.stage,
        failure: fact.reopened === true ? null : state.failure,
        reference: fact.reference,
        session: fact.session,
      };
    case 'PaymentProcessing':
      return { ...next, stage: 'processing' };
    case 'PaymentReopened':
      assert(state.stage === 'processing', 'opened again without having been processing');
      return { ...next, stage: 'open' };
    case 'PaymentDeclined':
      assert(fact.attempt === state.declines + 1, 'an attempt is declined out of order');
      return { ...state, declines: fact.attempt };
    case 'PaymentFailed':
      return { ...next, stage: 'failed', failure: fact.reason };
    case 'PaymentTaken':
      assert(state.amountReceived === null, 'money was taken twice');
      return { ...next, stage: 'taken', failure: null, amountReceived: fact.amount, exceptions: fact.exceptions };
    case 'PaymentBooked':
      assert(state.stage === 'taken', 'booked before money was taken');
      return { ...next, stage: 'completed', ledgerReference: fact.ledgerReference };
    case 'PaymentReturned':
      return giveBack(next, fact);
    case 'PaymentExceptionDismissed':
      assert(state.exceptions.length > 0, 'dismissed where there was no exception');
      return { ...state, isDismissed: true };
    default:
      return assertNever(fact);
  }
}

function giveBack(state: Payment, fact: Extract<Fact, { readonly type: 'PaymentReturned' }>): Payment {
  const { change, before, refunded, chargedBack, disputed, raised } = fact;
  assert(state.amountReceived !== null, 'what was never taken went back');
  assert(change === state.returns + 1, 'what went back changes out of order');
  assert(before === state.returned.refunded + state.returned.chargedBack, 'what went back before is something else');
  return {
    ...state,
    returned: { refunded, chargedBack, disputed },
    returns: change,
    exceptions: [...new Set([...state.exceptions, ...raised])],
    isDismissed: state.isDismissed && raised.length === 0,
  };
}

const statuses = {
  created: 'pending',
  open: 'pending',
  processing: 'processing',
  // Taken by the provider, and not in the journal yet.
  taken: 'processing',
  failed: 'failed',
  completed: 'completed',
} as const satisfies Readonly<Record<Payment['stage'], PaymentStatus>>;

function statusOf({ stage, amountReceived, returned }: Payment): PaymentStatus {
  const isReturned = amountReceived !== null && returned.refunded + returned.chargedBack >= amountReceived;
  return stage === 'completed' && isReturned ? 'refunded' : statuses[stage];
}

export function summaryOf(payment: Payment): PaymentSummary {
  return {
    transactionId: payment.transactionId,
    number: payment.number,
    tenantId: payment.tenantId,
    mode: payment.mode,
    gatewayId: payment.gatewayId,
    gatewayNumber: payment.gatewayNumber,
    provider: payment.provider,
    userNumber: payment.userNumber,
    asset: payment.asset,
    amount: payment.amount,
    encryptedDetails: payment.encryptedDetails,
    createdAt: payment.createdAt,
    amountReceived: payment.amountReceived,
    ...(payment.returns === 0 ? {} : { returned: payment.returned }),
    status: statusOf(payment),
    failure: payment.failure,
    exceptions: payment.exceptions,
    reference: payment.reference,
    updatedAt: payment.updatedAt,
  };
}
