/** What is known of a send, and what its owner sees of it. The rules are in `chain-send.ts`. */
import type { Mode, sendStatuses } from '@daybook/contracts';
import { assertNever } from '@daybook/core';
import type { AssetCode } from '@daybook/money';
import type { ChainFamily, Prepared } from '../ports';

export type SendStatus = (typeof sendStatuses)[number];

export type ChainSendTerms = {
  readonly transactionId: string;
  readonly number: number;
  readonly tenantId: string;
  readonly mode: Mode;
  readonly walletId: string;
  readonly chain: string;
  readonly family: ChainFamily;
  readonly fromAddress: string;
  /** In the chain's canonical spelling. */
  readonly toAddress: string;
  readonly asset: AssetCode;
  readonly amount: bigint;
  readonly feeAsset: AssetCode;
  /** What is held for fees: the most that all its transactions may cost, of which the chain takes one. */
  readonly feeCap: bigint;
  readonly useContract: boolean;
  readonly userNumber: number | null;
  /** Keyed digest of what the caller asked for: tells a repeat from other content. */
  readonly contentHash: string;
  /** A description is people's words: encrypted. */
  readonly encryptedDetails: string;
  readonly createdAt: string;
};

/** Why nothing was signed, or what became of what was. */
export type SendFailure =
  | 'insufficient_balance'
  | 'account_frozen'
  | 'wallet_funds_insufficient'
  | 'fee_too_high'
  | 'not_payable'
  | 'signer_refused'
  | 'reverted'
  | 'impossible';

export type Inclusion = {
  readonly hash: string;
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly succeeded: boolean;
  readonly fee: bigint;
  readonly gasUsed: bigint | null;
  readonly gasPrice: bigint | null;
};

/** The full state as its owner may see it. */
export type SendSummary = Omit<ChainSendTerms, 'contentHash' | 'feeCap' | 'family'> & {
  readonly status: SendStatus;
  readonly failure: SendFailure | null;
  readonly hash: string | null;
  readonly blockNumber: number | null;
  readonly gasUsed: bigint | null;
  readonly gasPrice: bigint | null;
  readonly fee: bigint | null;
  readonly updatedAt: string;
};

/** One transaction of the send: the first, or one that replaces those before with a higher fee. */
export type Attempt = {
  readonly prepared: Prepared;
  readonly hash: string | null;
  readonly bytes: string | null;
  readonly signedAt: string | null;
  /** When it was last given to the network, as far as recorded. */
  readonly sentAt: string | null;
};

export type ChainSend = ChainSendTerms & {
  readonly stage: 'created' | 'held' | 'prepared' | 'signed' | 'sent' | 'included' | 'final' | 'releasing' | 'over';
  readonly attempts: readonly Attempt[];
  readonly inclusion: Inclusion | null;
  readonly failure: SendFailure | null;
  readonly ledgerReference: string | null;
  /** False once the signer has refused, for good, to replace what it signed. */
  readonly replaceable: boolean;
  /** When the signer last refused to. */
  readonly notReplacedAt: string | null;
  /** Whoever asked for it was answered with the send itself, so that no refusal is the answer any more. */
  readonly acknowledged: boolean;
  readonly updatedAt: string;
};
export type SendState = { readonly stage: 'none' } | ChainSend;

/** Whether what becomes of it is decided. */
export function isOver({ stage }: ChainSend): boolean {
  return stage === 'final' || stage === 'releasing' || stage === 'over';
}

export function isSigned({ attempts }: ChainSend): boolean {
  return attempts.some(({ bytes }) => bytes !== null);
}

/** Only what the ledger itself refused to hold was never held. */
export function wasRefusedByLedger({ failure }: ChainSend): boolean {
  return failure === 'insufficient_balance' || failure === 'account_frozen';
}

/** Whether its end can still be a refusal: nothing of it was signed, and it has not failed yet. */
export function mayBeRefused(send: ChainSend): boolean {
  return !isSigned(send) && statusOf(send) !== 'failed';
}

/** Whether the answer to the request is why nothing was sent, for ever. */
export function isRefused(send: ChainSend): boolean {
  return !isSigned(send) && statusOf(send) === 'failed' && !send.acknowledged;
}

/** The ids of everything that may have left. */
export function hashesOf({ attempts }: ChainSend): readonly string[] {
  return attempts.flatMap(({ hash }) => (hash === null ? [] : [hash]));
}

/** Of what was included, or else may be. */
function shownHashOf(send: ChainSend): string | null {
  return send.inclusion?.hash ?? hashesOf(send).at(-1) ?? null;
}

/** When the transaction that is shown was signed. */
export function signedAtOf(send: ChainSend): string | null {
  const shown = shownHashOf(send);
  return send.attempts.find(({ hash }) => hash !== null && hash === shown)?.signedAt ?? null;
}

function statusOf(send: ChainSend): SendStatus {
  const { stage, failure } = send;
  switch (stage) {
    case 'created':
    case 'held':
    case 'prepared':
    case 'signed':
    case 'sent':
      return 'pending';
    case 'included':
    case 'final':
      return 'processing';
    case 'releasing':
      // What is held is not free again yet, and whoever hears of a failure may try again at once.
      return wasRefusedByLedger(send) ? 'failed' : 'processing';
    case 'over':
      return failure === null ? 'completed' : 'failed';
    default:
      return assertNever(stage);
  }
}

export function summaryOf(send: ChainSend): SendSummary {
  const { inclusion } = send;
  return {
    transactionId: send.transactionId,
    number: send.number,
    tenantId: send.tenantId,
    mode: send.mode,
    walletId: send.walletId,
    chain: send.chain,
    fromAddress: send.fromAddress,
    toAddress: send.toAddress,
    asset: send.asset,
    amount: send.amount,
    feeAsset: send.feeAsset,
    useContract: send.useContract,
    userNumber: send.userNumber,
    encryptedDetails: send.encryptedDetails,
    createdAt: send.createdAt,
    status: statusOf(send),
    failure: send.failure,
    hash: shownHashOf(send),
    blockNumber: inclusion?.blockNumber ?? null,
    gasUsed: inclusion?.gasUsed ?? null,
    gasPrice: inclusion?.gasPrice ?? null,
    fee: isOver(send) ? (inclusion?.fee ?? null) : null,
    updatedAt: send.updatedAt,
  };
}
