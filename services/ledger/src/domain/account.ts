/**
 * Account: one owner's or one purpose's money in one asset. Balances are kept on the account's normal side: debits
 * raise assets and expenses, credits raise the rest.
 *
 *   posted     sum of its entries
 *   held       promised to transfers that are being confirmed; available = posted - held
 *   incoming   promised by such transfers to this account; part of nothing else until they are confirmed
 *
 * The chart of accounts fixes type, owner and floor of every account that a posting rule uses. Such an account cannot
 * be opened with other fields, and no transfer moves from or to it: its money moves by rules alone.
 */
import { assert } from '@daybook/core';
import type { AssetCode } from '@daybook/money';

export type AccountType = 'asset' | 'liability' | 'income' | 'expense' | 'equity';

/** What an account is, fixed when it is opened. */
export type AccountFields = {
  readonly accountId: string;
  readonly tenantId: string | null;
  readonly asset: AssetCode;
  readonly accountType: AccountType;
  /** Lowest available balance that an authorizing movement may leave; null for none. */
  readonly floor: bigint | null;
};

/** Balances change in place: an engine holds millions of accounts. Only `apply` writes them. */
export type Account = AccountFields & {
  /** An owner's money, opened by a command. Transfers move between wallets only. */
  readonly wallet: boolean;
  posted: bigint;
  held: bigint;
  incoming: bigint;
  frozen: boolean;
  /** Entries so far. */
  version: number;
  readonly openedAt: string;
  updatedAt: string;
};

export type Entry = {
  readonly accountId: string;
  readonly asset: AssetCode;
  readonly direction: 'debit' | 'credit';
  readonly amount: bigint;
};

export function newAccount(fields: AccountFields, at: string): Account {
  const { accountId, tenantId, asset, accountType, floor } = fields;
  return {
    accountId,
    tenantId,
    asset,
    accountType,
    floor,
    wallet: tenantId !== null && accountType === 'liability' && chartFieldsOf(accountId) === null,
    posted: 0n,
    held: 0n,
    incoming: 0n,
    frozen: false,
    version: 0,
    openedAt: at,
    updatedAt: at,
  };
}

export function cloneAccount(account: Account): Account {
  return { ...account };
}

export function availableOf(account: Account): bigint {
  return account.posted - account.held;
}

/** Whether the account may give `amount` without its available balance going below its floor. */
export function canGive(account: Account, amount: bigint): boolean {
  return account.floor === null || availableOf(account) - amount >= account.floor;
}

export function sameFields(a: AccountFields, b: AccountFields): boolean {
  return (
    a.accountId === b.accountId &&
    a.tenantId === b.tenantId &&
    a.asset === b.asset &&
    a.accountType === b.accountType &&
    a.floor === b.floor
  );
}

/** What an entry does to its account's balance. */
export function effectOf(entry: Entry, accountType: AccountType): bigint {
  const normal = accountType === 'asset' || accountType === 'expense' ? 'debit' : 'credit';
  return entry.direction === normal ? entry.amount : -entry.amount;
}

type OwnedPurpose = 'clearing' | 'merchant' | 'refundable';

/** Received for intents that are not settled yet, settled, or owed back to the payer. */
export function ownedAccount(purpose: OwnedPurpose, tenantId: string, asset: AssetCode): AccountFields {
  return { accountId: `${purpose}:${tenantId}:${asset}`, tenantId, asset, accountType: 'liability', floor: 0n };
}

/** What we hold on a chain, or at a payment provider that acts as one. */
export function custodyAccount(chain: string, asset: AssetCode): AccountFields {
  return { accountId: `custody:${chain}:${asset}`, tenantId: null, asset, accountType: 'asset', floor: null };
}

/** The other side of what the operator issued. */
export function issuanceAccount(asset: AssetCode): AccountFields {
  return { accountId: `issuance:${asset}`, tenantId: null, asset, accountType: 'equity', floor: null };
}

const chartId = /^(?:(clearing|merchant|refundable|custody):([^:]+):([A-Z0-9_]+)|issuance:([A-Z0-9_]+))$/;
const chartPrefix = /^(clearing|merchant|refundable|custody|issuance):/;

/**
 * The fields that the chart of accounts gives to an id: null when the id is free for wallets, `misspelt` when it has a
 * prefix of the chart but is not one of its ids.
 */
export function chartFieldsOf(accountId: string): AccountFields | 'misspelt' | null {
  if (!chartPrefix.test(accountId)) return null;
  const match = chartId.exec(accountId);
  if (match === null) return 'misspelt';
  const [, purpose, of, asset, issued] = match;
  if (issued !== undefined) return issuanceAccount(issued as AssetCode);
  assert(purpose !== undefined && of !== undefined && asset !== undefined, `chart id ${accountId}`);
  if (purpose === 'custody') return custodyAccount(of, asset as AssetCode);
  return ownedAccount(purpose as OwnedPurpose, of, asset as AssetCode);
}
