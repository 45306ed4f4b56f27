import { asset, getHold, holdStatuses, listHolds, operateBook, type CallRequest } from '@daybook/contracts';
import { FailureError, type Failure } from '@daybook/http';
import type { AssetCode } from '@daybook/money';
import { z } from 'zod';
import type { Credential } from '../../app/credential';
import type { Services } from '../../ports';
import { amountOf, amountToken, cursor, limit, timestampField } from '../fields';
import { accepted } from '../rejections';
import { replayedHeader, replayedIf } from '../replayed';
import { bodyFailures, errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect } from './dialect';
import { journalId, newIdShown, shownId } from './journal-ids';
import {
  decimal,
  decimalOf,
  dryRun,
  dryRunShown,
  instant,
  keyHeader,
  keyInvalid,
  metadata,
  metadataFilter,
  metadataShown,
  ofTenant,
  readerOf,
  tenantInvalid,
  watermark,
  watermarkExample,
  writerOf,
} from './ledger-fields';
import { captureRejections, ledgerRejections, namingAccount } from './ledger-rejections';
import { ledgerReferenceExample } from './ledger-views';
import { accountIdOf, accountRef, accountRefOf } from './own-accounts';
import { requireAccount } from './require-account';

type Deps = { readonly services: Pick<Services, 'ledger'> };
type Operation = CallRequest<typeof operateBook>['operation'];

/** Money set aside, and what becomes of it. */
export function ledgerHoldRoutes(deps: Deps): Route[] {
  return [placeOne(deps), listAll(deps), readOne(deps), captureOne(deps), releaseOne(deps)];
}

const hold = z.strictObject({
  hold_id: z.string(),
  account_id: z.string(),
  asset,
  amount: decimal,
  captured: decimal,
  remaining: decimal.meta({ description: 'Still held.' }),
  status: z.enum(holdStatuses),
  expires_at: timestampField.nullable(),
  actor: z.string().nullable().meta({
    description: 'Credential or service that placed it; null in what others placed on an account of yours.',
  }),
  metadata: metadataShown.meta({
    description: 'As it was placed with; empty in what others placed on an account of yours.',
  }),
  placed_at: timestampField,
});
const holdExample = {
  hold_id: 'booking-7',
  account_id: 'cash',
  asset: 'INR',
  amount: '100.00',
  captured: '60.00',
  remaining: '40.00',
  status: 'open',
  expires_at: null,
  actor: '018f2f7a-0000-7000-8000-00000000000c',
  metadata: { order: '1024' },
  placed_at: '2026-02-11T10:06:10.000Z',
} as const;

type Hold = {
  readonly holdId: string;
  readonly accountId: string;
  readonly asset: AssetCode;
  readonly amount: bigint;
  readonly captured: bigint;
  readonly remaining: bigint;
  readonly status: (typeof holdStatuses)[number];
  readonly expiresAt: string | null;
  readonly actor: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly placedAt: string;
};

function describeHold(caller: Credential, found: Hold) {
  const shown = (units: bigint) => decimalOf(units, found.asset);
  return {
    hold_id: shownId(caller, found.holdId),
    account_id: accountRefOf(caller, found.accountId),
    asset: found.asset,
    amount: shown(found.amount),
    captured: shown(found.captured),
    remaining: shown(found.remaining),
    status: found.status,
    expires_at: found.expiresAt,
    actor: found.actor,
    metadata: found.metadata,
    placed_at: found.placedAt,
  };
}

const receipt = z.strictObject({
  id: z.string().meta({ description: 'Of what was done: the `Idempotency-Key`.' }),
  hold_id: z.string(),
  ledger_reference: z.string().nullable().meta({ description: 'Of the event that recorded it; null in a dry run.' }),
  recorded_at: timestampField,
  dry_run: dryRunShown,
});

function answers(description: string, id: string) {
  return {
    200: {
      description,
      schema: receipt,
      example: {
        id,
        hold_id: 'booking-7',
        ledger_reference: ledgerReferenceExample,
        recorded_at: '2026-02-11T10:06:10.000Z',
        dry_run: false,
      },
      headers: replayedHeader,
    },
  };
}

type Asked = { readonly dry_run: boolean };

async function operate(
  ledger: Services['ledger'],
  caller: Credential,
  operation: Operation,
  { dry_run }: Asked,
  rejections: Record<keyof typeof ledgerRejections, Failure> = ledgerRejections,
) {
  const naming = namingAccount(caller, (accountId) => {
    if (operation.type === 'hold') return 'account_id';
    return operation.type === 'capture' && operation.creditAccountId === accountId ? 'credit' : undefined;
  });
  const outcome = await ledger(operateBook, { ...writerOf(caller), dryRun: dry_run, operation });
  return accepted<typeof operateBook>(outcome, rejections, naming);
}

type Done = Awaited<ReturnType<typeof operate>>;

function told(done: Done, ids: { readonly id: string; readonly hold_id: string }, { dry_run }: Asked) {
  return {
    headers: replayedIf(done.replayed),
    body: { ...ids, ledger_reference: done.ledgerReference, recorded_at: done.at, dry_run },
  };
}

function placeOne({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/ledger/holds',
    summary: 'Place a hold',
    description:
      'Sets an amount of an account aside: it is not available until it is captured, released or expired. The ' +
      '`Idempotency-Key` is the id of the hold.',
    access: ['ledger:write', 'ops'],
    request: {
      query: z.strictObject({}),
      headers: keyHeader,
      body: z.strictObject({
        account_id: accountRef,
        asset,
        amount: amountToken,
        expires_at: instant.optional().meta({
          description: 'From then on it cannot be captured, and what is left is released.',
          override: { type: 'string', format: 'date-time' },
        }),
        metadata: metadata.default({}),
        dry_run: dryRun,
      }),
      bodyExample: { account_id: 'cash', asset: 'INR', amount: '100.00', metadata: { order: '1024' } },
    },
    responses: {
      ...answers('Placed, or placed before with the same key.', 'booking-7'),
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        keyInvalid,
        ledgerRejections.asset_mismatch,
        ledgerRejections.expiry_in_past,
        ledgerRejections.account_not_found,
        ledgerRejections.id_reserved,
        ledgerRejections.id_reused,
        ledgerRejections.account_frozen,
        ledgerRejections.insufficient_balance,
      ]),
    },
    async handle({ caller, headers, body }) {
      const holdId = headers['Idempotency-Key'];
      const operation: Operation = {
        type: 'hold',
        holdId,
        accountId: accountIdOf(caller, body.account_id),
        asset: body.asset,
        amount: amountOf(body.amount, body.asset),
        expiresAt: body.expires_at ?? null,
        metadata: body.metadata,
      };
      const id = newIdShown(caller, holdId);
      return told(await operate(ledger, caller, operation, body), { id, hold_id: id }, body);
    },
  });
}

function listAll({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ledger/holds',
    summary: 'List holds',
    description:
      'Newest first, those that fit everything asked: yours, and what others hold on accounts of yours. An account of ' +
      'nobody is 404, and to operators an empty list.',
    access: ['ledger:read', 'ops'],
    request: {
      query: z.strictObject({
        account: accountRef.optional().meta({ description: 'Name of an own account, or an id.' }),
        status: z.enum(holdStatuses).optional(),
        ...ofTenant,
        metadata: metadataFilter,
        limit,
        cursor: cursor.optional(),
      }),
    },
    responses: {
      200: {
        description: 'A page. `next_cursor` is null on the last one.',
        schema: z.strictObject({ holds: z.array(hold), next_cursor: z.string().nullable(), watermark }),
        example: { holds: [holdExample], next_cursor: null, watermark: watermarkExample },
      },
      ...errorsOf(nativeDialect, [ledgerRejections.cursor_invalid, tenantInvalid, ledgerRejections.account_not_found]),
    },
    async handle({ caller, query }) {
      const outcome = await ledger(listHolds, {
        ...readerOf(caller, query),
        accountId: query.account === undefined ? null : accountIdOf(caller, query.account),
        status: query.status ?? null,
        metadata: query.metadata,
        limit: query.limit,
        cursor: query.cursor ?? null,
      });
      const page = accepted<typeof listHolds>(outcome, ledgerRejections);
      if (query.account !== undefined && page.holds.length === 0) await requireAccount(ledger, caller, query.account);
      return {
        body: {
          holds: page.holds.map((each) => describeHold(caller, each)),
          next_cursor: page.nextCursor,
          watermark: page.watermark,
        },
      };
    },
  });
}

const params = z.strictObject({ id: journalId });

function readOne({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ledger/holds/{id}',
    summary: 'Read a hold',
    description:
      'As the ledger has it now: your own, or what others hold on an account of yours, by the id that the list shows.',
    access: ['ledger:read', 'ops'],
    request: { params, query: z.strictObject({}) },
    paramsInvalid: ledgerRejections.hold_not_found,
    responses: {
      200: {
        description: 'The hold.',
        schema: hold.extend({ watermark }),
        example: { ...holdExample, watermark: watermarkExample },
      },
      ...errorsOf(nativeDialect, [ledgerRejections.hold_not_found]),
    },
    async handle({ caller, params: { id } }) {
      const outcome = await ledger(getHold, { ...readerOf(caller), holdId: id });
      const found = accepted<typeof getHold>(outcome, ledgerRejections);
      return { body: { ...describeHold(caller, found), watermark: found.watermark } };
    },
  });
}

function captureOne({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/ledger/holds/{id}/capture',
    summary: 'Capture a hold',
    description:
      'Posts what is held, or a part of it, to another account; as often as something is left, or once with `final`, ' +
      'which releases the rest. The `Idempotency-Key` is the id of the transaction.',
    access: ['ledger:write', 'ops'],
    request: {
      params,
      query: z.strictObject({}),
      headers: keyHeader,
      body: z.strictObject({
        credit: accountRef.meta({ description: 'Account of the other side.' }),
        amount: amountToken.optional().meta({ description: 'All that is left without it.' }),
        final: z.boolean().default(false),
        dry_run: dryRun,
      }),
      bodyExample: { credit: 'sales', amount: '60.00', final: true },
    },
    paramsInvalid: ledgerRejections.hold_not_found,
    responses: {
      ...answers('Captured, or captured before with the same key.', 'capture-7'),
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        keyInvalid,
        ledgerRejections.accounts_not_distinct,
        captureRejections.asset_mismatch,
        ledgerRejections.hold_not_found,
        ledgerRejections.account_not_found,
        ledgerRejections.id_reserved,
        ledgerRejections.id_reused,
        ledgerRejections.hold_closed,
        ledgerRejections.hold_expired,
        ledgerRejections.account_frozen,
        ledgerRejections.amount_exceeds_remaining,
        ledgerRejections.insufficient_balance,
        ledgerRejections.ceiling_exceeded,
      ]),
    },
    async handle({ caller, params: { id: holdId }, headers, body }) {
      const captureId = headers['Idempotency-Key'];
      const amount = body.amount === undefined ? null : await partOf(body.amount);
      const operation: Operation = {
        type: 'capture',
        captureId,
        holdId,
        amount,
        creditAccountId: accountIdOf(caller, body.credit),
        final: body.final,
      };
      const ids = { id: newIdShown(caller, captureId), hold_id: holdId };
      return told(await operate(ledger, caller, operation, body, captureRejections), ids, body);

      /** The asset of the hold says how many decimals there may be. */
      async function partOf(token: string): Promise<bigint> {
        const { tenantId, mode } = readerOf(caller);
        const outcome = await ledger(getHold, { tenantId, mode, holdId });
        const found = accepted<typeof getHold>(outcome, ledgerRejections);
        // A tenant reads what others hold on its accounts, and captures only its own.
        if (tenantId !== null && found.placedBy !== tenantId) throw new FailureError(ledgerRejections.hold_not_found);
        return amountOf(token, found.asset);
      }
    },
  });
}

function releaseOne({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/ledger/holds/{id}/release',
    summary: 'Release a hold',
    description: 'What is left of it is available again.',
    access: ['ledger:write', 'ops'],
    request: {
      params,
      query: z.strictObject({}),
      headers: keyHeader,
      body: z.strictObject({ dry_run: dryRun }),
      bodyExample: {},
    },
    paramsInvalid: ledgerRejections.hold_not_found,
    responses: {
      ...answers('Released, or released before with the same key.', 'release-7'),
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        keyInvalid,
        ledgerRejections.hold_not_found,
        ledgerRejections.id_reserved,
        ledgerRejections.id_reused,
        ledgerRejections.hold_closed,
      ]),
    },
    async handle({ caller, params: { id: holdId }, headers, body }) {
      const releaseId = headers['Idempotency-Key'];
      const done = await operate(ledger, caller, { type: 'release', releaseId, holdId }, body);
      return told(done, { id: newIdShown(caller, releaseId), hold_id: holdId }, body);
    },
  });
}
