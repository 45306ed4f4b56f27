import { randomUUID } from 'node:crypto';
import {
  createInstitutionTransfer,
  getInstitutionTransfer,
  recipientRejections,
  remittanceLengthMax,
  transferCurrencies,
  type institutionTransferView,
} from '@daybook/contracts';
import { jsonInteger, jsonNumber, type Failure } from '@daybook/http';
import { z } from 'zod';
import type { Services } from '../../ports';
import { amountNumber, amountOf, amountToken, optionalKeyHeader, optionalText, text } from '../fields';
import { accepted, type RejectionOf } from '../rejections';
import { replayedHeader, replayedIf } from '../replayed';
import { bodyFailures, errorsOf, invalidField } from '../responses';
import { route, type Route } from '../route';
import { partnerDialect } from './dialect';
import { transactionId } from './fields';

type Deps = { readonly services: Pick<Services, 'settlement'> };
type TransferCall = typeof createInstitutionTransfer | typeof getInstitutionTransfer;

export function institutionTransferRoutes(deps: Deps): Route[] {
  return [create(deps), status(deps)];
}

/** Every no of the service, in this dialect. The reference documents no error codes; these are ours. */
const rejections = {
  idempotency_key_reused: {
    status: 409,
    code: 'IDEMPOTENCY_KEY_REUSED',
    message: 'Idempotency-Key was already used for a transfer with other content.',
    field: 'Idempotency-Key',
  },
  institution_not_found: {
    status: 404,
    code: 'INSTITUTION_NOT_FOUND',
    message: 'institution_id: is not an institution of yours',
    field: 'institution_id',
  },
  institution_disabled: {
    status: 409,
    code: 'INSTITUTION_DISABLED',
    message: 'institution_id: the institution is disabled',
    field: 'institution_id',
  },
  currency_not_supported: invalidField('currency', 'is not a currency of the institution'),
  recipient_invalid: invalidField('recipient_info', 'has a field that the institution does not take'),
  recipient_name_invalid: invalidField('recipient_info.name', 'must be 1 to 70 Latin letters that banks take'),
  recipient_iban_invalid: invalidField('recipient_info.iban', 'must be an IBAN with its check digits'),
  recipient_account_number_invalid: invalidField(
    'recipient_info.account_number',
    'must be 1 to 34 letters and digits, and may be left out only beside an iban',
  ),
  recipient_bic_invalid: invalidField(
    'recipient_info.bic',
    'must be a BIC; beside an account_number this, routing_number or sort_code is required',
  ),
  recipient_routing_number_invalid: invalidField('recipient_info.routing_number', 'must be nine digits that add up'),
  recipient_sort_code_invalid: invalidField('recipient_info.sort_code', 'must be six digits'),
  recipient_account_ambiguous: invalidField(
    'recipient_info.account_number',
    'must be left out beside an iban: a recipient has one account',
  ),
  recipient_clearing_code_ambiguous: invalidField(
    'recipient_info.sort_code',
    'must be left out beside a routing_number: a recipient has one bank',
  ),
  recipient_name_missing: invalidField('recipient_info.name', 'is required'),
  insufficient_balance: {
    status: 422,
    code: 'INSUFFICIENT_BALANCE',
    message: 'amount: more than is available in this currency',
    field: 'amount',
  },
  account_frozen: {
    status: 409,
    code: 'ACCOUNT_FROZEN',
    message: 'The balance is frozen. Ask the operator.',
  },
  transfer_not_found: { status: 404, code: 'TRANSACTION_NOT_FOUND', message: 'There is no such transaction.' },
} as const satisfies Record<RejectionOf<TransferCall>, Failure>;

/** As `partner` calls them: what came back is refunded. */
const statuses = ['pending', 'processing', 'completed', 'failed', 'refunded'] as const;

const institutionNumber = jsonInteger
  .refine((number) => number >= 1 && number <= 999_999_999, 'must be a whole number from 1')
  .meta({ override: { type: 'integer', minimum: 1 } });

const recipientFieldsMax = 20;
const recipientField = z
  .string()
  .regex(
    /^[a-z][a-z0-9_]{0,39}$/,
    'is not a name of 1 to 40 lower-case letters, digits and underscores, a letter first',
  );
const recipient = z.record(recipientField, text(200)).refine((fields) => {
  const count = Object.keys(fields).length;
  return count >= 1 && count <= recipientFieldsMax;
}, `must have 1 to ${recipientFieldsMax} fields`);

const shape = {
  success: z.literal(true),
  transaction_id: z.string(),
  transfer_id: z.string(),
  status: z.enum(statuses),
  amount: z.number(),
  currency: z.enum(transferCurrencies),
};

const example = {
  success: true,
  transaction_id: 'TX4G7Q1ZK0WB8N3RDC5VYM',
  transfer_id: 'TRF4G7Q1ZK0WB8N3RDC5VYM',
  status: 'pending',
  amount: jsonNumber('500.00'),
  currency: 'USD',
};

function describe(transfer: z.output<typeof institutionTransferView>) {
  return {
    success: true,
    transaction_id: transfer.transactionId,
    transfer_id: transfer.transferId,
    status: transfer.status === 'returned' ? 'refunded' : transfer.status,
    amount: amountNumber(transfer.amount, transfer.asset),
    currency: transfer.asset,
  };
}

function create({ services: { settlement } }: Deps): Route {
  return route({
    dialect: 'partner',
    method: 'post',
    path: '/api/transfers',
    summary: 'Create a transfer',
    description:
      'Pays out of the balance to an account at a bank, through an institution. The amount is held at once; what comes of ' +
      'it is for the institution to say. What `recipient_info` has to have depends on the institution: `account_number` or ' +
      '`iban` for the sandbox; for one of kind iso20022 `name`, and `iban`, or `account_number` with `bic`, ' +
      '`routing_number` or `sort_code`. Each field that is given is checked; `iban` and `account_number` exclude each other, ' +
      'and so do `routing_number` and `sort_code`. With an `Idempotency-Key` a repeat is answered with the first transfer.',
    access: ['partner'],
    request: {
      query: z.strictObject({}),
      headers: optionalKeyHeader,
      body: z.strictObject({
        institution_id: institutionNumber,
        amount: amountToken,
        currency: z.enum(transferCurrencies),
        description: optionalText(500).meta({
          description: `What is empty is none. An institution of kind iso20022 is told the first ${remittanceLengthMax} characters.`,
        }),
        recipient_info: recipient,
      }),
      bodyExample: {
        institution_id: 5,
        amount: jsonNumber('500.00'),
        currency: 'USD',
        description: 'Funds transfer to investment account',
        recipient_info: { account_number: '1234567890', routing_number: '987654321' },
      },
    },
    responses: {
      200: {
        description: 'The transfer is recorded.',
        schema: z.strictObject(shape),
        example,
        headers: replayedHeader,
      },
      ...errorsOf(partnerDialect, [
        ...bodyFailures,
        invalidField('amount', 'must be greater than zero'),
        rejections.currency_not_supported,
        ...recipientRejections.map((rejection) => rejections[rejection]),
        rejections.institution_not_found,
        rejections.institution_disabled,
        rejections.insufficient_balance,
        rejections.account_frozen,
        rejections.idempotency_key_reused,
      ]),
    },
    async handle({ caller, headers, body }) {
      const outcome = await settlement(createInstitutionTransfer, {
        tenantId: caller.tenantId,
        mode: caller.mode,
        institutionNumber: body.institution_id,
        currency: body.currency,
        amount: amountOf(body.amount, body.currency),
        description: body.description,
        recipient: body.recipient_info,
        userNumber: caller.userNumber,
        // Made here at the latest: the call to the service may be sent twice.
        idempotencyKey: headers['Idempotency-Key'] ?? randomUUID(),
      });
      const { transfer, replayed } = accepted<typeof createInstitutionTransfer>(outcome, rejections);
      return { headers: replayedIf(replayed), body: describe(transfer) };
    },
  });
}

function status({ services: { settlement } }: Deps): Route {
  return route({
    dialect: 'partner',
    method: 'get',
    path: '/api/transfers/{transaction_id}/status',
    summary: 'Check transfer status',
    description:
      'The transfer as it is now. `completed` means that the institution paid it out and the journal has it, `refunded` ' +
      'that it came back; `institution_reference` is null until the institution has told one.',
    access: ['partner'],
    request: { params: z.strictObject({ transaction_id: transactionId }), query: z.strictObject({}) },
    paramsInvalid: rejections.transfer_not_found,
    responses: {
      200: {
        description: 'The transfer.',
        schema: z.strictObject({ ...shape, institution_reference: z.string().nullable() }),
        example: { ...example, status: 'completed', institution_reference: 'REF4G7Q1ZK0WB8N3RDC5VYM' },
      },
      ...errorsOf(partnerDialect, [rejections.transfer_not_found]),
    },
    async handle({ caller: { tenantId, mode }, params }) {
      const outcome = await settlement(getInstitutionTransfer, {
        tenantId,
        mode,
        transactionId: params.transaction_id,
      });
      const { transfer } = accepted<typeof getInstitutionTransfer>(outcome, rejections);
      return { body: { ...describe(transfer), institution_reference: transfer.institutionReference } };
    },
  });
}
