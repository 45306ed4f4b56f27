/** What is known of a payment, and what its owner sees of it. The rules are in `provider-payment.ts`. */
import type { Mode, paymentExceptions, paymentStatuses } from '@daybook/contracts';
import { assert, assertNever } from '@daybook/core';
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

/** What the payer's side needs to go on, by the names of the provider's own API. */
export type PaymentSession = Readonly<Record<string, string>>;

/** What of the money that was taken went back, up to now. Both may fall again: a refund fails, a dispute is won. */
export type Returned = {
  readonly refunded: bigint;
  readonly chargedBack: bigint;
  /** A dispute is open, whether money has moved for it or not: somebody may have to answer it. */
  readonly disputed: boolean;
};

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

export type Fact =
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

/** What others see of it. */
export function shownReturned({ refunded, chargedBack }: Returned) {
  return { refunded, chargedBack };
}

export function isSame(one: Returned, other: Returned): boolean {
  return one.refunded === other.refunded && one.chargedBack === other.chargedBack && one.disputed === other.disputed;
}

/** Total over histories that `decide` can produce; any other means a corrupt store. */
export function apply(state: PaymentState, fact: Fact, at: string): Payment {
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
