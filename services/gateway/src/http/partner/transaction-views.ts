/** Payments, sends, transfers and deposits as this dialect shows them: one list of transactions, whichever service keeps them. */
import {
  paymentExceptions,
  paymentStatuses,
  type institutionTransferView,
  type movementStatuses,
  type movementView,
  type paymentView,
  type sendView,
} from '@daybook/contracts';
import { assert } from '@daybook/core';
import { jsonNumber } from '@daybook/http';
import { assetCodes } from '@daybook/money';
import { z } from 'zod';
import { amountNumber, timestampField } from '../fields';

type Payment = z.output<typeof paymentView>;
type Movement = z.output<typeof movementView>;
type Send = z.output<typeof sendView>;
type Transfer = z.output<typeof institutionTransferView>;

export const transactionTypes = ['deposit', 'withdrawal', 'transfer', 'payment', 'settlement'] as const;
/** Those of payments: what an institution returns is `refunded`, too. */
export const transactionStatuses = paymentStatuses;
type TransactionStatus = (typeof transactionStatuses)[number];

export function movementStatusOf(status: TransactionStatus): (typeof movementStatuses)[number] {
  return status === 'refunded' ? 'returned' : status;
}

/** Of a payment that has any, beside the reference's fields: what its provider took is credited, what went back debited. */
export const receivedFields = {
  amount_received: z
    .number()
    .nullable()
    .meta({
      description:
        'Of a payment with `exceptions`: what its provider took, in `currency`. It is what is credited. What went back later ' +
        'is not taken off.',
    })
    .optional(),
  exceptions: z
    .array(z.enum(paymentExceptions))
    .meta({
      description:
        'Of a payment, if it has any: `amount_differs` if its provider took another amount than `amount`, ' +
        '`paid_after_failure` if the payment was `failed` when it took it, `disputed` if its payer has disputed it.',
    })
    .optional(),
  amount_refunded: z
    .number()
    .meta({
      description:
        'Of a payment of which something went back: what was refunded at its provider, in `currency`. It is debited as it becomes known, ' +
        'and credited again if the refund fails.',
    })
    .optional(),
  amount_charged_back: z
    .number()
    .meta({
      description:
        'Of a payment of which something went back: what its payer got back in disputes, in `currency`. It is debited as it becomes ' +
        'known, and credited again if the dispute is won.',
    })
    .optional(),
};

export function receivedOf({ amountReceived, returned, asset, exceptions }: Payment) {
  const received = amountReceived === null ? null : amountNumber(amountReceived, asset);
  return {
    ...(exceptions.length === 0 ? {} : { amount_received: received, exceptions }),
    // Zero as well, for whoever was told of more before.
    ...(returned && {
      amount_refunded: amountNumber(returned.refunded, asset),
      amount_charged_back: amountNumber(returned.chargedBack, asset),
    }),
  };
}

const fields = {
  id: z.number().int(),
  transaction_id: z.string(),
  amount: z.number(),
  currency: z.enum(assetCodes),
  type: z.enum(transactionTypes),
  status: z.enum(transactionStatuses),
  description: z.string().nullable(),
  eth_transaction_hash: z.string().nullable(),
  created_at: timestampField,
  updated_at: timestampField,
  ...receivedFields,
};

export const listedTransaction = z.strictObject(fields);

export const detailedTransaction = z.strictObject({
  ...fields,
  user_id: z.number().int().nullable(),
  institution_id: z.number().int().nullable(),
  gateway_id: z.number().int().nullable(),
  blockchain_transaction: z
    .strictObject({
      eth_tx_hash: z.string(),
      from_address: z.string().nullable().meta({ description: 'Of a deposit it is not known.' }),
      to_address: z.string(),
      amount: z.number(),
      gas_used: z.number().int().nullable(),
      // Wei for each unit of gas, which a double need not hold.
      gas_price: z
        .number()
        .meta({ override: { type: 'integer', minimum: 0 } })
        .nullable(),
      block_number: z.number().int().nullable(),
      status: z.enum(['pending', 'confirmed', 'failed']),
      created_at: timestampField,
    })
    .nullable()
    .meta({ description: 'Of what is sent on the chain, once it is signed, and of what was deposited there.' }),
});

export const listedExample = {
  id: 456,
  transaction_id: 'TX4G7Q1ZK0WB8N3RDC5VYM',
  amount: jsonNumber('100.00'),
  currency: 'USD',
  type: 'payment',
  status: 'completed',
  description: 'Payment for services',
  eth_transaction_hash: null,
  created_at: '2023-09-01T12:00:00.000Z',
  updated_at: '2023-09-01T12:05:00.000Z',
};

const hash = `0x${'9f86d081'.repeat(8)}`;

export const detailedExample = {
  ...listedExample,
  amount: jsonNumber('0.05'),
  currency: 'ETH',
  type: 'settlement',
  description: 'Settlement payment',
  eth_transaction_hash: hash,
  user_id: 123,
  institution_id: null,
  gateway_id: null,
  blockchain_transaction: {
    eth_tx_hash: hash,
    from_address: '0x9858EfFD232B4033E47d90003D41EC34EcaEda94',
    to_address: '0xabCDEF1234567890ABcDEF1234567890aBCDeF12',
    amount: jsonNumber('0.05'),
    gas_used: 21_000,
    gas_price: 5_000_000_000,
    block_number: 12_345_678,
    status: 'confirmed',
    created_at: '2023-09-01T12:01:00.000Z',
  },
};

export function listedPayment(payment: Payment) {
  return {
    id: payment.number,
    transaction_id: payment.transactionId,
    amount: amountNumber(payment.amount, payment.asset),
    currency: payment.asset,
    type: 'payment',
    status: payment.status,
    description: payment.description,
    eth_transaction_hash: null,
    created_at: payment.createdAt,
    updated_at: payment.updatedAt,
    ...receivedOf(payment),
  };
}

type ListedMovement = Omit<Movement, 'userNumber' | 'institutionNumber' | 'toAddress' | 'blockNumber'>;

export function listedMovement(movement: ListedMovement) {
  return {
    id: movement.number,
    transaction_id: movement.transactionId,
    amount: amountNumber(movement.amount, movement.asset),
    currency: movement.asset,
    type: movement.type,
    status: movement.status === 'returned' ? 'refunded' : movement.status,
    description: movement.description,
    eth_transaction_hash: movement.hash,
    created_at: movement.createdAt,
    updated_at: movement.updatedAt,
  };
}

export function detailedPayment(payment: Payment) {
  return {
    ...listedPayment(payment),
    user_id: payment.userNumber,
    institution_id: null,
    gateway_id: payment.gatewayNumber,
    blockchain_transaction: null,
  };
}

export function detailedSend(send: Send) {
  return {
    ...listedMovement({ ...send, type: send.useContract ? 'settlement' : 'withdrawal' }),
    user_id: send.userNumber,
    institution_id: null,
    gateway_id: null,
    blockchain_transaction: send.hash === null ? null : { eth_tx_hash: send.hash, ...onChain(send) },
  };
}

export function detailedTransfer(transfer: Transfer) {
  return {
    ...listedMovement({ ...transfer, type: 'transfer', hash: null }),
    user_id: transfer.userNumber,
    institution_id: transfer.institutionNumber,
    gateway_id: null,
    blockchain_transaction: null,
  };
}

export function detailedDeposit(deposit: Movement) {
  const { hash, toAddress, blockNumber, asset, amount, createdAt } = deposit;
  assert(hash !== null && toAddress !== null, 'a deposit has its transaction');
  return {
    ...listedMovement(deposit),
    user_id: null,
    institution_id: null,
    gateway_id: null,
    blockchain_transaction: {
      eth_tx_hash: hash,
      from_address: null,
      to_address: toAddress,
      amount: amountNumber(amount, asset),
      gas_used: null,
      gas_price: null,
      block_number: blockNumber,
      status: 'confirmed',
      created_at: createdAt,
    },
  };
}

function onChain(send: Send) {
  const digits = (units: bigint | null) => (units === null ? null : jsonNumber(units.toString()));
  return {
    from_address: send.fromAddress,
    to_address: send.toAddress,
    amount: amountNumber(send.amount, send.asset),
    gas_used: digits(send.gasUsed),
    gas_price: digits(send.gasPrice),
    block_number: send.blockNumber,
    status: chainStatuses[send.status],
    // A transaction that replaces another has a time of its own.
    created_at: send.signedAt ?? send.createdAt,
  };
}

/** A send is completed, and failed on the chain, by the chain's final state alone. */
const chainStatuses = { pending: 'pending', processing: 'pending', completed: 'confirmed', failed: 'failed' } as const;
