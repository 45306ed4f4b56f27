/**
 * An independent reading of a book's journal: plain folding of the stored JSON, written against the documented format
 * and not against the ledger's code, so that a mistake there does not hide itself here.
 */
import { createHash } from 'node:crypto';

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
  readonly entries: readonly Entry[];
};

export type Account = {
  readonly tenantId: string | null;
  readonly asset: string;
  readonly type: string;
  readonly floor: bigint | null;
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

export type Book = {
  readonly stream: string;
  readonly length: number;
  readonly accounts: ReadonlyMap<string, Account>;
  readonly transfers: ReadonlyMap<string, Transfer>;
  readonly transactions: readonly Transaction[];
  readonly violations: readonly Violation[];
};

type Json = { readonly [field: string]: unknown };

type Fold = {
  readonly accounts: Map<string, Account>;
  readonly transfers: Map<string, Transfer>;
  readonly transactions: Map<string, Transaction>;
  /** Ids that callers chose and that have their answer. */
  readonly answered: Set<string>;
  violate(rule: BooksRule, message: string): void;
};

type Place = { readonly sequence: number; readonly reference: string };

export function foldBook(stream: string, events: readonly RawEvent[]): Book {
  const violations: Violation[] = [];
  let sequence = 0;
  const fold: Fold = {
    accounts: new Map(),
    transfers: new Map(),
    transactions: new Map(),
    answered: new Set(),
    violate: (rule, message) => violations.push({ rule, where: stream, sequence, message }),
  };
  let head = '0'.repeat(64);
  for (const [index, event] of events.entries()) {
    sequence = Number(event.revision);
    if (event.revision !== BigInt(index))
      fold.violate('gapless', `revision ${event.revision} is event number ${index}`);
    const data = JSON.parse(event.payload.toString('utf8')) as Json;
    if (data['previousHash'] !== head) fold.violate('hash-chain', 'previousHash is not the hash of the event before');
    if (data['event'] !== event.type)
      fold.violate('hash-chain', `sealed as ${String(data['event'])}, stored as ${event.type}`);
    head = createHash('sha256').update(event.payload).digest('hex');
    checkAnswer(fold, event.type, data);
    apply(fold, event.type, data, { sequence, reference: `0x${head}` });
  }
  checkGlobalSum(fold);
  checkPending(fold);
  const { accounts, transfers, transactions } = fold;
  return { stream, length: events.length, accounts, transfers, transactions: [...transactions.values()], violations };
}

function apply(fold: Fold, type: string, data: Json, place: Place): void {
  switch (type) {
    case 'AccountOpened':
      return openAccount(fold, data);
    case 'AccountFrozen':
    case 'AccountUnfrozen': {
      const account = accountOf(fold, text(data['accountId']));
      if (account) account.frozen = type === 'AccountFrozen';
      return;
    }
    case 'TransferAccepted':
      return acceptTransfer(fold, data);
    case 'TransferConfirmed':
      return confirmTransfer(fold, data, place);
    case 'TransferFailed': {
      const transfer = release(fold, data, 'failed');
      if (transfer) transfer.failure = text(data['reason']);
      return;
    }
    case 'TransferReversed':
      return reverseTransfer(fold, data, place);
    case 'TransactionPosted': {
      const cause = data['cause'] as Json;
      return post(fold, data, place, {
        transactionId: text(data['transactionId']),
        tenantId: data['tenantId'] as string | null,
        causeType: text(cause['type']),
        causeId: text(cause['id']),
        subject: text(cause['subject']),
        breaches: data['floorBreaches'] as string[],
      });
    }
    case 'CommandRejected':
    case 'CheckpointSigned':
      return;
    default:
      fold.violate('known-event', `${type} is not an event of a book`);
  }
}

/** What the event is the answer to. A hash of what was asked comes with every answer that is one for ever. */
function answeredBy(type: string, data: Json): unknown {
  if (typeof data['contentHash'] !== 'string') return undefined;
  switch (type) {
    case 'TransferAccepted':
      return fieldsOf(data)['transferId'];
    case 'TransferReversed':
      return data['reversalId'];
    case 'TransactionPosted':
      return data['transactionId'];
    case 'CommandRejected':
      return data['commandId'];
    default:
      return undefined;
  }
}

function checkAnswer(fold: Fold, type: string, data: Json): void {
  const id = answeredBy(type, data);
  if (id === undefined) return;
  if (fold.answered.has(text(id))) fold.violate('one-answer', `${text(id)} was answered twice`);
  fold.answered.add(text(id));
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : `(${JSON.stringify(value)})`;
}

/** None, when the event is not the one it claims to be: that is reported already. */
function entriesOf(data: Json): readonly Json[] {
  return Array.isArray(data['entries']) ? (data['entries'] as Json[]) : [];
}

/** Digits only: what is not an amount counts as zero and is reported. */
function units(fold: Fold, value: unknown): bigint {
  if (typeof value === 'string' && /^-?(0|[1-9]\d*)$/.test(value)) return BigInt(value);
  fold.violate('entries-balance', `${JSON.stringify(value)} is not an amount`);
  return 0n;
}

function accountOf(fold: Fold, accountId: string): Account | undefined {
  const account = fold.accounts.get(accountId);
  if (account === undefined) fold.violate('entries-balance', `account ${accountId} was never opened`);
  return account;
}

function openAccount(fold: Fold, data: Json): void {
  const accountId = text(data['accountId']);
  if (fold.accounts.has(accountId)) fold.violate('known-event', `account ${accountId} opened twice`);
  fold.accounts.set(accountId, {
    tenantId: data['tenantId'] as string | null,
    asset: text(data['asset']),
    type: text(data['accountType']),
    floor: data['floor'] === null ? null : units(fold, data['floor']),
    posted: 0n,
    held: 0n,
    incoming: 0n,
    frozen: false,
    version: 0,
  });
}

function checkFloor(fold: Fold, accountId: string, account: Account, why: string): void {
  const available = account.posted - account.held;
  if (account.floor !== null && available < account.floor) {
    fold.violate('floor', `${why} leaves ${accountId} with ${available}, below its floor of ${account.floor}`);
  }
}

function fieldsOf(data: Json): Readonly<Record<string, string>> {
  return data['transfer'] as Record<string, string>;
}

function acceptTransfer(fold: Fold, data: Json): void {
  const fields = fieldsOf(data);
  const { transferId = '', debitAccountId = '', creditAccountId = '' } = fields;
  const amount = units(fold, fields['amount']);
  if (fold.transfers.has(transferId)) fold.violate('holds', `transfer ${transferId} accepted twice`);
  if (amount <= 0n) fold.violate('holds', `transfer ${transferId} of ${amount}`);
  fold.transfers.set(transferId, { fields, amount, status: 'processing', failure: null, reference: null });
  const debit = accountOf(fold, debitAccountId);
  const credit = accountOf(fold, creditAccountId);
  if (debit) {
    debit.held += amount;
    checkFloor(fold, debitAccountId, debit, `the hold of transfer ${transferId}`);
  }
  if (credit) credit.incoming += amount;
}

function release(fold: Fold, data: Json, status: 'confirmed' | 'failed'): Transfer | undefined {
  const { transferId = '' } = fieldsOf(data);
  const transfer = fold.transfers.get(transferId);
  if (transfer?.status !== 'processing') {
    fold.violate('holds', `transfer ${transferId} ${status} after it was ${transfer?.status ?? 'never accepted'}`);
    return undefined;
  }
  const debit = accountOf(fold, transfer.fields['debitAccountId'] ?? '');
  const credit = accountOf(fold, transfer.fields['creditAccountId'] ?? '');
  if (debit) debit.held -= transfer.amount;
  if (credit) credit.incoming -= transfer.amount;
  transfer.status = status;
  return transfer;
}

function confirmTransfer(fold: Fold, data: Json, place: Place): void {
  const { transferId = '', debitTenantId = '' } = fieldsOf(data);
  const transfer = release(fold, data, 'confirmed');
  if (transfer) {
    transfer.reference = place.reference;
    checkMovement(fold, transfer, data, 'debitAccountId', 'creditAccountId');
  }
  const meta = { transactionId: transferId, causeType: 'transfer', causeId: transferId, subject: transferId };
  post(fold, data, place, { ...meta, tenantId: debitTenantId, breaches: [] });
}

function reverseTransfer(fold: Fold, data: Json, place: Place): void {
  const { transferId = '', debitTenantId = '' } = fieldsOf(data);
  const transactionId = text(data['transactionId']);
  const transfer = fold.transfers.get(transferId);
  if (transfer?.status !== 'confirmed') {
    fold.violate('holds', `transfer ${transferId} reversed after it was ${transfer?.status ?? 'never accepted'}`);
  } else {
    if (data['reversed'] !== transfer.reference) {
      fold.violate('one-posting', `the reversal of ${transferId} names another posting`);
    }
    checkMovement(fold, transfer, data, 'creditAccountId', 'debitAccountId');
    transfer.status = 'reversed';
  }
  const meta = { transactionId, causeType: 'transfer_reversal', causeId: transactionId, subject: transferId };
  post(fold, data, place, { ...meta, tenantId: debitTenantId, breaches: [] });
}

/** Exactly the amount that was held moves, and between the two accounts of the transfer. */
function checkMovement(fold: Fold, transfer: Transfer, data: Json, from: string, to: string): void {
  const expected = [
    [transfer.fields[from], 'debit'],
    [transfer.fields[to], 'credit'],
  ].map(([account, direction]) => [account, transfer.fields['asset'], direction, transfer.fields['amount']].join(' '));
  const entries = entriesOf(data);
  const actual = entries.map(({ accountId, asset, direction, amount }) =>
    [accountId, asset, direction, amount].join(' '),
  );
  if (actual.toSorted().join() !== expected.toSorted().join()) {
    fold.violate('one-posting', `transfer ${transfer.fields['transferId']} was posted as ${actual.join(', ')}`);
  }
}

type Posting = Omit<Transaction, 'sequence' | 'rule' | 'reference' | 'entries'> & {
  /** Accounts that a recorded fact is known to take below their floor. */
  readonly breaches: readonly string[];
};

function post(fold: Fold, data: Json, place: Place, { breaches, ...posting }: Posting): void {
  const { transactionId } = posting;
  const sums = new Map<string, bigint>();
  const entries: Entry[] = [];
  const lowered = new Set<string>();
  for (const raw of entriesOf(data)) {
    const accountId = text(raw['accountId']);
    const asset = text(raw['asset']);
    const direction = raw['direction'] as 'debit' | 'credit';
    const amount = units(fold, raw['amount']);
    if (amount <= 0n) fold.violate('entries-balance', `${transactionId} has an entry of ${amount}`);
    sums.set(asset, (sums.get(asset) ?? 0n) + (direction === 'debit' ? amount : -amount));
    const account = accountOf(fold, accountId);
    if (account === undefined) continue;
    if (account.asset !== asset) fold.violate('entries-balance', `${transactionId} puts ${asset} on ${accountId}`);
    const effect = (direction === 'debit') === isDebitSide(account) ? amount : -amount;
    account.posted += effect;
    account.version += 1;
    if (effect < 0n) lowered.add(accountId);
    entries.push({ accountId, asset, direction, amount, balance: account.posted, accountVersion: account.version });
  }
  for (const [asset, sum] of sums) {
    if (sum !== 0n) fold.violate('entries-balance', `${transactionId}: debits exceed credits by ${sum} ${asset}`);
  }
  for (const accountId of lowered) {
    if (!breaches.includes(accountId)) checkFloor(fold, accountId, fold.accounts.get(accountId)!, transactionId);
  }
  if (fold.transactions.has(transactionId)) fold.violate('one-posting', `${transactionId} was posted twice`);
  const key = fold.transactions.has(transactionId) ? `${transactionId} at ${place.sequence}` : transactionId;
  fold.transactions.set(key, { ...posting, ...place, rule: text(data['rule']), entries });
}

function isDebitSide(account: Account): boolean {
  return account.type === 'asset' || account.type === 'expense';
}

/** What is owned equals what is owed, per currency, over all accounts. */
function checkGlobalSum(fold: Fold): void {
  const sums = new Map<string, bigint>();
  for (const account of fold.accounts.values()) {
    const signed = isDebitSide(account) ? account.posted : -account.posted;
    sums.set(account.asset, (sums.get(account.asset) ?? 0n) + signed);
  }
  for (const [asset, sum] of sums) {
    if (sum !== 0n) fold.violate('global-sum', `the accounts in ${asset} add up to ${sum} instead of zero`);
  }
}

/** Held and incoming are the sums of the transfers still processing: no more, no less. */
function checkPending(fold: Fold): void {
  const held = new Map<string, bigint>();
  const incoming = new Map<string, bigint>();
  for (const { status, fields, amount } of fold.transfers.values()) {
    if (status !== 'processing') continue;
    const { debitAccountId = '', creditAccountId = '' } = fields;
    held.set(debitAccountId, (held.get(debitAccountId) ?? 0n) + amount);
    incoming.set(creditAccountId, (incoming.get(creditAccountId) ?? 0n) + amount);
  }
  for (const [accountId, account] of fold.accounts) {
    if (account.held !== (held.get(accountId) ?? 0n) || account.incoming !== (incoming.get(accountId) ?? 0n)) {
      fold.violate('holds', `${accountId} holds ${account.held}, awaits ${account.incoming}: not its open transfers`);
    }
  }
}
