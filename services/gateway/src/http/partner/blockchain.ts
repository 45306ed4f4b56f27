import { randomUUID } from 'node:crypto';
import { createSend, sendStatuses, walletBalance } from '@daybook/contracts';
import { jsonNumber, type Failure } from '@daybook/http';
import { z } from 'zod';
import type { Services } from '../../ports';
import { amountNumber, amountOf, amountToken, optionalKeyHeader, optionalText } from '../fields';
import { accepted, type RejectionOf } from '../rejections';
import { replayedHeader, replayedIf } from '../replayed';
import { bodyFailures, errorsOf, invalidField } from '../responses';
import { route, type Route } from '../route';
import { partnerDialect } from './dialect';

type Deps = { readonly services: Pick<Services, 'settlement'> };

export function blockchainRoutes(deps: Deps): Route[] {
  return [send(deps), balance(deps)];
}

/** Every no of the service, in this dialect. The reference documents no error codes; these are ours. */
const rejections = {
  idempotency_key_reused: {
    status: 409,
    code: 'IDEMPOTENCY_KEY_REUSED',
    message: 'Idempotency-Key was already used for a transaction with other content.',
    field: 'Idempotency-Key',
  },
  asset_not_supported: {
    status: 422,
    code: 'BLOCKCHAIN_NOT_AVAILABLE',
    message: 'No Ethereum chain is configured for this credential.',
  },
  address_invalid: invalidField('to_address', 'must be an Ethereum address that can be paid'),
  contract_not_available: invalidField('use_contract', 'there is no settlement contract on the chain'),
  limit_exceeded: {
    status: 422,
    code: 'LIMIT_EXCEEDED',
    message: 'The amount is above what may be sent at once or in a day, or the chain asks for too high a fee now.',
  },
  wallet_funds_insufficient: {
    status: 422,
    code: 'WALLET_FUNDS_INSUFFICIENT',
    message: 'amount: with the fee, more than the wallet holds on the chain',
    field: 'amount',
  },
  insufficient_balance: {
    status: 422,
    code: 'INSUFFICIENT_BALANCE',
    message: 'amount: with the fee, more than is available',
    field: 'amount',
  },
  account_frozen: {
    status: 409,
    code: 'ACCOUNT_FROZEN',
    message: 'The balance is frozen. Ask the operator.',
  },
} as const satisfies Record<RejectionOf<typeof createSend | typeof walletBalance>, Failure>;

/** The reference knows one chain and one asset. */
const asset = 'ETH';
const addressLengthMax = 200;
const walletExample = '0x9858EfFD232B4033E47d90003D41EC34EcaEda94';

const sendRequest = {
  query: z.strictObject({}),
  headers: optionalKeyHeader,
  body: z.strictObject({
    to_address: z.string().min(1).max(addressLengthMax),
    amount: amountToken,
    description: optionalText(500),
    use_contract: z.boolean().default(false),
  }),
  bodyExample: {
    to_address: '0xabcdef1234567890abcdef1234567890abcdef12',
    amount: jsonNumber('0.1'),
    description: 'Settlement payment',
    use_contract: true,
  },
};

const sendResponses = {
  200: {
    description: 'The transaction is accepted and will be sent once.',
    schema: z.strictObject({
      success: z.literal(true),
      transaction_id: z.string(),
      eth_transaction_hash: z.string().nullable(),
      from_address: z.string(),
      to_address: z.string(),
      amount: z.number(),
      status: z.enum(sendStatuses),
    }),
    example: {
      success: true,
      transaction_id: 'TX4G7Q1ZK0WB8N3RDC5VYM',
      eth_transaction_hash: `0x${'9f86d081'.repeat(8)}`,
      from_address: walletExample,
      to_address: '0xabCDEF1234567890ABcDEF1234567890aBCDeF12',
      amount: jsonNumber('0.10'),
      status: 'pending',
    },
    headers: replayedHeader,
  },
  ...errorsOf(partnerDialect, [
    ...bodyFailures,
    invalidField('amount', 'must be greater than zero'),
    rejections.address_invalid,
    rejections.contract_not_available,
    rejections.idempotency_key_reused,
    rejections.asset_not_supported,
    rejections.limit_exceeded,
    rejections.wallet_funds_insufficient,
    rejections.insufficient_balance,
    rejections.account_frozen,
  ]),
};

function send({ services: { settlement } }: Deps): Route {
  return route({
    dialect: 'partner',
    method: 'post',
    path: '/api/blockchain/transactions',
    summary: 'Create a blockchain transaction',
    description:
      'Sends ETH from the wallet of the tenant; with `use_contract` through the settlement contract, which settles each ' +
      'transaction once. The amount and the highest fee are taken out of the available balance before anything is signed. ' +
      '`eth_transaction_hash` is null until it is signed, and is another one after a transaction that was not included ' +
      'for long was replaced by one with a higher fee: the details of the transaction always tell the present one. With an ' +
      '`Idempotency-Key` a repeat is answered with the first transaction as it is now, or with the refusal of the balance or ' +
      'of the signer. What is refused before anything is recorded, such as `WALLET_FUNDS_INSUFFICIENT`, does not use the ' +
      'key: the same request can be sent when the wallet has what it takes.',
    access: ['partner'],
    request: sendRequest,
    responses: sendResponses,
    async handle({ caller, headers, body }) {
      const outcome = await settlement(createSend, {
        tenantId: caller.tenantId,
        mode: caller.mode,
        asset,
        toAddress: body.to_address,
        amount: amountOf(body.amount, asset),
        useContract: body.use_contract,
        description: body.description,
        userNumber: caller.userNumber,
        // Made here at the latest: the call to the service may be sent twice.
        idempotencyKey: headers['Idempotency-Key'] ?? randomUUID(),
      });
      const { send: sent, replayed } = accepted<typeof createSend>(outcome, rejections);
      return {
        headers: replayedIf(replayed),
        body: {
          success: true,
          transaction_id: sent.transactionId,
          eth_transaction_hash: sent.hash,
          from_address: sent.fromAddress,
          to_address: sent.toAddress,
          amount: amountNumber(sent.amount, sent.asset),
          status: sent.status,
        },
      };
    },
  });
}

function balance({ services: { settlement } }: Deps): Route {
  return route({
    dialect: 'partner',
    method: 'get',
    path: '/api/blockchain/balance',
    summary: 'Get the Ethereum balance',
    description:
      'What the wallet of the tenant holds on the chain now. The first request makes the wallet. What is sent to its ' +
      "address becomes part of the tenant's balance once it is final.",
    access: ['partner'],
    request: { query: z.strictObject({}) },
    responses: {
      200: {
        description: 'The wallet.',
        schema: z.strictObject({
          success: z.literal(true),
          address: z.string(),
          balance_eth: z.number(),
          balance_wei: z.string(),
        }),
        example: {
          success: true,
          address: walletExample,
          balance_eth: jsonNumber('1.25'),
          balance_wei: '1250000000000000000',
        },
      },
      ...errorsOf(partnerDialect, [rejections.asset_not_supported]),
    },
    async handle({ caller: { tenantId, mode } }) {
      const outcome = await settlement(walletBalance, { tenantId, mode, asset });
      const wallet = accepted<typeof walletBalance>(outcome, rejections);
      return {
        body: {
          success: true,
          address: wallet.address,
          balance_eth: amountNumber(wallet.balance, asset),
          balance_wei: wallet.balance.toString(),
        },
      };
    },
  });
}
