import type { allocateAddress, CallOutcome, CallRequest, Mode } from '@daybook/contracts';
import type { AssetCode } from '@daybook/money';
import type { CommandContext, ExpectedRevision, Outcome } from '@daybook/event-store';
import type { IntentView } from './app/intent-view';
import type { GatewayCommand, GatewayEvent, GatewayRegistry, GatewayRejection } from './domain/payment-gateways';
import type {
  IntentCommand,
  IntentEvent,
  IntentException,
  IntentRejection,
  IntentState,
  IntentStatus,
  WatchedDeposit,
} from './domain/payment-intent';
import type {
  Observation,
  Returned,
  PaymentCommand,
  PaymentEvent,
  PaymentException,
  PaymentRejection,
  PaymentSession,
  PaymentState,
  PaymentStatus,
} from './domain/provider-payment';
import type { QuoteCommand, QuoteEvent, QuoteRejection, QuoteState } from './domain/quote';
import type { GoodRate, Reading } from './domain/rate';
import type {
  PolicyPart,
  ReceiptPlace,
  ReceiptPolicy,
  ReceiptPolicyCommand,
  ReceiptPolicyEvent,
  ReceiptPolicyState,
} from './domain/receipt-policy';

/** Gives the deposit address of a reference; a repeat gives the same one. Throws OperationalError when it cannot be asked. */
export type AllocateAddress = (
  request: CallRequest<typeof allocateAddress>,
) => Promise<CallOutcome<typeof allocateAddress>>;

/** What the watcher knows of the deposits of intents. Throws OperationalError when it cannot be asked. */
export type DepositsOf = (
  intentIds: readonly string[],
) => Promise<readonly (WatchedDeposit & { readonly reference: string })[]>;

/** The decider joined to its store. */
export type IntentStore = {
  load(stream: string): Promise<{ readonly state: IntentState; readonly expected: ExpectedRevision }>;
  handle(
    stream: string,
    command: IntentCommand,
    context: CommandContext,
  ): Promise<Outcome<IntentState, IntentEvent, IntentRejection>>;
};

export type Owner = { readonly tenantId: string; readonly mode: Mode };

/** The policy that holds for what a tenant receives at this moment. */
export type PolicyOf = (owner: Owner) => Promise<ReceiptPolicy>;

/** An intent that may be due, as the read model knows it. */
export type Deadline = Owner & { readonly intentId: string; readonly expiresAt: Date };

export type Deadlines = {
  /** Those at or before `now` that time may end, earliest first, after `from`. */
  due(now: Date, from: Deadline | null, limit: number): Promise<readonly Deadline[]>;
  /** The first one after `now`. */
  next(now: Date): Promise<Date | null>;
};

export type PageKey = { readonly createdAt: string; readonly intentId: string };

export type IntentQuery = {
  readonly tenantId: string;
  readonly mode: string;
  readonly status: IntentStatus | null;
  readonly orderId: string | null;
  /** The last intent of the page before. */
  readonly after: PageKey | null;
  readonly limit: number;
};

/** Newest first. */
export type FindIntents = (query: IntentQuery) => Promise<readonly IntentView[]>;

export type PaymentStore = {
  load(stream: string): Promise<{ readonly state: PaymentState; readonly expected: ExpectedRevision }>;
  handle(
    stream: string,
    command: PaymentCommand,
    context: CommandContext,
  ): Promise<Outcome<PaymentState, PaymentEvent, PaymentRejection>>;
};

export type GatewayStore = {
  load(stream: string): Promise<{ readonly state: GatewayRegistry; readonly expected: ExpectedRevision }>;
  handle(
    stream: string,
    command: GatewayCommand,
    context: CommandContext,
  ): Promise<Outcome<GatewayRegistry, GatewayEvent, GatewayRejection>>;
};

/** What a provider is asked to take from a payer. */
export type PaymentOrder = {
  readonly transactionId: string;
  readonly currency: string;
  /** Minor units. */
  readonly amount: bigint;
  /** What was credited; null until the money was taken. */
  readonly amountReceived: bigint | null;
  readonly description: string | null;
  /** How many attempts to take the money were declined: the next one is another request. */
  readonly declines: number;
};

export type Opening =
  | { readonly opened: true; readonly reference: string; readonly session: PaymentSession }
  | { readonly opened: false; readonly reason: string };

/** Told by a provider, and its signature was right. The state is never taken from it, only what it is about. */
export type ProviderNotice = { readonly eventId: string; readonly reference: string | null };

/**
 * A payment provider on the wire. Its answers are facts. Throws OperationalError when it does not answer, or answers
 * something that says nothing about the payment; what was asked may then have happened or not.
 */
export type PaymentProvider = {
  /** The same order gives the same payment at the provider, however often it is asked. `again`: it was asked before. */
  open(order: PaymentOrder, again: boolean): Promise<Opening>;
  observe(reference: string, order: PaymentOrder): Promise<Observation>;
  /** Of a payment that was taken. Throws one that is not to be retried where the gateway's credentials may not ask that. */
  returned(reference: string, order: PaymentOrder): Promise<Returned>;
  /** Null when the signature is not right. Header names are in lower case. */
  readNotice(headers: Readonly<Record<string, string>>, body: string): Promise<ProviderNotice | null>;
};

export type PaymentQuery = {
  readonly tenantId: string;
  readonly mode: string;
  readonly status: PaymentStatus | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly limit: number;
};

/** Where a payment stands in a list. */
export type PaymentKey = { readonly transactionId: string; readonly number: number; readonly createdAt: string };

/** Of the payments at one provider in one mode. */
export type PaymentChecks = {
  /** Those whose provider is to be asked, the least asked first: what nobody pays is asked about for a year. */
  due(now: Date, limit: number): Promise<readonly { readonly transactionId: string; readonly attempts: number }[]>;
  /** When the first one is due. */
  next(): Promise<Date | null>;
  again(transactionId: string, at: Date): Promise<void>;
  /** It is asked about no more, unless its provider tells something. */
  end(transactionId: string): Promise<void>;
};

/** `since`: when the money was taken. */
export type ReturnCheck = { readonly transactionId: string; readonly since: Date; readonly checkAt: Date };

/** Of payments whose money was taken. */
export type ReturnChecks = {
  /** Those whose provider is to be asked what went back, the longest due first. */
  due(now: Date, limit: number): Promise<readonly ReturnCheck[]>;
  next(): Promise<Date | null>;
  /** For one who looks: false when somebody else looks, or has looked. Due again at `until`, unless it is done. */
  claim(check: ReturnCheck, until: Date): Promise<boolean>;
  /** Was looked at; is looked at again at `next`, or never. */
  done(transactionId: string, next: Date | null): Promise<void>;
};

/** Description and metadata of a payment: people's words, encrypted, and erased with the payment's key. */
export type PaymentDetails = {
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
};

/** Whoever says what one asset is worth in another. */
export type RateSource = {
  readonly name: string;
  /** Null when it does not have the pair. Throws OperationalError when it does not answer. */
  read(from: AssetCode, to: AssetCode): Promise<Reading | null>;
};

export type Pair = { readonly mode: Mode; readonly from: AssetCode; readonly to: AssetCode };

export type LastRates = {
  of(pair: Pair): Promise<GoodRate | null>;
  put(pair: Pair, rate: GoodRate): Promise<void>;
};

export type QuoteStore = {
  load(stream: string): Promise<{ readonly state: QuoteState; readonly expected: ExpectedRevision }>;
  handle(
    stream: string,
    command: QuoteCommand,
    context: CommandContext,
  ): Promise<Outcome<QuoteState, QuoteEvent, QuoteRejection>>;
};

export type ReceiptPolicyStore = {
  load(stream: string): Promise<{ readonly state: ReceiptPolicyState; readonly expected: ExpectedRevision }>;
  handle(
    stream: string,
    command: ReceiptPolicyCommand,
    context: CommandContext,
  ): Promise<Outcome<ReceiptPolicyState, ReceiptPolicyEvent, never>>;
};

/** What the read model knows of a receipt, or of a payment, that somebody may have to look at. */
export type ExceptionRow = Owner & {
  readonly exceptionId: string;
  readonly kind: 'receipt' | 'payment';
  readonly subject: string;
  readonly asset: AssetCode;
  readonly amountReceived: bigint;
  /** Of it, what is at `place`. */
  readonly amount: bigint;
  readonly place: ReceiptPlace;
  readonly reasons: readonly (IntentException | PaymentException)[];
  readonly decidedBy: PolicyPart | null;
  readonly isOpen: boolean;
  readonly chain: string | null;
  readonly transactionReference: string | null;
  readonly receivedAt: string;
  readonly updatedAt: string;
};

export type ExceptionKey = { readonly receivedAt: string; readonly exceptionId: string };

export type ExceptionQuery = {
  readonly mode: Mode;
  readonly tenantId: string | null;
  readonly isOpen: boolean | null;
  readonly kind: ExceptionRow['kind'] | null;
  readonly place: ReceiptPlace | null;
  readonly reason: string | null;
  readonly asset: AssetCode | null;
  /** The last one of the page before. */
  readonly after: ExceptionKey | null;
  readonly limit: number;
};

/** They see every event that was recorded before they were asked. */
export type Exceptions = {
  /** The longest waiting first. */
  find(query: ExceptionQuery): Promise<readonly ExceptionRow[]>;
  get(mode: Mode, exceptionId: string): Promise<ExceptionRow | undefined>;
};
