/** What the independent reading of a journal keeps, and how entries change it. */
export const booksRules = [
  'gapless',
  'hash-chain',
  'known-event',
  'entries-balance',
  'global-sum',
  'floor',
  'holds',
  'one-posting',
  'one-answer',
  'period',
  'projection',
  'intent',
  'deposit',
  'reader',
] as const;
export type BooksRule = (typeof booksRules)[number];

export type Violation = {
  readonly rule: BooksRule;
  /** Stream of the book, or the table. */
  readonly where: string;
  /** Event of the book, when it is about one. */
  readonly sequence?: number;
  readonly message: string;
};

export type RawEvent = {
  readonly id: string;
  readonly revision: bigint;
  readonly type: string;
  readonly payload: Buffer;
};

export type Entry = {
  readonly accountId: string;
  readonly asset: string;
  readonly direction: 'debit' | 'credit';
  readonly amount: bigint;
  /** After this entry. */
  readonly balance: bigint;
  readonly accountVersion: number;
};

export type Transaction = {
  readonly sequence: number;
  readonly transactionId: string;
  readonly tenantId: string | null;
  readonly causeType: string;
  readonly causeId: string;
  readonly subject: string;
  readonly rule: string;
  readonly reference: string;
  readonly effectiveAt: string;
  readonly entries: readonly Entry[];
};

export type Account = {
  readonly tenantId: string | null;
  readonly asset: string;
  readonly type: string;
  floor: bigint | null;
  ceiling: bigint | null;
  posted: bigint;
  held: bigint;
  incoming: bigint;
  frozen: boolean;
  version: number;
};

export type Transfer = {
  readonly fields: Readonly<Record<string, string>>;
  readonly amount: bigint;
  status: 'processing' | 'confirmed' | 'failed' | 'reversed';
  failure: string | null;
  reference: string | null;
};

export type Hold = {
  readonly accountId: string;
  readonly asset: string;
  readonly expiresAt: string | null;
  readonly amount: bigint;
  captured: bigint;
  remaining: bigint;
  status: 'open' | 'captured' | 'released' | 'expired';
};

export type Book = {
  readonly stream: string;
  readonly length: number;
  readonly accounts: ReadonlyMap<string, Account>;
  readonly transfers: ReadonlyMap<string, Transfer>;
  readonly transactions: readonly Transaction[];
  readonly holds: ReadonlyMap<string, Hold>;
  readonly violations: readonly Violation[];
};

export type Json = { readonly [field: string]: unknown };

export type Fold = {
  readonly accounts: Map<string, Account>;
  readonly transfers: Map<string, Transfer>;
  readonly transactions: Map<string, Transaction>;
  readonly holds: Map<string, Hold>;
  /** What was taken back of a transaction, of its first entry. */
  readonly reversed: Map<string, bigint>;
  /** The first instant that is in no closed period. */
  openFrom: string;
  /** Ids that callers chose and that have their answer. */
  readonly answered: Set<string>;
  violate(rule: BooksRule, message: string): void;
};

export type Place = { readonly sequence: number; readonly reference: string };

export function text(value: unknown): string {
  return typeof value === 'string' ? value : `(${JSON.stringify(value)})`;
}

/** Left out when it is of no tenant. */
export function tenantOf(data: Json): string | null {
  return data['tenantId'] === undefined ? null : text(data['tenantId']);
}

/** None, when the event has no list of them: `post` reports it. */
export function entriesOf(data: Json): readonly Json[] {
  return Array.isArray(data['entries']) ? (data['entries'] as Json[]) : [];
}

/** Digits only: what is not an amount counts as zero and is reported. */
export function units(fold: Fold, value: unknown): bigint {
  if (typeof value === 'string' && /^-?(0|[1-9]\d*)$/.test(value)) return BigInt(value);
  fold.violate('entries-balance', `${JSON.stringify(value)} is not an amount`);
  return 0n;
}

export function accountOf(fold: Fold, accountId: string): Account | undefined {
  const account = fold.accounts.get(accountId);
  if (account === undefined) fold.violate('entries-balance', `account ${accountId} was never opened`);
  return account;
}

export function checkFloor(fold: Fold, accountId: string, account: Account, why: string): void {
  const available = account.posted - account.held;
  if (account.floor !== null && available < account.floor) {
    fold.violate('floor', `${why} leaves ${accountId} with ${available}, below its floor of ${account.floor}`);
  }
}

function checkCeiling(fold: Fold, accountId: string, account: Account, why: string): void {
  if (account.ceiling !== null && account.posted > account.ceiling) {
    fold.violate('floor', `${why} leaves ${accountId} with ${account.posted}, above its ceiling of ${account.ceiling}`);
  }
}

type Posting = Omit<Transaction, 'sequence' | 'rule' | 'reference' | 'entries'> & {
  /** Accounts that may be below their floor: a recorded fact says so, or what was held is given. */
  readonly breaches: readonly string[];
  /** The same for accounts above their ceiling. */
  readonly ceilingBreaches?: readonly string[];
};

export function post(
  fold: Fold,
  data: Json,
  place: Place,
  { breaches, ceilingBreaches = [], ...posting }: Posting,
): void {
  const { transactionId } = posting;
  const sums = new Map<string, bigint>();
  const entries: Entry[] = [];
  const changes = new Map<string, bigint>();
  const told = entriesOf(data);
  if (told.length < 2) fold.violate('entries-balance', `${transactionId} has fewer than two entries`);
  for (const raw of told) {
    const accountId = text(raw['accountId']);
    const asset = text(raw['asset']);
    const direction = raw['direction'] as 'debit' | 'credit';
    const amount = units(fold, raw['amount']);
    if (amount <= 0n) fold.violate('entries-balance', `${transactionId} has an entry of ${amount}`);
    if (direction !== 'debit' && direction !== 'credit')
      fold.violate('entries-balance', `${transactionId} has an entry that is a ${text(raw['direction'])}`);
    sums.set(asset, (sums.get(asset) ?? 0n) + (direction === 'debit' ? amount : -amount));
    const account = accountOf(fold, accountId);
    if (account === undefined) continue;
    if (account.asset !== asset) fold.violate('entries-balance', `${transactionId} puts ${asset} on ${accountId}`);
    const effect = (direction === 'debit') === isDebitSide(account) ? amount : -amount;
    account.posted += effect;
    account.version += 1;
    changes.set(accountId, (changes.get(accountId) ?? 0n) + effect);
    entries.push({ accountId, asset, direction, amount, balance: account.posted, accountVersion: account.version });
  }
  for (const [asset, sum] of sums) {
    if (sum !== 0n) fold.violate('entries-balance', `${transactionId}: debits exceed credits by ${sum} ${asset}`);
  }
  for (const [accountId, change] of changes) {
    const account = fold.accounts.get(accountId)!;
    if (change < 0n && !breaches.includes(accountId)) checkFloor(fold, accountId, account, transactionId);
    if (change > 0n && !ceilingBreaches.includes(accountId)) checkCeiling(fold, accountId, account, transactionId);
  }
  if (fold.transactions.has(transactionId)) fold.violate('one-posting', `${transactionId} was posted twice`);
  const key = fold.transactions.has(transactionId) ? `${transactionId} at ${place.sequence}` : transactionId;
  fold.transactions.set(key, { ...posting, ...place, rule: text(data['rule']), entries });
}

export function isDebitSide(account: Account): boolean {
  return account.type === 'asset' || account.type === 'expense';
}
