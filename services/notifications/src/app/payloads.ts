/** Webhook bodies: the reference's fields first and exactly, ours after them. Amounts are JSON numbers. */
import type {
  institutionTransferStatusChanged,
  intentStatusChanged,
  paymentStatusChanged,
  sendStatusChanged,
  transferStatusChanged,
  walletFunded,
} from '@daybook/contracts';
import { jsonNumber, stringifyJson } from '@daybook/http';
import { assets, formatAmount, type AssetCode } from '@daybook/money';
import type { z } from 'zod';
import type { WebhookEvent } from '../domain/endpoint';

export type TransferFact = z.output<typeof transferStatusChanged.data>;
export type IntentFact = z.output<typeof intentStatusChanged.data>;
export type PaymentFact = z.output<typeof paymentStatusChanged.data>;
export type SendFact = z.output<typeof sendStatusChanged.data>;
export type InstitutionTransferFact = z.output<typeof institutionTransferStatusChanged.data>;
type FundingFact = z.output<typeof walletFunded.data>;
/** A deposit to a hot wallet that is a transaction of its tenant. */
export type DepositFact = FundingFact & { readonly receipt: NonNullable<FundingFact['receipt']> };
/** Of a fact, in the order of its resource. */
export type Sequence = string;

export function transferPayload(
  event: WebhookEvent,
  {
    transferId,
    asset,
    amount,
    status,
    referenceId,
    debitAccountId,
    creditAccountId,
    ledgerReference,
    at,
  }: TransferFact,
  direction: 'debit' | 'credit',
  sequence: Sequence,
): string {
  return stringifyJson({
    event,
    transaction_id: transferId,
    amount: amountOf(amount, asset),
    status,
    reference_id: referenceId,
    direction,
    wallet_id: direction === 'debit' ? debitAccountId : creditAccountId,
    ledger_reference: ledgerReference,
    sequence: jsonNumber(sequence),
    occurred_at: at,
  });
}

export function intentPayload(event: WebhookEvent, intent: IntentFact, sequence: Sequence): string {
  const { asset } = intent;
  return stringifyJson({
    event,
    intent_id: intent.intentId,
    order_id: intent.orderId,
    amount: amountOf(intent.amount, asset),
    amount_received: amountOf(intent.amountReceived, asset),
    amount_refundable: amountOf(intent.amountRefundable, asset),
    currency: intent.currency,
    status: intent.status,
    exceptions: intent.exceptions,
    payment_address: intent.paymentAddress,
    transaction_hash: intent.transactionHash,
    verified_at: intent.verifiedAt,
    sequence: jsonNumber(sequence),
    occurred_at: intent.at,
  });
}

/** What `partner` shows of any transaction, without what is about people: no recipient, no description, no user. */
export type Transaction = {
  readonly transaction_id: string;
  readonly status: 'pending' | 'processing' | 'completed' | 'failed' | 'refunded';
  readonly created_at: string;
  readonly updated_at: string;
} & Readonly<Record<string, unknown>>;

export function paymentTransaction(payment: PaymentFact): Transaction {
  return {
    ...commonOf(payment, { type: 'payment', status: payment.status, hash: null }),
    gateway_id: payment.gatewayNumber,
    gateway_reference: payment.providerReference,
    ...receivedOf(payment),
  };
}

/** Of a payment that was paid otherwise than asked for, or of which some went back. */
function receivedOf({ exceptions, amountReceived, returned, asset }: PaymentFact) {
  const received = amountReceived === null ? null : amountOf(amountReceived, asset);
  return {
    ...(exceptions.length === 0 ? {} : { amount_received: received, exceptions }),
    // Zero as well, for whoever was told of more before.
    ...(returned && {
      amount_refunded: amountOf(returned.refunded, asset),
      amount_charged_back: amountOf(returned.chargedBack, asset),
    }),
  };
}

/** `eth_transaction_hash` on every chain, as in the list of transactions. */
export function sendTransaction(send: SendFact): Transaction {
  return {
    ...commonOf(send, { type: send.useContract ? 'settlement' : 'withdrawal', status: send.status, hash: send.hash }),
    blockchain_transaction:
      send.hash === null
        ? null
        : {
            eth_tx_hash: send.hash,
            from_address: send.fromAddress,
            gas_used: digitsOf(send.gasUsed),
            gas_price: digitsOf(send.gasPrice),
            block_number: send.blockNumber,
            status: chainStatuses[send.status],
          },
  };
}

export function institutionTransferTransaction(transfer: InstitutionTransferFact): Transaction {
  return {
    ...commonOf(transfer, {
      type: 'transfer',
      status: transfer.status === 'returned' ? 'refunded' : transfer.status,
      hash: null,
    }),
    transfer_id: transfer.transferId,
    institution_id: transfer.institutionNumber,
    institution_reference: transfer.institutionReference,
  };
}

/** Told of when it is final, so it is completed from the beginning. */
export function depositTransaction({ receipt, asset, amount, at }: DepositFact): Transaction {
  const { transactionId, number, hash, blockNumber } = receipt;
  return {
    ...commonOf(
      { number, transactionId, amount, asset, createdAt: at, updatedAt: at },
      { type: 'deposit', status: 'completed', hash },
    ),
    blockchain_transaction: {
      eth_tx_hash: hash,
      from_address: null,
      gas_used: null,
      gas_price: null,
      block_number: blockNumber,
      status: chainStatuses.completed,
    },
  };
}

export function transactionPayload(event: WebhookEvent, transaction: Transaction, sequence: Sequence): string {
  return stringifyJson({
    event,
    ...transaction,
    sequence: jsonNumber(sequence),
    occurred_at: transaction.updated_at,
  });
}

/** The part of the payload that a receiver could act on: all but when it last changed. */
export function shownOfTransaction(transaction: Transaction): string {
  const { updated_at: _, ...shown } = transaction;
  return stringifyJson(shown);
}

function commonOf(
  fact: Pick<SendFact, 'number' | 'transactionId' | 'amount' | 'asset' | 'createdAt' | 'updatedAt'>,
  {
    type,
    status,
    hash,
  }: { readonly type: string; readonly status: Transaction['status']; readonly hash: string | null },
) {
  return {
    id: fact.number,
    transaction_id: fact.transactionId,
    amount: amountOf(fact.amount, fact.asset),
    currency: fact.asset,
    type,
    status,
    eth_transaction_hash: hash,
    created_at: fact.createdAt,
    updated_at: fact.updatedAt,
  };
}

/** A send is completed, and failed on the chain, by the chain's final state alone. */
const chainStatuses = { pending: 'pending', processing: 'pending', completed: 'confirmed', failed: 'failed' } as const;

const digitsOf = (units: bigint | null) => (units === null ? null : jsonNumber(units.toString()));

function amountOf(units: bigint, asset: AssetCode) {
  return jsonNumber(formatAmount(units, assets[asset].scale));
}
