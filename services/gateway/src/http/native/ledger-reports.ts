import { asset, accountTypes, getStatement, getTrialBalance, listDailyBalances, listEntries } from '@daybook/contracts';
import { z } from 'zod';
import type { Credential } from '../../app/credential';
import type { Services } from '../../ports';
import { calendarDay, cursor, limit, pathId, timestampField } from '../fields';
import { accepted } from '../rejections';
import { errorsOf, invalidField } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect } from './dialect';
import { ledgerRejections } from './ledger-rejections';
import {
  decimal,
  decimalOf,
  metadataFilter,
  ranges,
  rangesOf,
  ofTenant,
  readerOf,
  tenantInvalid,
  timeZone,
  twoClocks,
  watermark,
  watermarkExample,
} from './ledger-fields';
import { describeEntry, entry, entryExample } from './ledger-views';
import { accountIdOf, accountRef, accountRefOf } from './own-accounts';
import { requireAccount } from './require-account';

type Deps = { readonly services: Pick<Services, 'ledger'> };

/** What the read models tell of accounts: entries, statements, days and totals. */
export function ledgerReportRoutes(deps: Deps): Route[] {
  return [entries(deps), statement(deps), dailyBalances(deps), trialBalance(deps)];
}

const lastPage = 'A page. `next_cursor` is null on the last one.';
const nextCursor = z.string().nullable();
const timeInvalid = invalidField('as_of', 'must be an instant such as 2026-02-01T00:00:00Z');
const account = { params: z.strictObject({ id: pathId }), paramsInvalid: ledgerRejections.account_not_found };

function entries({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ledger/entries',
    summary: 'List entries',
    description:
      'Oldest first, in the order of recording; pages give each entry once while others are recorded. `metadata` is ' +
      'of the transaction. An account of nobody is 404, and to operators an empty list.',
    access: ['ledger:read', 'ops'],
    request: {
      query: z.strictObject({
        account: accountRef.optional().meta({ description: 'Name of an own account, or an id.' }),
        ...ofTenant,
        ...twoClocks,
        ...ranges,
        metadata: metadataFilter,
        limit,
        cursor: cursor.optional(),
      }),
    },
    responses: {
      200: {
        description: lastPage,
        schema: z.strictObject({ entries: z.array(entry), next_cursor: nextCursor, watermark }),
        example: { entries: [entryExample], next_cursor: null, watermark: watermarkExample },
      },
      ...errorsOf(nativeDialect, [
        ledgerRejections.cursor_invalid,
        timeInvalid,
        tenantInvalid,
        ledgerRejections.account_not_found,
      ]),
    },
    async handle({ caller, query }) {
      const outcome = await ledger(listEntries, {
        ...readerOf(caller, query),
        accountId: query.account === undefined ? null : accountIdOf(caller, query.account),
        asOf: query.as_of ?? null,
        knownAt: query.known_at ?? null,
        ...rangesOf(query),
        metadata: query.metadata,
        limit: query.limit,
        cursor: query.cursor ?? null,
      });
      const page = accepted<typeof listEntries>(outcome, ledgerRejections);
      if (query.account !== undefined && page.entries.length === 0) await requireAccount(ledger, caller, query.account);
      return {
        body: {
          entries: page.entries.map((each) => describeEntry(caller, each)),
          next_cursor: page.nextCursor,
          watermark: page.watermark,
        },
      };
    },
  });
}

const period = {
  from: calendarDay.meta({ description: 'First day.' }),
  to: calendarDay.meta({ description: 'The day after the last one.' }),
  time_zone: timeZone,
  known_at: twoClocks.known_at,
};
const accountHead = { account_id: z.string(), asset, type: z.enum(accountTypes) };
const totals = {
  opening: decimal,
  debits: decimal,
  credits: decimal,
  closing: decimal,
  entry_count: z.number().int(),
};
const totalsExample = { opening: '1100.75', debits: '150.00', credits: '0.00', closing: '1250.75', entry_count: 1 };

const statementPage = {
  description: lastPage,
  schema: z.strictObject({
    ...accountHead,
    from: timestampField,
    to: timestampField,
    ...totals,
    entries: z.array(
      entry.extend({
        statement_balance: decimal.meta({
          description: 'After this entry, in the order of the effective clock.',
        }),
      }),
    ),
    next_cursor: nextCursor,
    watermark,
  }),
  example: {
    account_id: 'cash',
    asset: 'INR',
    type: 'asset',
    from: '2026-01-31T18:30:00.000Z',
    to: '2026-02-28T18:30:00.000Z',
    ...totalsExample,
    entries: [{ ...entryExample, statement_balance: '1250.75' }],
    next_cursor: null,
    watermark: watermarkExample,
  },
};

function statement({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ledger/accounts/{id}/statement',
    summary: 'Statement of an account',
    description:
      'What happened from one day up to, and not including, another, by the effective clock. Its closing balance is the ' +
      'opening balance of the statement that begins there. All pages show what was known at the first one. At most 4,000 ' +
      'days.',
    access: ['ledger:read', 'ops'],
    request: { params: account.params, query: z.strictObject({ ...period, limit, cursor: cursor.optional() }) },
    paramsInvalid: account.paramsInvalid,
    responses: {
      200: statementPage,
      ...errorsOf(nativeDialect, [
        ledgerRejections.period_invalid,
        ledgerRejections.time_zone_unknown,
        ledgerRejections.cursor_invalid,
        ledgerRejections.account_not_found,
      ]),
    },
    async handle({ caller, params, query }) {
      const outcome = await ledger(getStatement, {
        ...periodOf(caller, params.id, query),
        limit: query.limit,
        cursor: query.cursor ?? null,
      });
      const value = accepted<typeof getStatement>(outcome, ledgerRejections);
      return {
        body: {
          ...describeAccount(caller, value),
          from: value.from,
          to: value.to,
          ...describeTotals(value, value.asset),
          entries: value.entries.map((each) => ({
            ...describeEntry(caller, each),
            statement_balance: decimalOf(each.statementBalance, each.asset),
          })),
          next_cursor: value.nextCursor,
          watermark: value.watermark,
        },
      };
    },
  });
}

type Period = {
  readonly from: string;
  readonly to: string;
  readonly time_zone: string;
  readonly known_at?: string | undefined;
};

function periodOf(caller: Credential, ref: string, query: Period) {
  return {
    ...readerOf(caller),
    accountId: accountIdOf(caller, ref),
    from: query.from,
    to: query.to,
    timeZone: query.time_zone,
    knownAt: query.known_at ?? null,
  };
}

type Head = { accountId: string; asset: z.infer<typeof asset>; type: (typeof accountTypes)[number] };

function describeAccount(caller: Credential, { accountId, asset: code, type }: Head) {
  return { account_id: accountRefOf(caller, accountId), asset: code, type };
}

type Totals = { opening: bigint; debits: bigint; credits: bigint; closing: bigint; entryCount: number };

function describeTotals({ opening, debits, credits, closing, entryCount }: Totals, code: z.infer<typeof asset>) {
  return {
    opening: decimalOf(opening, code),
    debits: decimalOf(debits, code),
    credits: decimalOf(credits, code),
    closing: decimalOf(closing, code),
    entry_count: entryCount,
  };
}

function dailyBalances({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ledger/accounts/{id}/daily-balances',
    summary: 'Daily balances of an account',
    description: 'Each day of a period, also one without entries, by the effective clock. At most 400 days.',
    access: ['ledger:read', 'ops'],
    request: { params: account.params, query: z.strictObject(period) },
    paramsInvalid: account.paramsInvalid,
    responses: {
      200: {
        description: 'The days.',
        schema: z.strictObject({
          ...accountHead,
          days: z.array(z.strictObject({ day: z.iso.date(), ...totals })),
          watermark,
        }),
        example: {
          account_id: 'cash',
          asset: 'INR',
          type: 'asset',
          days: [{ day: '2026-02-11', ...totalsExample }],
          watermark: watermarkExample,
        },
      },
      ...errorsOf(nativeDialect, [
        ledgerRejections.period_invalid,
        ledgerRejections.time_zone_unknown,
        ledgerRejections.account_not_found,
      ]),
    },
    async handle({ caller, params, query }) {
      const outcome = await ledger(listDailyBalances, periodOf(caller, params.id, query));
      const value = accepted<typeof listDailyBalances>(outcome, ledgerRejections);
      return {
        body: {
          ...describeAccount(caller, value),
          days: value.days.map((each) => ({ day: each.day, ...describeTotals(each, value.asset) })),
          watermark: value.watermark,
        },
      };
    },
  });
}

function trialBalance({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ledger/trial-balance',
    summary: 'Trial balance',
    description:
      'Totals of each asset and type of account, of the accounts of the caller; operators see the whole book, where ' +
      'debits equal credits in each asset.',
    access: ['ledger:read', 'ops'],
    request: { query: z.strictObject({ ...ofTenant, ...twoClocks }) },
    responses: {
      200: {
        description: 'The totals.',
        schema: z.strictObject({
          lines: z.array(
            z.strictObject({
              asset,
              type: z.enum(accountTypes),
              accounts: z.number().int(),
              debits: decimal,
              credits: decimal,
              net: decimal.meta({ description: 'Debits less credits.' }),
            }),
          ),
          watermark,
        }),
        example: {
          lines: [{ asset: 'INR', type: 'asset', accounts: 2, debits: '150.00', credits: '0.00', net: '150.00' }],
          watermark: watermarkExample,
        },
      },
      ...errorsOf(nativeDialect, [timeInvalid, tenantInvalid]),
    },
    async handle({ caller, query }) {
      const outcome = await ledger(getTrialBalance, {
        ...readerOf(caller, query),
        asOf: query.as_of ?? null,
        knownAt: query.known_at ?? null,
      });
      const value = accepted<typeof getTrialBalance>(outcome, {});
      return {
        body: {
          lines: value.lines.map((each) => ({
            asset: each.asset,
            type: each.type,
            accounts: each.accounts,
            debits: decimalOf(each.debits, each.asset),
            credits: decimalOf(each.credits, each.asset),
            net: decimalOf(each.net, each.asset),
          })),
          watermark: value.watermark,
        },
      };
    },
  });
}
