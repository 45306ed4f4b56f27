import type { allocateAddress, CallOutcome, CallRequest } from '@daybook/contracts';
import type { CommandContext, ExpectedRevision, Outcome } from '@daybook/event-store';
import type { IntentView } from './app/intent-view';
import type { IntentCommand, IntentEvent, IntentRejection, IntentState, IntentStatus } from './domain/payment-intent';

/** Gives the deposit address of a reference; a repeat gives the same one. Throws OperationalError when it cannot be asked. */
export type AllocateAddress = (
  request: CallRequest<typeof allocateAddress>,
) => Promise<CallOutcome<typeof allocateAddress>>;

/** The decider joined to its store. */
export type IntentStore = {
  load(stream: string): Promise<{ readonly state: IntentState; readonly expected: ExpectedRevision }>;
  handle(
    stream: string,
    command: IntentCommand,
    context: CommandContext,
  ): Promise<Outcome<IntentState, IntentEvent, IntentRejection>>;
};

/** An intent that may be due, as the read model knows it. */
export type Deadline = { readonly intentId: string; readonly expiresAt: Date };

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
