/**
 * Account: one owner's or one purpose's money in one asset. Balances are kept on the account's normal side: debits
 * raise assets and expenses, credits raise the rest.
 *
 *   posted     sum of its entries
 *   held       promised to transfers that are being confirmed, and in open holds; available = posted - held
 *   incoming   promised by such transfers to this account; part of nothing else until they are confirmed
 *
 * The chart of accounts fixes type, owner and floor of every account that a posting rule uses. Such an account cannot
 * be opened with other fields, and no transfer moves from or to it.
 *
 * A tenant's own books are accounts of any type under `acct:<tenantId>:<name>`. Its postings touch no others, and no
 * transfer touches them: what a tenant writes there is never money in a wallet.
 */
import { assert } from '@daybook/core';
import type { AssetCode } from '@daybook/money';

export type AccountType = 'asset' | 'liability' | 'income' | 'expense' | 'equity';

/** Whatever a caller wants to find again: at most 20 keys of 40 characters with values of 500. No personal data. */
export type Metadata = Readonly<Record<string, string>>;

/** What an account is. All but the limits is fixed when it is opened. */
export type AccountFields = {
  readonly accountId: string;
  readonly tenantId: string | null;
  readonly asset: AssetCode;
  readonly accountType: AccountType;
  /** Lowest available balance that an authorizing movement may leave; null for none. */
  readonly floor: bigint | null;
  /** Highest posted balance that an authorizing movement may leave; null for none. */
  readonly ceiling: bigint | null;
  /** Null when it has none. */
  readonly metadata: Metadata | null;
};

/** Balances change in place: an engine holds millions of accounts. Only `apply` writes them. */
export type Account = Omit<AccountFields, 'floor' | 'ceiling'> & {
  floor: bigint | null;
  ceiling: bigint | null;
  /** The limits that the account was opened with. */
  readonly openingFloor: bigint | null;
  readonly openingCeiling: bigint | null;
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
  const { accountId, tenantId, asset, accountType, floor, ceiling, metadata } = fields;
  return {
    accountId,
    tenantId,
    asset,
    accountType,
    floor,
    ceiling,
    openingFloor: floor,
    openingCeiling: ceiling,
    metadata,
    wallet: isWallet(fields),
    posted: 0n,
    held: 0n,
    incoming: 0n,
    frozen: false,
    version: 0,
    openedAt: at,
    updatedAt: at,
  };
}

/** An owner's money, which transfers move. */
export function isWallet({ accountId, tenantId, accountType }: AccountFields): boolean {
  return tenantId !== null && accountType === 'liability' && !reservedPrefix.test(accountId);
}

export function cloneAccount(account: Account): Account {
  return { ...account };
}

export function availableOf(account: Pick<Account, 'posted' | 'held'>): bigint {
  return account.posted - account.held;
}

/** Whether the account may give `amount` without its available balance going below its floor. */
export function canGive(account: Account, amount: bigint): boolean {
  return account.floor === null || availableOf(account) - amount >= account.floor;
}

export function isBelowFloor(account: Account): boolean {
  return account.floor !== null && availableOf(account) < account.floor;
}

export function isAboveCeiling(account: Account): boolean {
  return account.ceiling !== null && account.posted > account.ceiling;
}

export function sameFields(a: AccountFields, b: AccountFields): boolean {
  return (
    a.accountId === b.accountId &&
    a.tenantId === b.tenantId &&
    a.asset === b.asset &&
    a.accountType === b.accountType &&
    a.floor === b.floor &&
    a.ceiling === b.ceiling &&
    sameMetadata(a.metadata ?? {}, b.metadata ?? {})
  );
}

function sameMetadata(a: Metadata, b: Metadata): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

/** What an entry does to its account's balance. */
export function effectOf(entry: Entry, accountType: AccountType): bigint {
  const normal = accountType === 'asset' || accountType === 'expense' ? 'debit' : 'credit';
  return entry.direction === normal ? entry.amount : -entry.amount;
}

/** The direction of an entry that lowers such an account. */
export function loweringOf(accountType: AccountType): Entry['direction'] {
  return accountType === 'asset' || accountType === 'expense' ? 'credit' : 'debit';
}

export type OwnedPurpose = 'clearing' | 'merchant' | 'held' | 'refundable' | 'suspense';

/**
 * Received for intents that are not settled yet; settled; kept until somebody decides; owed back to the payer; or nobody
 * knows yet whose.
 */
export function ownedAccount(purpose: OwnedPurpose, tenantId: string, asset: AssetCode): AccountFields {
  return {
    accountId: `${purpose}:${tenantId}:${asset}`,
    tenantId,
    asset,
    accountType: 'liability',
    floor: 0n,
    ceiling: null,
    metadata: null,
  };
}

/** What we hold on a chain. */
export function custodyAccount(chain: string, asset: AssetCode): AccountFields {
  return assetAccount(`custody:${chain}:${asset}`, asset);
}

/** What a payment provider took for us and has not paid out to our bank. */
export function providerAccount(gatewayId: string, asset: AssetCode): AccountFields {
  return assetAccount(`provider:${gatewayId}:${asset}`, asset);
}

/** What an institution has paid out for tenants, and has not been given yet: below zero until then. */
export function institutionAccount(institutionId: string, asset: AssetCode): AccountFields {
  return assetAccount(`institution:${institutionId}:${asset}`, asset);
}

/** What a hot wallet holds on its chain. */
export function walletAccount(walletId: string, asset: AssetCode): AccountFields {
  return assetAccount(`wallet:${walletId}:${asset}`, asset);
}

function assetAccount(accountId: string, asset: AssetCode): AccountFields {
  return { accountId, tenantId: null, asset, accountType: 'asset', floor: null, ceiling: null, metadata: null };
}

/** The other side of what the operator issued. */
export function issuanceAccount(asset: AssetCode): AccountFields {
  return {
    accountId: `issuance:${asset}`,
    tenantId: null,
    asset,
    accountType: 'equity',
    floor: null,
    ceiling: null,
    metadata: null,
  };
}

const chartId =
  /^(?:(clearing|merchant|held|refundable|suspense|custody|provider|institution|wallet):([^:]+):([A-Z0-9_]+)|issuance:([A-Z0-9_]+))$/;
const chartPrefix = /^(clearing|merchant|held|refundable|suspense|custody|provider|institution|wallet|issuance):/;
const reservedPrefix =
  /^(clearing|merchant|held|refundable|suspense|custody|provider|institution|wallet|issuance|acct):/;
const ownPrefix = 'acct:';

/** Where the ids of a tenant's own accounts begin. */
function ownAccountsOf(tenantId: string): string {
  return `${ownPrefix}${tenantId}:`;
}

/** Whether the account is one of the tenant's own books. */
export function isOwnAccount({ accountId, tenantId }: Pick<Account, 'accountId' | 'tenantId'>, of: string): boolean {
  // Opening sees to it that the id names the owner.
  return tenantId === of && accountId.startsWith(ownPrefix);
}

/** Whether an id that begins like those of tenants' own accounts names one of this tenant, and has a name in it. */
export function isOwnAccountIdValid(accountId: string, tenantId: string | null): boolean {
  if (!accountId.startsWith(ownPrefix)) return true;
  if (tenantId === null) return false;
  const prefix = ownAccountsOf(tenantId);
  return accountId.startsWith(prefix) && accountId.length > prefix.length;
}

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
  if (purpose === 'provider') return providerAccount(of, asset as AssetCode);
  if (purpose === 'institution') return institutionAccount(of, asset as AssetCode);
  if (purpose === 'wallet') return walletAccount(of, asset as AssetCode);
  return ownedAccount(purpose as OwnedPurpose, of, asset as AssetCode);
}
