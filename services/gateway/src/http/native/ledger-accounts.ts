import {
  accountTypes,
  asset,
  getBalanceAsOf,
  getBookAccount,
  listAccounts,
  openBookAccount,
  setAccountLimits,
  type CallOutcome,
} from '@daybook/contracts';
import { z } from 'zod';
import type { Credential } from '../../app/credential';
import type { Services } from '../../ports';
import { cursor, limit, pathId, timestampField } from '../fields';
import { accepted } from '../rejections';
import { replayedHeader, replayedIf } from '../replayed';
import { bodyFailures, errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect } from './dialect';
import {
  decimal,
  decimalOf,
  dryRun,
  dryRunShown,
  keyHeader,
  keyInvalid,
  limitOf,
  metadata,
  metadataFilter,
  metadataShown,
  ofTenant,
  readerOf,
  tenantInvalid,
  twoClocks,
  watermark,
  watermarkExample,
  writerOf,
} from './ledger-fields';
import { ledgerRejections } from './ledger-rejections';
import { ledgerReferenceExample } from './ledger-views';
import {
  accountIdOf,
  accountRef,
  accountRefOf,
  isOperator,
  nameFailures,
  newAccountOf,
  reservedPrefixes,
} from './own-accounts';

type Deps = { readonly services: Pick<Services, 'ledger'> };
type Account = Omit<Extract<CallOutcome<typeof getBookAccount>, { ok: true }>['value'], 'watermark'>;

/** The accounts of the caller, and its own books among them. */
export function ledgerAccountRoutes(deps: Deps): Route[] {
  return [openOne(deps), listAll(deps), readOne(deps), limitOne(deps)];
}

const account = z.strictObject({
  account_id: z.string(),
  tenant_id: z.string().nullable().optional().meta({
    description: "Whose it is, null of the operator's own. Operators alone are told.",
  }),
  asset,
  type: z.enum(accountTypes),
  floor: decimal.nullable(),
  ceiling: decimal.nullable(),
  metadata: metadataShown,
  posted: decimal,
  held: decimal,
  available: decimal,
  incoming: decimal,
  frozen: z.boolean(),
  version: z.number().int().meta({ description: 'Entries so far.' }),
  opened_at: timestampField,
  updated_at: timestampField,
});
const accountExample = {
  account_id: 'cash',
  asset: 'INR',
  type: 'asset',
  floor: '0.00',
  ceiling: null,
  metadata: { branch: 'pune' },
  posted: '1250.75',
  held: '0.00',
  available: '1250.75',
  incoming: '0.00',
  frozen: false,
  version: 3,
  opened_at: '2026-02-11T10:00:00.000Z',
  updated_at: '2026-02-11T10:06:10.000Z',
} as const;

function describeAccount(caller: Credential, found: Account) {
  const shown = (units: bigint) => decimalOf(units, found.asset);
  return {
    account_id: accountRefOf(caller, found.accountId),
    ...(isOperator(caller) ? { tenant_id: found.ownerId } : {}),
    asset: found.asset,
    type: found.type,
    floor: found.floor === null ? null : shown(found.floor),
    ceiling: found.ceiling === null ? null : shown(found.ceiling),
    metadata: found.metadata ?? {},
    posted: shown(found.posted),
    held: shown(found.held),
    available: shown(found.available),
    incoming: shown(found.incoming),
    frozen: found.frozen,
    version: found.version,
    opened_at: found.openedAt,
    updated_at: found.updatedAt,
  };
}

const signedDecimal = z
  .string()
  .regex(
    /^-?(0|[1-9]\d{0,17})(\.\d{1,18})?$/,
    'must be a plain decimal such as -100.00, as a string, with at most 18 digits before the point',
  );
const floor = signedDecimal.nullable().meta({
  description: 'Lowest available balance that a movement may leave; null for none.',
});
const ceiling = signedDecimal.nullable().meta({
  description: 'Highest balance that a movement may leave; null for none.',
});
const newName = accountRef.meta({
  description:
    'Begins with a lower-case letter and has at most 100 of a-z, 0-9, dot, dash, underscore and colon. These prefixes are ' +
    `reserved: ${reservedPrefixes.map((prefix) => `\`${prefix}\``).join(', ')}.`,
});

function openOne({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/ledger/accounts',
    summary: 'Open an account',
    description:
      "One of the caller's own books, under a name of its choice. Idempotent by the name: opening again with the same " +
      'fields is a repeat. Operators say the full id, `acct:<tenant id>:<name>`.',
    access: ['ledger:write', 'ops'],
    request: {
      query: z.strictObject({}),
      body: z.strictObject({
        name: newName,
        asset,
        type: z.enum(accountTypes).meta({
          description: 'Debits raise assets and expenses; credits raise liabilities, income and equity.',
        }),
        floor: floor.default('0'),
        ceiling: ceiling.default(null),
        metadata: metadata.default({}),
        dry_run: dryRun,
      }),
      bodyExample: { name: 'cash', asset: 'INR', type: 'asset', metadata: { branch: 'pune' } },
    },
    responses: {
      200: {
        description: 'Open, or opened before with the same fields.',
        schema: z.strictObject({ account_id: z.string(), opened_at: timestampField, dry_run: dryRunShown }),
        example: { account_id: 'cash', opened_at: '2026-02-11T10:00:00.000Z', dry_run: false },
        headers: replayedHeader,
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        nameFailures.malformed,
        nameFailures.reserved('wallet:'),
        nameFailures.notInFull,
        ledgerRejections.limits_fixed,
        ledgerRejections.limits_crossed,
        ledgerRejections.account_exists_with_different_fields,
      ]),
    },
    async handle({ caller, body }) {
      const named = newAccountOf(caller, body.name);
      const outcome = await ledger(openBookAccount, {
        ...writerOf(caller),
        dryRun: body.dry_run,
        accountId: named.accountId,
        ownerId: named.tenantId,
        asset: body.asset,
        type: body.type,
        floor: body.floor === null ? null : limitOf(body.floor, body.asset, 'floor'),
        ceiling: body.ceiling === null ? null : limitOf(body.ceiling, body.asset, 'ceiling'),
        metadata: body.metadata,
      });
      const opened = accepted<typeof openBookAccount>(outcome, ledgerRejections);
      return {
        headers: replayedIf(opened.replayed),
        body: {
          account_id: accountRefOf(caller, opened.accountId),
          opened_at: opened.openedAt,
          dry_run: body.dry_run,
        },
      };
    },
  });
}

function listAll({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ledger/accounts',
    summary: 'List accounts',
    description: 'Accounts with their balances, by account id.',
    access: ['ledger:read', 'ops'],
    request: {
      query: z.strictObject({
        asset: asset.optional(),
        ...ofTenant,
        metadata: metadataFilter,
        limit,
        cursor: cursor.optional(),
      }),
    },
    responses: {
      200: {
        description: 'A page. `next_cursor` is null on the last one.',
        schema: z.strictObject({ accounts: z.array(account), next_cursor: z.string().nullable(), watermark }),
        example: { accounts: [accountExample], next_cursor: null, watermark: watermarkExample },
      },
      ...errorsOf(nativeDialect, [ledgerRejections.cursor_invalid, tenantInvalid]),
    },
    async handle({ caller, query }) {
      const outcome = await ledger(listAccounts, {
        ...readerOf(caller, query),
        asset: query.asset ?? null,
        metadata: query.metadata,
        limit: query.limit,
        cursor: query.cursor ?? null,
      });
      const page = accepted<typeof listAccounts>(outcome, ledgerRejections);
      return {
        body: {
          accounts: page.accounts.map((each) => describeAccount(caller, each)),
          next_cursor: page.nextCursor,
          watermark: page.watermark,
        },
      };
    },
  });
}

const balanceAsOf = z.strictObject({
  account_id: z.string(),
  asset,
  type: z.enum(accountTypes),
  posted: decimal,
  debits: decimal,
  credits: decimal,
  entry_count: z.number().int(),
  as_of: timestampField.nullable(),
  known_at: timestampField.nullable(),
  watermark,
});

function readOne({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ledger/accounts/{id}',
    summary: 'Read an account',
    description:
      'Its balance as the ledger has it now, which includes everything that was answered before. With `as_of` or ' +
      '`known_at` its totals at that moment of the effective and the recording clock, from the read models.',
    access: ['ledger:read', 'ops'],
    request: { params: z.strictObject({ id: pathId }), query: z.strictObject(twoClocks) },
    paramsInvalid: ledgerRejections.account_not_found,
    responses: {
      200: {
        description: 'The account, or its totals at that moment.',
        schema: z.union([account.extend({ watermark }), balanceAsOf]),
        example: { ...accountExample, watermark: watermarkExample },
      },
      ...errorsOf(nativeDialect, [ledgerRejections.account_not_found]),
    },
    async handle({ caller, params, query }) {
      const accountId = accountIdOf(caller, params.id);
      const { as_of: asOf = null, known_at: knownAt = null } = query;
      if (asOf !== null || knownAt !== null) {
        const past = await ledger(getBalanceAsOf, { ...readerOf(caller), accountId, asOf, knownAt });
        const found = accepted<typeof getBalanceAsOf>(past, ledgerRejections);
        return {
          body: {
            account_id: accountRefOf(caller, found.accountId),
            asset: found.asset,
            type: found.type,
            posted: decimalOf(found.posted, found.asset),
            debits: decimalOf(found.debits, found.asset),
            credits: decimalOf(found.credits, found.asset),
            entry_count: found.entries,
            as_of: asOf,
            known_at: knownAt,
            watermark: found.watermark,
          },
        };
      }
      const outcome = await ledger(getBookAccount, { ...readerOf(caller), accountId });
      const found = accepted<typeof getBookAccount>(outcome, ledgerRejections);
      return { body: { ...describeAccount(caller, found), watermark: found.watermark } };
    },
  });
}

const limits = z.strictObject({
  account_id: z.string(),
  floor: decimal.nullable(),
  ceiling: decimal.nullable(),
  ledger_reference: z.string().nullable().meta({ description: 'Of the event that recorded it; null in a dry run.' }),
  recorded_at: timestampField,
  dry_run: dryRunShown,
});
const limitsExample = {
  account_id: 'cash',
  floor: '-500.00',
  ceiling: null,
  ledger_reference: ledgerReferenceExample,
  recorded_at: '2026-02-11T10:06:10.000Z',
  dry_run: false,
} as const;

function limitOne({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'put',
    path: '/v1/ledger/accounts/{id}/limits',
    summary: 'Set the limits of an account',
    description: 'They hold for what comes: a balance that is beyond them already stays.',
    access: ['ledger:write', 'ops'],
    request: {
      params: z.strictObject({ id: pathId }),
      query: z.strictObject({}),
      headers: keyHeader,
      body: z.strictObject({ floor, ceiling, dry_run: dryRun }),
      bodyExample: { floor: '-500.00', ceiling: null },
    },
    paramsInvalid: ledgerRejections.account_not_found,
    responses: {
      200: {
        description: 'Set, or set before with the same key.',
        schema: limits,
        example: limitsExample,
        headers: replayedHeader,
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        keyInvalid,
        ledgerRejections.limits_crossed,
        ledgerRejections.account_not_found,
        ledgerRejections.id_reserved,
        ledgerRejections.id_reused,
        ledgerRejections.limits_fixed,
      ]),
    },
    async handle({ caller, params, headers, body }) {
      const accountId = accountIdOf(caller, params.id);
      // The asset, which never changes, says how many decimals the limits may have.
      const known = await ledger(getBookAccount, { ...readerOf(caller), accountId });
      const { asset: code } = accepted<typeof getBookAccount>(known, ledgerRejections);
      const [low, high] = [body.floor, body.ceiling].map((token, index) =>
        token === null ? null : limitOf(token, code, index === 0 ? 'floor' : 'ceiling'),
      ) as [bigint | null, bigint | null];
      const outcome = await ledger(setAccountLimits, {
        ...writerOf(caller),
        dryRun: body.dry_run,
        changeId: headers['Idempotency-Key'],
        accountId,
        floor: low,
        ceiling: high,
      });
      const set = accepted<typeof setAccountLimits>(outcome, ledgerRejections);
      return {
        headers: replayedIf(set.replayed),
        body: {
          account_id: accountRefOf(caller, accountId),
          floor: low === null ? null : decimalOf(low, code),
          ceiling: high === null ? null : decimalOf(high, code),
          ledger_reference: set.ledgerReference,
          recorded_at: set.at,
          dry_run: body.dry_run,
        },
      };
    },
  });
}
