import {
  exceptionActions,
  exceptionKinds,
  exceptionNextActions,
  exceptionReasons,
  exceptionStatuses,
  listExceptions,
  policyParts,
  receiptPlaces,
  resolveException,
  type exceptionView,
} from '@daybook/contracts';
import { assetCodes } from '@daybook/money';
import { z } from 'zod';
import type { Services } from '../../ports';
import { cursor, limit, pathId, timestampField } from '../fields';
import { accepted } from '../rejections';
import { bodyFailures, errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect, nativeRejections } from './dialect';
import { decimal, decimalOf } from './ledger-fields';

type Deps = { readonly services: Pick<Services, 'intents'> };

/** Operators see and resolve the exceptions of every tenant of their mode. Who decided is recorded. */
export function exceptionRoutes(deps: Deps): Route[] {
  return [list(deps), resolve(deps)];
}

const shape = {
  id: z.string().meta({ description: 'Of the deposit, or of the payment.' }),
  kind: z.enum(exceptionKinds),
  tenant_id: z.uuid(),
  subject: z.string().meta({ description: 'Id of the intent, or of the payment.' }),
  asset: z.enum(assetCodes),
  amount_received: decimal,
  amount: decimal.meta({ description: 'What is at `place`: the part that is not applied to the intent.' }),
  place: z.enum(receiptPlaces),
  reasons: z.array(z.enum(exceptionReasons)),
  decided_by: z
    .enum(policyParts)
    .nullable()
    .meta({ description: "Part of the tenant's receipt policy that said where it goes." }),
  status: z.enum(exceptionStatuses),
  next_action: z.enum(exceptionNextActions).nullable().meta({
    description: 'What somebody has to do: `decide` on it, `identify` whose it is, `refund` it, `review` it.',
  }),
  actions: z.array(z.enum(exceptionActions)).meta({ description: 'What may be done with it now.' }),
  chain: z.string().nullable(),
  transaction_reference: z.string().nullable().meta({ description: 'On its chain, or at its provider.' }),
  received_at: timestampField,
  updated_at: timestampField,
};

const example = {
  id: '0a1b2c3d-4e5f-8071-8293-a4b5c6d7e8f9',
  kind: 'receipt',
  tenant_id: '6f1d7a52-3c0b-4a0e-9a53-0c1f2e3d4b5a',
  subject: '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d',
  asset: 'SOL',
  amount_received: '0.70',
  amount: '0.70',
  place: 'suspense',
  reasons: ['wrong_asset'],
  decided_by: 'wrong_asset',
  status: 'open',
  next_action: 'identify',
  actions: ['credit', 'refund', 'suspend'],
  chain: 'solana',
  transaction_reference: '25a589255a298bf6fbe1e28bc0da0a63',
  received_at: '2026-02-11T10:05:00.000Z',
  updated_at: '2026-02-11T10:05:00.000Z',
};

function describe(one: z.output<typeof exceptionView>) {
  return {
    id: one.exceptionId,
    kind: one.kind,
    tenant_id: one.tenantId,
    subject: one.subject,
    asset: one.asset,
    amount_received: decimalOf(one.amountReceived, one.asset),
    amount: decimalOf(one.amount, one.asset),
    place: one.place,
    reasons: one.reasons,
    decided_by: one.decidedBy,
    status: one.status,
    next_action: one.nextAction,
    actions: one.actions,
    chain: one.chain,
    transaction_reference: one.transactionReference,
    received_at: one.receivedAt,
    updated_at: one.updatedAt,
  };
}

function list({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ops/exceptions',
    summary: 'List exceptions',
    description:
      'Receipts at payment addresses that are not applied to their intent (too much, too little, too late, in another ' +
      'asset), with the place that they are in, and payments whose provider took another amount, took it after a failure, ' +
      'or whose payer disputes them: `amount` is all that was taken. The longest waiting first. Each that is open names what is to be done next.',
    access: ['ops'],
    request: {
      query: z.strictObject({
        status: z.enum([...exceptionStatuses, 'all']).default('open'),
        tenant_id: z.uuid().optional(),
        kind: z.enum(exceptionKinds).optional(),
        place: z.enum(receiptPlaces).optional(),
        reason: z.enum(exceptionReasons).optional(),
        asset: z.enum(assetCodes).optional(),
        limit,
        cursor: cursor.optional(),
      }),
    },
    responses: {
      200: {
        description: 'A page. `next_cursor` is null on the last one.',
        schema: z.strictObject({ exceptions: z.array(z.strictObject(shape)), next_cursor: z.string().nullable() }),
        example: { exceptions: [example], next_cursor: null },
      },
      ...errorsOf(nativeDialect, [nativeRejections.cursor_invalid]),
    },
    async handle({ caller: { mode }, query }) {
      const outcome = await intents(listExceptions, {
        mode,
        tenantId: query.tenant_id ?? null,
        status: query.status === 'all' ? null : query.status,
        kind: query.kind ?? null,
        place: query.place ?? null,
        reason: query.reason ?? null,
        asset: query.asset ?? null,
        limit: query.limit,
        cursor: query.cursor ?? null,
      });
      const page = accepted<typeof listExceptions>(outcome, nativeRejections);
      return { body: { exceptions: page.exceptions.map(describe), next_cursor: page.nextCursor } };
    },
  });
}

function resolve({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/ops/exceptions/{id}/resolve',
    summary: 'Resolve an exception',
    description:
      '`credit` gives a receipt to the tenant, in the asset that came; `refund` makes it owed back to the payer; `suspend` ' +
      'puts or keeps it in suspense; `dismiss` closes the exception of a payment, whose money is credited as it came. The ' +
      'ledger follows. What is credited stays credited. A repeat changes nothing.',
    access: ['ops'],
    request: {
      params: z.strictObject({ id: pathId }),
      query: z.strictObject({}),
      body: z.strictObject({ action: z.enum(exceptionActions) }),
      bodyExample: { action: 'refund' },
    },
    paramsInvalid: nativeRejections.exception_not_found,
    responses: {
      200: {
        description: 'As it is now.',
        schema: z.strictObject(shape),
        example: { ...example, place: 'refundable', next_action: 'refund' },
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        nativeRejections.exception_not_found,
        nativeRejections.action_not_possible,
        nativeRejections.exception_already_credited,
      ]),
    },
    async handle({ caller: { mode, credentialId }, params, body }) {
      const outcome = await intents(resolveException, {
        mode,
        exceptionId: params.id,
        action: body.action,
        actor: credentialId,
      });
      return { body: describe(accepted<typeof resolveException>(outcome, nativeRejections).exception) };
    },
  });
}
