/** What transfers through institutions need from the world. */
import type { CallOutcome, CallRequest, InstitutionSettings, operateBook } from '@daybook/contracts';
import type { CommandContext, ExpectedRevision, Outcome } from '@daybook/event-store';
import type { Recipient } from './app/details';
import type {
  ReadStatement,
  StatementCommand,
  StatementEvent,
  StatementRejection,
  StatementState,
} from './domain/bank-statement';
import type {
  TransferCommand,
  TransferEvent,
  TransferObservation,
  TransferRejection,
  TransferState,
} from './domain/bank-transfer';
import type {
  InstitutionCommand,
  InstitutionEvent,
  InstitutionRegistry,
  InstitutionRejection,
} from './domain/institutions';

type Store<State, Command, Event, Rejection> = {
  load(stream: string): Promise<{ readonly state: State; readonly expected: ExpectedRevision }>;
  handle(stream: string, command: Command, context: CommandContext): Promise<Outcome<State, Event, Rejection>>;
};

export type TransferStore = Store<TransferState, TransferCommand, TransferEvent, TransferRejection>;
export type InstitutionStore = Store<InstitutionRegistry, InstitutionCommand, InstitutionEvent, InstitutionRejection>;
export type StatementStore = Store<StatementState, StatementCommand, StatementEvent, StatementRejection>;

/** Holds in the ledger. A repeat gives the first answer. Throws OperationalError when it cannot be asked. */
export type OperateBook = (request: CallRequest<typeof operateBook>) => Promise<CallOutcome<typeof operateBook>>;

/** What a bank is told to pay. */
export type TransferOrder = {
  /** The bank knows it by this, for ever: the same order under the same id is paid once. */
  readonly transferId: string;
  /** What statements name it by. */
  readonly transactionId: string;
  readonly currency: string;
  /** Minor units. */
  readonly amount: bigint;
  readonly description: string | null;
  readonly recipient: Recipient;
  readonly createdAt: string;
};

/**
 * A bank. Its answers are facts. Throws OperationalError when it does not answer, or answers something that says nothing
 * about the transfer; what was asked may then have happened or not.
 */
export type Bank = {
  /** Why this recipient cannot be paid by it, or null. Asks nobody. */
  problemWith(recipient: Recipient): string | null;
  /** The same order is one transfer at the bank, however often it is sent. */
  send(order: TransferOrder): Promise<TransferObservation>;
  observe(order: Pick<TransferOrder, 'transferId'>): Promise<TransferObservation>;
};

export type BankOf = (institutionId: string, settings: InstitutionSettings) => Bank;

/**
 * Undefined for what is no statement or report. `transactionIdOf` reads the transaction out of the id of a message of ours.
 */
export type ReadStatements = (
  document: string,
  transactionIdOf: (messageId: string) => string | null,
) => readonly ReadStatement[] | undefined;

export type TransferChecks = {
  /** Those that somebody is to be asked about, the longest waiting first. */
  due(now: Date, limit: number): Promise<readonly { readonly transactionId: string; readonly attempts: number }[]>;
  /** When the first one is due. */
  next(): Promise<Date | null>;
  again(transactionId: string, at: Date): Promise<void>;
};
