/** Balances for the audit calls. The formula is in the database, where auditors use it too: `audit_totals_as_of`. */
import type { Pool } from 'pg';
import type { AuditBalances, BalanceQuery, DailyBalancesQuery, TrialBalanceQuery } from '../app/audit-balances';
import type { AccountType } from '../domain/account';
import { assetOf } from './accounts';
import { findStatement } from './audit-statement';
import { markedRows } from './marked-rows';

const invalidParameterValue = '22023';

export function auditBalances(pool: Pool): AuditBalances {
  return {
    knowsTimeZone: (name) => knowsTimeZone(pool, name),
    findBalance: (query) => findBalance(pool, query),
    findTrialBalance: (query) => findTrialBalance(pool, query),
    findDailyBalances: (query) => findDailyBalances(pool, query),
    findStatement: (query) => findStatement(pool, query),
  };
}

/** Postgres has its own copy of the database, without some names that ICU keeps. */
async function knowsTimeZone(pool: Pool, name: string): Promise<boolean> {
  try {
    await pool.query('select now() at time zone $1::text', [name]);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === invalidParameterValue) return false;
    throw error;
  }
}

type Totals = { posted: string; debits: string; credits: string; entries: string };
type AccountRow = { account_id: string; asset: string; type: AccountType };

function totalsOf({ posted, debits, credits, entries }: Totals) {
  return { posted: BigInt(posted), debits: BigInt(debits), credits: BigInt(credits), entries: Number(entries) };
}

async function findBalance(pool: Pool, { mode, tenantId, accountId, asOf, knownAt }: BalanceQuery) {
  const { rows, watermark } = await markedRows<AccountRow & Totals>(
    pool,
    `select a.account_id, a.asset, a.type, t.posted, t.debits, t.credits, t.entries
     from accounts_v1 a cross join lateral audit_totals_as_of(a.mode, a.account_id, $4, $5) t
     where a.mode = $1 and a.account_id = $2 and ($3::uuid is null or a.tenant_id = $3)`,
    [mode, accountId, tenantId, asOf, knownAt],
  );
  return rows.map((row) => {
    const { account_id, asset, type } = row;
    return { accountId: account_id, asset: assetOf(asset), type, ...totalsOf(row), watermark };
  })[0];
}

type LineRow = { asset: string; type: AccountType; accounts: string; debits: string; credits: string };

async function findTrialBalance(pool: Pool, { mode, tenantId, asOf, knownAt }: TrialBalanceQuery) {
  const { rows, watermark } = await markedRows<LineRow>(
    pool,
    `select asset, type, count(*) as accounts, sum(debits) as debits, sum(credits) as credits
     from audit_balances_as_of($1, $3, $4)
     where $2::uuid is null or tenant_id = $2
     group by asset, type order by asset, type`,
    [mode, tenantId, asOf, knownAt],
  );
  const lines = rows.map((row) => {
    const [debits, credits] = [BigInt(row.debits), BigInt(row.credits)];
    const { asset, type, accounts } = row;
    return { asset: assetOf(asset), type, accounts: Number(accounts), debits, credits, net: debits - credits };
  });
  return { lines, watermark };
}

type DayRow = AccountRow & {
  day: string;
  opening: string;
  debits: string;
  credits: string;
  closing: string;
  entries: string;
};

async function findDailyBalances(pool: Pool, query: DailyBalancesQuery) {
  const { mode, tenantId, accountId, from, to, timeZone, knownAt } = query;
  const { rows, watermark } = await markedRows<DayRow>(
    pool,
    `select a.account_id, a.asset, a.type, to_char(d.day, 'YYYY-MM-DD') as day, d.opening, d.debits, d.credits, d.closing,
            d.entries
     from accounts_v1 a
     cross join lateral audit_daily_balances_between(a.mode, a.account_id, $4::date, $5::date - 1, $6, $7) d
     where a.mode = $1 and a.account_id = $2 and ($3::uuid is null or a.tenant_id = $3) order by d.day`,
    [mode, accountId, tenantId, from, to, timeZone, knownAt],
  );
  const account = rows[0];
  if (account === undefined) return undefined;
  const days = rows.map(({ day, opening, debits, credits, closing, entries }) => ({
    day,
    opening: BigInt(opening),
    debits: BigInt(debits),
    credits: BigInt(credits),
    closing: BigInt(closing),
    entryCount: Number(entries),
  }));
  return { accountId, asset: assetOf(account.asset), type: account.type, days, watermark };
}
