import type {
  CallOutcome,
  CallRequest,
  InstitutionSettings,
  Mode,
  chainFamilies,
  operateBook,
  recipientRejections,
} from '@daybook/contracts';
import type { CommandContext, ExpectedRevision, Outcome } from '@daybook/event-store';
import type { AssetCode } from '@daybook/money';
import type { SendCommand, SendEvent, SendRejection } from './domain/chain-send';
import type { ChainSendTerms, SendState } from './domain/send-state';
import type { IgnoredReason, SettlementEvent, SettlementInput, SettlementState } from './domain/settlement';
import type { WalletCommand, WalletEvent, WalletFields, WalletRejection, WalletState } from './domain/wallet';
import type { FundingCommand, FundingEvent, FundingState } from './domain/wallet-funding';
import type { RegistryCommand, RegistryEvent, RegistryState } from './domain/wallet-registry';
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
import type { PayoutStopCommand, PayoutStopEvent, PayoutStops } from './domain/payout-stop';

/** The workflow joined to its store. */
export type SettlementStore = {
  handle(
    stream: string,
    input: SettlementInput,
    context: CommandContext,
  ): Promise<Outcome<SettlementState, SettlementEvent, IgnoredReason>>;
};

export type ChainFamily = (typeof chainFamilies)[number];

/** What a send needs of its chain's transaction. Minor units. */
export type SendTerms = {
  /** The send's id: the signer signs one recipient, asset, amount and slot under it, for ever. */
  readonly sendId: string;
  readonly asset: AssetCode;
  readonly amount: bigint;
  /** In the chain's canonical spelling. */
  readonly toAddress: string;
  /** Through the settlement contract, which settles an id once. */
  readonly useContract: boolean;
  /** What the chain may take at most for this send, bumps included, in the fee asset; null asks how much it would be. */
  readonly feeCap: bigint | null;
};

export type SendWallet = {
  readonly walletId: string;
  readonly family: ChainFamily;
  /** Place of its key in the signer's keystore. */
  readonly index: number;
  readonly address: string;
  /** As the signer tells it, in hex. */
  readonly publicKey: string;
};

/**
 * What a transaction takes for itself alone, so that of two with one slot the chain accepts at most one: a nonce, coins,
 * a place in time. Plain JSON: it is stored in events. Blocks and heights are those of the moment of preparing.
 */
export type Slot =
  | { readonly family: 'evm'; readonly nonce: number; readonly sinceBlock: number }
  | {
      readonly family: 'bitcoin';
      readonly inputs: readonly { readonly txid: string; readonly vout: number; readonly amount: string }[];
      readonly sinceBlock: number;
    }
  | {
      readonly family: 'solana';
      readonly recentBlockhash: string;
      readonly lastValidBlockHeight: number;
      readonly sinceSlot: number;
    }
  | {
      readonly family: 'tron';
      readonly refBlockBytes: string;
      readonly refBlockHash: string;
      /** Milliseconds since 1970. */
      readonly expiration: number;
      readonly timestamp: number;
      readonly sinceBlock: number;
    };

/** A slot of a send that is not final, and what that send may take out of the wallet. */
export type TakenSlot = {
  readonly slot: Slot;
  readonly spends: readonly { readonly asset: AssetCode; readonly amount: bigint }[];
  /** The newest slot that the chain's final state is past, for a node that does not know it yet. It spends nothing more. */
  readonly past?: true;
};

export type Prepared = {
  /** What the signer is asked to sign: the family's structured transaction, plain JSON with amounts as digits. */
  readonly transaction: Readonly<Record<string, unknown>>;
  readonly slot: Slot;
  /** What it may cost at most, in minor units of the chain's fee asset. */
  readonly maxFee: bigint;
};

export type Preparing =
  | { readonly ok: true; readonly prepared: Prepared }
  /** `fee_too_high`: above the send's cap or the chain's; it may fall. `not_payable`: the chain would not do it. */
  | { readonly ok: false; readonly refusal: 'fee_too_high' | 'insufficient_funds' | 'not_payable' };

/** What the chain says of a slot. */
export type SlotStatus =
  /** Neither included nor known to the node. Says nothing about whether it may still come. */
  | { readonly type: 'unseen' }
  /** Known to the node, in no block. */
  | { readonly type: 'pending' }
  | {
      readonly type: 'included';
      readonly transactionId: string;
      readonly blockNumber: number;
      readonly blockHash: string;
      /** By the chain's rule: from then on it is taken for true. */
      readonly final: boolean;
      /** False when the chain took the fee and did nothing else. */
      readonly succeeded: boolean;
      readonly fee: bigint;
      readonly gasUsed: bigint | null;
      readonly gasPrice: bigint | null;
    }
  /** By the chain's final state none of these transactions can be included any more. */
  | { readonly type: 'impossible'; readonly reason: string };

/**
 * Port: how value leaves on one chain. Throws OperationalError `upstream_unavailable` or `upstream_timeout` when the node
 * does not answer, or answers what cannot be: what was asked may then have happened or not.
 */
export interface SendChain {
  /** Before anything else is asked, where the chain's library is loaded. */
  start?(): Promise<void>;
  /** As chain-watcher calls it. */
  readonly chain: string;
  readonly mode: Mode;
  readonly family: ChainFamily;
  readonly assets: readonly AssetCode[];
  /** What fees are paid in. */
  readonly feeAsset: AssetCode;
  /** Whether sends of this asset can go through a settlement contract. */
  hasContract(asset: AssetCode): boolean;
  /** Checks that the node serves the configured chain, assets and contract. */
  verify(): Promise<void>;
  /** What an address holds by the chain's final state, and by its newest. */
  balanceOf(address: string, asset: AssetCode): Promise<{ readonly final: bigint; readonly now: bigint }>;
  /** The canonical spelling of an address that can be paid; undefined when it cannot. Asks nobody. */
  canonical(address: string): string | undefined;
  /**
   * Which slot and fee a new transaction would take beside those `taken` by our own sends. Reserves nothing: two that are
   * prepared at once may get one slot, and the wallet's stream rules who has it.
   */
  prepare(send: SendTerms, wallet: SendWallet, taken: readonly TakenSlot[]): Promise<Preparing>;
  /** The same slot, recipient and amount with a higher fee; undefined when it may not or need not rise. */
  bump(send: SendTerms, prepared: Prepared): Promise<Prepared | undefined>;
  /** Gives the exact bytes (hex) to the network. `already known` is success; any failure leaves the outcome unknown. */
  broadcast(bytes: string): Promise<void>;
  /** What became of a slot, by the ids of all transactions that were signed for it. */
  statusOf(slot: Slot, wallet: SendWallet, transactionIds: readonly string[]): Promise<SlotStatus>;
  stop(): Promise<void>;
}

/** A decider joined to its store. */
type StoreOf<State, Command, Event, Rejection> = {
  load(stream: string): Promise<{ readonly state: State; readonly expected: ExpectedRevision }>;
  handle(stream: string, command: Command, context: CommandContext): Promise<Outcome<State, Event, Rejection>>;
};
export type PayoutStopStore = StoreOf<PayoutStops, PayoutStopCommand, PayoutStopEvent, 'stopped_again'>;
export type SendStore = StoreOf<SendState, SendCommand, SendEvent, SendRejection>;
export type WalletStore = StoreOf<WalletState, WalletCommand, WalletEvent, WalletRejection>;
export type RegistryStore = StoreOf<RegistryState, RegistryCommand, RegistryEvent, never>;
export type FundingStore = StoreOf<FundingState, FundingCommand, FundingEvent, 'recorded_differently'>;

/**
 * What the ledger does for sends. Idempotent by the send's id. Throws OperationalError when it does not answer; then what
 * was asked may have happened or not.
 */
export type SendLedger = {
  /** Amount and highest fee, both or neither. Refusals are for ever. */
  hold(send: ChainSendTerms): Promise<{ readonly ok: true } | { readonly ok: false; readonly rejection: string }>;
  release(send: ChainSendTerms): Promise<void>;
  /** What a wallet's account says in the ledger: zero while it has none. */
  balanceOf(wallet: Pick<WalletFields, 'walletId' | 'mode'>, asset: AssetCode): Promise<bigint>;
};

/** How far what the signer has signed was found to be recorded here. Places count from 1; 0 is before the first. */
export type ComparedPlace = {
  read(): Promise<number>;
  /** Unless somebody else has moved it meanwhile. */
  move(from: number, to: number): Promise<void>;
};

/** Has chain-watcher watch a wallet's address. */
export type WatchWallet = (wallet: WalletFields) => Promise<void>;

/** Of the sends of one chain, or of those on no chain that is configured. */
export type SendChecks = {
  /** Sends to look at, the longest waiting first. */
  due(now: Date, limit: number): Promise<readonly { readonly transactionId: string; readonly attempts: number }[]>;
  next(): Promise<Date | null>;
  again(transactionId: string, at: Date): Promise<void>;
};

export type TransferStore = StoreOf<TransferState, TransferCommand, TransferEvent, TransferRejection>;
export type InstitutionStore = StoreOf<InstitutionRegistry, InstitutionCommand, InstitutionEvent, InstitutionRejection>;
export type StatementStore = StoreOf<StatementState, StatementCommand, StatementEvent, StatementRejection>;

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

export type RecipientProblem = (typeof recipientRejections)[number];

/**
 * A bank. Its answers are facts. Throws OperationalError when it does not answer, or answers something that says nothing
 * about the transfer; what was asked may then have happened or not.
 */
export type Bank = {
  /** Why this recipient cannot be paid; null when it can. Asks nobody. */
  problemWith(recipient: Recipient): RecipientProblem | null;
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
