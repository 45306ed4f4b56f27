import { acceptTransfer, getTransfer, listTransfers, transferStatuses, type CallOutcome } from '@daybook/contracts';
import { verifySignature } from '@daybook/contracts';
import { FailureError, jsonNumber, type Failure } from '@daybook/http';
import { codeFrom, type Clock } from '@daybook/runtime';
import { z } from 'zod';
import type { Credential } from '../../app/credential';
import type { Services } from '../../ports';
import {
  amountNumber,
  amountOf,
  amountToken,
  cursor,
  idempotencyKey,
  limit,
  optionalText,
  pathId,
  text,
  timestampField,
  walletId,
} from '../fields';
import { accepted } from '../rejections';
import { replayedHeader, replayedIf } from '../replayed';
import { bodyFailures, errorsOf, invalidField } from '../responses';
import { route, type RawRequest, type Route } from '../route';
import { payDialect, payRejections, signatureFailures } from './dialect';
import { isRecent, parseSignature, signedPayload } from './signature';
import { walletOf } from './wallet';

export type TransferDeps = {
  readonly services: Pick<Services, 'ledger' | 'identity'>;
  readonly now: Clock;
  /** Minor units of TXC above which a transfer must be signed; null for never. */
  readonly signatureAbove: bigint | null;
};

type Transfer = Extract<CallOutcome<typeof getTransfer>, { ok: true }>['value']['transfer'];

export function transferRoutes(deps: TransferDeps): Route[] {
  return [initiate(deps), lookUp(deps), history(deps)];
}

/** Three times what a transfer has whose text is all escapes. All of what is signed goes to identity, as one string. */
const transferBytesMax = 16_384;

const initiateRequest = {
  query: z.strictObject({}),
  headers: z.object({
    'Idempotency-Key': idempotencyKey,
    'X-Signature': z.string().max(200).optional().meta({ description: 'For amounts above the limit.' }),
  }),
  body: z.strictObject({
    recipient_wallet_id: walletId,
    amount: amountToken,
    reference_id: text(200),
    note: optionalText(500),
  }),
  bodyExample: {
    recipient_wallet_id: 'WALLET999',
    amount: jsonNumber('150.00'),
    reference_id: 'ORDER-1024',
    note: 'Payment for services',
  },
};

const initiateResponses = {
  200: {
    description: 'Accepted, or accepted before with the same key.',
    schema: z.strictObject({
      transaction_id: z.string(),
      status: z.literal('processing'),
      created_at: timestampField,
    }),
    example: { transaction_id: 'TX2001', status: 'processing', created_at: '2026-02-11T10:05:00Z' },
    headers: replayedHeader,
  },
  ...errorsOf(payDialect, [
    ...bodyFailures,
    invalidField('Idempotency-Key', 'must be 1 to 200 printable ASCII characters without spaces'),
    payRejections.insufficient_balance,
    payRejections.credit_account_not_found,
    payRejections.accounts_not_distinct,
    payRejections.id_reused,
    payRejections.debit_account_frozen,
    signatureFailures.required,
    signatureFailures.invalid,
  ]),
};

function initiate(deps: TransferDeps): Route {
  const { ledger } = deps.services;
  return route({
    dialect: 'pay',
    method: 'post',
    path: '/pay/v1/transfer',
    summary: 'Initiate a transfer',
    description:
      'Moves TXC from the wallet of the token to another wallet. The answer means that the transfer is durable and its ' +
      'amount is held; the ledger then confirms or fails it. Above a configured amount (1000.00 TXC unless the operator ' +
      'says otherwise) the request must be signed: `X-Signature: t=<unix seconds>,v1=<hex>`, the HMAC-SHA256 with the ' +
      "credential's signing secret over `t.METHOD.path.idempotencyKey.rawBody`, at most five minutes old. A repeat gets " +
      'the original answer also when its signature is older or is not there. While there is no answer, sign anew under ' +
      'the same key: another key is another transfer. The body has at most 16 kB.',
    access: ['pay'],
    bodyBytesMax: transferBytesMax,
    request: initiateRequest,
    responses: initiateResponses,
    async handle({ caller, headers, body, raw }) {
      const wallet = walletOf(caller);
      const amount = amountOf(body.amount, 'TXC');
      const key = headers['Idempotency-Key'];
      const mustBeSigned = deps.signatureAbove !== null && amount > deps.signatureAbove;
      const unproven = mustBeSigned ? await whyUnproven(deps, caller, headers['X-Signature'], key, raw) : null;
      const outcome = await ledger(acceptTransfer, {
        mode: caller.mode,
        tenantId: caller.tenantId,
        transferId: codeFrom('TX', [caller.tenantId, wallet, 'pay.transfer', key]),
        debitAccountId: wallet,
        creditAccountId: body.recipient_wallet_id,
        asset: 'TXC',
        amount,
        referenceId: body.reference_id,
        note: body.note,
        ...(unproven === null ? {} : { replayOnly: true }),
      });
      if (unproven !== null && !isRepeat(outcome)) throw new FailureError(unproven);
      const { transferId, acceptedAt, replayed } = accepted<typeof acceptTransfer>(outcome, payRejections);
      return {
        headers: replayedIf(replayed),
        body: { transaction_id: transferId, status: 'processing', created_at: acceptedAt },
      };
    },
  });
}

/**
 * Why the request may move nothing, or null. It may still repeat one that did, when its time was not over or no signature
 * was needed. A wrong digest is refused here: it may be anybody's, and nothing is looked up for it.
 */
async function whyUnproven(
  { services, now }: TransferDeps,
  caller: Credential,
  header: string | undefined,
  key: string,
  raw: RawRequest,
): Promise<Failure | null> {
  if (header === undefined) return signatureFailures.required;
  const signature = parseSignature(header);
  if (signature === undefined) throw new FailureError(signatureFailures.invalid);
  const inTime = isRecent(signature, now());
  const payload = signedPayload(signature, {
    method: raw.method,
    path: raw.url,
    idempotencyKey: key,
    rawBody: raw.body,
  });
  const { credentialId } = caller;
  const outcome = await services.identity(verifySignature, { credentialId, payload, signature: signature.digest });
  if (!outcome.ok || !outcome.value.valid) throw new FailureError(signatureFailures.invalid);
  return inTime ? null : signatureFailures.invalid;
}

/** The recorded answer to the same content, refusals included. */
function isRepeat(outcome: CallOutcome<typeof acceptTransfer>): boolean {
  return outcome.ok ? outcome.value.replayed : outcome.replayed === true;
}

const transferBody = z.strictObject({
  transaction_id: z.string(),
  status: z.enum(transferStatuses),
  amount: z.number(),
  recipient_wallet_id: z.string(),
  reference_id: z.string(),
  note: z.string().nullable(),
  created_at: timestampField,
  ledger_reference: z.string().optional(),
  confirmed_at: timestampField.optional(),
  failure: z.string().optional(),
});

function lookUp({ services: { ledger } }: TransferDeps): Route {
  return route({
    dialect: 'pay',
    method: 'get',
    path: '/pay/v1/transfer/{transaction_id}',
    summary: 'Look up a transfer',
    description:
      'Visible to the wallets of both parties, and to no other. `ledger_reference` and `confirmed_at` are there once it ' +
      'is confirmed.',
    access: ['pay'],
    request: { params: z.strictObject({ transaction_id: pathId }), query: z.strictObject({}) },
    paramsInvalid: payRejections.transfer_not_found,
    responses: {
      200: {
        description: 'The transfer.',
        schema: transferBody,
        example: {
          transaction_id: 'TX2001',
          status: 'confirmed',
          amount: jsonNumber('150.00'),
          recipient_wallet_id: 'WALLET999',
          reference_id: 'ORDER-1024',
          note: 'Payment for services',
          created_at: '2026-02-11T10:05:00Z',
          ledger_reference: `0x${'9f86d081'.repeat(8)}`,
          confirmed_at: '2026-02-11T10:06:10Z',
        },
      },
      ...errorsOf(payDialect, [payRejections.transfer_not_found]),
    },
    async handle({ caller, params }) {
      const wallet = walletOf(caller);
      const outcome = await ledger(getTransfer, {
        mode: caller.mode,
        tenantId: caller.tenantId,
        transferId: params.transaction_id,
      });
      const { transfer } = accepted<typeof getTransfer>(outcome, payRejections);
      // The ledger answers for the tenant, which may have other wallets.
      if (transfer.debitAccountId !== wallet && transfer.creditAccountId !== wallet)
        throw new FailureError(payRejections.transfer_not_found);
      return { body: describe(transfer) };
    },
  });
}

function describe(transfer: Transfer) {
  const { ledgerReference, confirmedAt, failure } = transfer;
  return {
    transaction_id: transfer.transferId,
    status: transfer.status,
    amount: amountNumber(transfer.amount, transfer.asset),
    recipient_wallet_id: transfer.creditAccountId,
    reference_id: transfer.referenceId,
    note: transfer.note,
    created_at: transfer.acceptedAt,
    ...(ledgerReference === null ? {} : { ledger_reference: ledgerReference }),
    ...(confirmedAt === null ? {} : { confirmed_at: confirmedAt }),
    ...(failure === null ? {} : { failure }),
  };
}

function history({ services: { ledger } }: TransferDeps): Route {
  return route({
    dialect: 'pay',
    method: 'get',
    path: '/pay/v1/transactions',
    summary: 'List transactions',
    description: 'Both directions of the wallet of the token, newest first.',
    access: ['pay'],
    request: { query: z.strictObject({ limit, cursor: cursor.optional() }) },
    responses: {
      200: {
        description: 'A page. `next_cursor` is null on the last one.',
        schema: z.strictObject({
          transactions: z.array(
            z.strictObject({
              transaction_id: z.string(),
              type: z.literal('transfer'),
              direction: z.enum(['debit', 'credit']),
              amount: z.number(),
              status: z.enum(transferStatuses),
              reference_id: z.string(),
              created_at: timestampField,
            }),
          ),
          next_cursor: z.string().nullable(),
        }),
        example: {
          transactions: [
            {
              transaction_id: 'TX2001',
              type: 'transfer',
              direction: 'debit',
              amount: jsonNumber('150.00'),
              status: 'confirmed',
              reference_id: 'ORDER-1024',
              created_at: '2026-02-11T10:05:00Z',
            },
          ],
          next_cursor: 'def456',
        },
      },
      ...errorsOf(payDialect, [payRejections.cursor_invalid, payRejections.account_not_found]),
    },
    async handle({ caller, query }) {
      const wallet = walletOf(caller);
      const outcome = await ledger(listTransfers, {
        mode: caller.mode,
        tenantId: caller.tenantId,
        accountId: wallet,
        limit: query.limit,
        cursor: query.cursor ?? null,
      });
      const page = accepted<typeof listTransfers>(outcome, payRejections);
      const transactions = page.transfers.map((transfer) => ({
        transaction_id: transfer.transferId,
        type: 'transfer',
        direction: transfer.debitAccountId === wallet ? 'debit' : 'credit',
        amount: amountNumber(transfer.amount, transfer.asset),
        status: transfer.status,
        reference_id: transfer.referenceId,
        created_at: transfer.acceptedAt,
      }));
      return { body: { transactions, next_cursor: page.nextCursor } };
    },
  });
}
