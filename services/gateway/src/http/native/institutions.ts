/** Institutions of a tenant: the banks through which it pays out, and what they write back. Settings never come out. */
import {
  addInstitution,
  banks,
  institutionSettings,
  institutionTransferStatuses,
  listInstitutions,
  listStatementLines,
  receiveStatement,
  setInstitutionEnabled,
  simulateInstitutionTransfer,
  statementSays,
  transferCurrencies,
  type institutionView,
  type statementLineView,
} from '@daybook/contracts';
import { FailureError, jsonInteger, type Failure } from '@daybook/http';
import { assets, formatAmount, type AssetCode } from '@daybook/money';
import { z } from 'zod';
import type { Services } from '../../ports';
import { cursor, limit, text, timestampField } from '../fields';
import { transactionId } from '../partner/fields';
import { accepted, type RejectionOf } from '../rejections';
import { replayedHeader, replayedIf } from '../replayed';
import { bodyFailures, errorsOf, invalidField } from '../responses';
import { route, type Route } from '../route';
import { conflict, nativeDialect, sandboxOnly } from './dialect';

type Deps = { readonly services: Pick<Services, 'settlement'> };
type InstitutionCall =
  | typeof addInstitution
  | typeof setInstitutionEnabled
  | typeof receiveStatement
  | typeof listStatementLines
  | typeof simulateInstitutionTransfer;

export function institutionRoutes(deps: Deps): Route[] {
  return [add(deps), list(deps), enable(deps, true), enable(deps, false), receive(deps), lines(deps), simulate(deps)];
}

const rejections = {
  bank_not_in_mode: invalidField('settings.bank', 'sandbox is for sandbox credentials only'),
  bank_not_available: invalidField('settings.bank', 'this installation has no outbox for files to banks'),
  institution_exists_with_different_fields: conflict(
    'INSTITUTION_EXISTS',
    'name: an institution of this name has other settings',
  ),
  institutions_too_many: conflict('INSTITUTIONS_EXHAUSTED', 'No more institutions can be added.'),
  institution_not_found: { status: 404, code: 'INSTITUTION_NOT_FOUND', message: 'There is no such institution.' },
  institution_without_statements: conflict('INSTITUTION_WITHOUT_STATEMENTS', 'The institution writes no statements.'),
  statement_invalid: invalidField('document', 'is not a camt.053 statement or a pain.002 report'),
  statement_of_other_account: invalidField('document', "is of another account than the institution's"),
  statement_exists_with_different_content: conflict(
    'STATEMENT_EXISTS',
    'document: a statement of this id with other content was received before',
  ),
  cursor_invalid: invalidField('cursor', 'is not a next_cursor of this list'),
  transfer_not_found: { status: 404, code: 'TRANSACTION_NOT_FOUND', message: 'There is no such transaction.' },
  transfer_not_simulated: conflict('TRANSFER_NOT_SIMULATED', 'The transfer is not one of a sandbox institution.'),
  transfer_decided_otherwise: conflict('TRANSFER_DECIDED', 'The sandbox bank has decided otherwise before.'),
} as const satisfies Record<RejectionOf<InstitutionCall>, Failure>;

const [sandboxSettings, isoSettings] = institutionSettings.options;
const settleAfterMax = 86_400;
/** As the service takes them, but that numbers are read from their digits. */
const settings = z.discriminatedUnion('bank', [
  sandboxSettings.extend({
    settleAfterSeconds: jsonInteger
      .refine((seconds) => seconds >= 0 && seconds <= settleAfterMax, `must be 0 to ${settleAfterMax}`)
      .meta({ override: { type: 'integer', minimum: 0, maximum: settleAfterMax } }),
  }),
  isoSettings,
]);

/** XML of a statement, in bytes of the request. The call takes 4 MB, in which it has to say whose statement it is too. */
const statementBytesMax = 3_900_000;

const shape = {
  institution_id: z.number().int(),
  name: z.string(),
  bank: z.enum(banks),
  currencies: z.array(z.enum(transferCurrencies)),
  enabled: z.boolean(),
  created_at: timestampField,
};

const example = {
  institution_id: 5,
  name: 'House bank',
  bank: 'iso20022',
  currencies: ['USD', 'EUR'],
  enabled: true,
  created_at: '2026-02-11T10:00:00.000Z',
};

const params = z.strictObject({ institution_id: z.string().regex(/^[1-9]\d{0,8}$/) });

function describe(institution: z.output<typeof institutionView>) {
  return {
    institution_id: institution.number,
    name: institution.name,
    bank: institution.bank,
    currencies: institution.currencies,
    enabled: institution.enabled,
    created_at: institution.createdAt,
  };
}

function add({ services: { settlement } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/admin/institutions',
    summary: 'Add an institution',
    description:
      'Configures a bank under a name. A repeat with the same content answers the institution that is there. The `sandbox` ' +
      'bank needs no account and pays out by itself after `settleAfterSeconds`. One of kind `iso20022` is told by pain.001 ' +
      'files in the outbox, and tells by camt.053 statements and pain.002 reports.',
    access: ['admin'],
    request: {
      query: z.strictObject({}),
      body: z.strictObject({
        name: text(100),
        currencies: z.array(z.enum(transferCurrencies)).min(1),
        settings,
      }),
      bodyExample: {
        name: 'House bank',
        currencies: ['USD', 'EUR'],
        settings: {
          bank: 'iso20022',
          debtorName: 'Example Ltd',
          debtorIban: 'DE89370400440532013000',
          debtorBic: 'COBADEFFXXX',
        },
      },
    },
    responses: {
      200: { description: 'The institution.', schema: z.strictObject(shape), example },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        rejections.bank_not_in_mode,
        rejections.bank_not_available,
        rejections.institution_exists_with_different_fields,
        rejections.institutions_too_many,
      ]),
    },
    async handle({ caller: { tenantId, mode }, body }) {
      const outcome = await settlement(addInstitution, { tenantId, mode, ...body });
      return { body: describe(accepted<typeof addInstitution>(outcome, rejections).institution) };
    },
  });
}

function list({ services: { settlement } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/admin/institutions',
    summary: 'List institutions',
    description: 'All of them, in the order of their numbers.',
    access: ['admin'],
    request: { query: z.strictObject({}) },
    responses: {
      200: {
        description: 'The institutions.',
        schema: z.strictObject({ institutions: z.array(z.strictObject(shape)) }),
        example: { institutions: [example] },
      },
      ...errorsOf(nativeDialect),
    },
    async handle({ caller: { tenantId, mode } }) {
      const outcome = await settlement(listInstitutions, { tenantId, mode });
      return { body: { institutions: accepted<typeof listInstitutions>(outcome, {}).institutions.map(describe) } };
    },
  });
}

function enable({ services: { settlement } }: Deps, enabled: boolean): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: `/v1/admin/institutions/{institution_id}/${enabled ? 'enable' : 'disable'}`,
    summary: enabled ? 'Enable an institution' : 'Disable an institution',
    description: enabled ? 'It takes new transfers again.' : 'It takes no new transfers; those that are open go on.',
    access: ['admin'],
    request: { params, query: z.strictObject({}) },
    paramsInvalid: rejections.institution_not_found,
    responses: {
      200: { description: 'The institution.', schema: z.strictObject(shape), example: { ...example, enabled } },
      ...errorsOf(nativeDialect, [...bodyFailures, rejections.institution_not_found]),
    },
    async handle({ caller: { tenantId, mode }, params: { institution_id: id } }) {
      const number = parseInt(id, 10);
      const outcome = await settlement(setInstitutionEnabled, { tenantId, mode, number, enabled });
      return { body: describe(accepted<typeof setInstitutionEnabled>(outcome, rejections).institution) };
    },
  });
}

function receive({ services: { settlement } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/admin/institutions/{institution_id}/statements',
    summary: 'Hand in a statement',
    description:
      'A camt.053 statement of the account, or a pain.002 report on orders, as the bank wrote it. A line is about the ' +
      'transfer whose id is its EndToEndId, if currency and amount are the transfer’s; other lines are kept and listed. ' +
      'The same document again changes nothing.',
    access: ['admin'],
    bodyBytesMax: statementBytesMax,
    request: {
      params,
      query: z.strictObject({}),
      body: z.strictObject({ document: z.string().min(1).max(3_000_000).meta({ description: 'XML.' }) }),
      bodyExample: { document: '<?xml version="1.0"?><Document>…</Document>' },
    },
    paramsInvalid: rejections.institution_not_found,
    responses: {
      200: {
        description: 'Taken.',
        schema: z.strictObject({
          statements: z.array(z.string()).meta({ description: 'Ids that the bank gave.' }),
          matched: z.number().int(),
          unmatched: z.number().int(),
        }),
        example: { statements: ['STMT-2026-02-12'], matched: 1, unmatched: 0 },
        headers: replayedHeader,
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        rejections.statement_invalid,
        rejections.statement_of_other_account,
        rejections.institution_not_found,
        rejections.institution_without_statements,
        rejections.statement_exists_with_different_content,
      ]),
    },
    async handle({ caller: { tenantId, mode }, params: { institution_id: id }, body: { document } }) {
      const institutionNumber = parseInt(id, 10);
      const outcome = await settlement(receiveStatement, { tenantId, mode, institutionNumber, document });
      const { statementIds, matched, unmatched, replayed } = accepted<typeof receiveStatement>(outcome, rejections);
      return {
        headers: replayedIf(replayed),
        body: { statements: statementIds, matched, unmatched },
      };
    },
  });
}

const lineShape = {
  statement: z.string(),
  line: z.number().int(),
  said: z.enum(statementSays),
  amount: z.string().nullable(),
  currency: z.string().nullable(),
  end_to_end_id: z.string().nullable(),
  reference: z.string().nullable(),
  booked_on: z.string().nullable(),
  reason: z.string().nullable(),
  transaction_id: z.string().nullable().meta({ description: 'The transfer that it is about.' }),
  problem: z.string().nullable().meta({ description: 'Why it is about none.' }),
  received_at: timestampField,
};

function describeLine(line: z.output<typeof statementLineView>) {
  // Only of currencies that are kept is the amount known.
  const scale = line.amount === null ? 0 : assets[line.currency as AssetCode].scale;
  return {
    statement: line.statementId,
    line: line.line,
    said: line.said,
    amount: line.amount === null ? null : formatAmount(line.amount, scale),
    currency: line.currency,
    end_to_end_id: line.endToEndId,
    reference: line.reference,
    booked_on: line.bookedOn,
    reason: line.reason,
    transaction_id: line.transactionId,
    problem: line.problem,
    received_at: line.receivedAt,
  };
}

function lines({ services: { settlement } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/admin/institutions/{institution_id}/statement-lines',
    summary: 'List statement lines',
    description: 'What the institution wrote, newest first. With `matched=false` what a person has to look at.',
    access: ['admin'],
    request: {
      params,
      query: z.strictObject({ matched: z.enum(['true', 'false']).optional(), limit, cursor: cursor.optional() }),
    },
    paramsInvalid: rejections.institution_not_found,
    responses: {
      200: {
        description: 'A page. `next_cursor` is null on the last one.',
        schema: z.strictObject({ lines: z.array(z.strictObject(lineShape)), next_cursor: z.string().nullable() }),
        example: {
          lines: [
            {
              statement: 'STMT-2026-02-12',
              line: 1,
              said: 'debit',
              amount: '500.00',
              currency: 'USD',
              end_to_end_id: 'TX4G7Q1ZK0WB8N3RDC5VYM',
              reference: 'B1234567890',
              booked_on: '2026-02-12',
              reason: null,
              transaction_id: 'TX4G7Q1ZK0WB8N3RDC5VYM',
              problem: null,
              received_at: '2026-02-12T10:00:00.000Z',
            },
          ],
          next_cursor: null,
        },
      },
      ...errorsOf(nativeDialect, [rejections.cursor_invalid, rejections.institution_not_found]),
    },
    async handle({ caller: { tenantId, mode }, params: { institution_id: id }, query }) {
      const outcome = await settlement(listStatementLines, {
        tenantId,
        mode,
        institutionNumber: parseInt(id, 10),
        matched: query.matched === undefined ? null : query.matched === 'true',
        limit: query.limit,
        cursor: query.cursor ?? null,
      });
      const page = accepted<typeof listStatementLines>(outcome, rejections);
      return { body: { lines: page.lines.map(describeLine), next_cursor: page.nextCursor } };
    },
  });
}

function simulate({ services: { settlement } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/sandbox/transfers/{transaction_id}',
    summary: 'Decide a sandbox transfer',
    description:
      'Tells the sandbox bank to pay out, to refuse, or to return what it paid out. The first of paying out and refusing stays.',
    access: ['partner'],
    request: {
      params: z.strictObject({ transaction_id: transactionId }),
      query: z.strictObject({}),
      body: z.strictObject({ outcome: z.enum(['settled', 'rejected', 'returned']) }),
      bodyExample: { outcome: 'settled' },
    },
    paramsInvalid: rejections.transfer_not_found,
    responses: {
      200: {
        description: 'Decided.',
        schema: z.strictObject({ transaction_id: z.string(), status: z.enum(institutionTransferStatuses) }),
        example: { transaction_id: 'TX4G7Q1ZK0WB8N3RDC5VYM', status: 'processing' },
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        sandboxOnly,
        rejections.transfer_not_found,
        rejections.transfer_not_simulated,
        rejections.transfer_decided_otherwise,
      ]),
    },
    async handle({ caller: { tenantId, mode }, params: { transaction_id: id }, body: { outcome } }) {
      if (mode !== 'sandbox') throw new FailureError(sandboxOnly);
      const decided = await settlement(simulateInstitutionTransfer, { tenantId, mode, transactionId: id, outcome });
      const { transfer } = accepted<typeof simulateInstitutionTransfer>(decided, rejections);
      return { body: { transaction_id: transfer.transactionId, status: transfer.status } };
    },
  });
}
