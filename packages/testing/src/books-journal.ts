/**
 * An independent reading of a book's journal: plain folding of the stored JSON, written against the documented format
 * and not against the ledger's code, so that a mistake there does not hide itself here. A field that is left out is null,
 * or an empty list; a transaction without a cause is its own, and one without `effectiveAt` is effective when recorded.
 */
import { createHash } from 'node:crypto';
import {
  accountOf,
  checkFloor,
  entriesOf,
  isDebitSide,
  post,
  tenantOf,
  text,
  units,
  type Book,
  type Fold,
  type Json,
  type Place,
  type RawEvent,
  type Transfer,
  type Violation,
} from './books-fold';
import { applyOperation, effectiveAtOf, limit, operationIdOf } from './books-operations';

export function foldBook(stream: string, events: readonly RawEvent[]): Book {
  const violations: Violation[] = [];
  let sequence = 0;
  const fold: Fold = {
    accounts: new Map(),
    transfers: new Map(),
    transactions: new Map(),
    holds: new Map(),
    reversed: new Map(),
    openFrom: '',
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
  const { accounts, transfers, holds } = fold;
  const transactions = [...fold.transactions.values()];
  return { stream, length: events.length, accounts, transfers, transactions, holds, violations };
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
      const id = data['transactionId'];
      const cause = (data['cause'] ?? { type: 'posting', id, subject: id }) as Json;
      return post(fold, data, place, {
        transactionId: text(id),
        tenantId: tenantOf(data),
        causeType: text(cause['type']),
        causeId: text(cause['id']),
        subject: text(cause['subject']),
        breaches: (data['floorBreaches'] ?? []) as string[],
        ceilingBreaches: (data['ceilingBreaches'] ?? []) as string[],
        effectiveAt: effectiveAtOf(fold, data),
      });
    }
    case 'CommandRejected':
      return;
    default:
      if (!applyOperation(fold, type, data, place)) fold.violate('known-event', `${type} is not an event of a book`);
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
      return operationIdOf(type, data);
  }
}

function checkAnswer(fold: Fold, type: string, data: Json): void {
  const id = answeredBy(type, data);
  if (id === undefined) return;
  if (fold.answered.has(text(id))) fold.violate('one-answer', `${text(id)} was answered twice`);
  fold.answered.add(text(id));
}

function openAccount(fold: Fold, data: Json): void {
  const accountId = text(data['accountId']);
  if (fold.accounts.has(accountId)) fold.violate('known-event', `account ${accountId} opened twice`);
  fold.accounts.set(accountId, {
    tenantId: tenantOf(data),
    asset: text(data['asset']),
    type: text(data['accountType']),
    floor: limit(fold, data['floor']),
    ceiling: limit(fold, data['ceiling']),
    posted: 0n,
    held: 0n,
    incoming: 0n,
    frozen: false,
    version: 0,
  });
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
  const breaches = [transfer?.fields['debitAccountId'] ?? ''];
  post(fold, data, place, { ...meta, tenantId: debitTenantId, breaches, effectiveAt: text(data['at']) });
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
  post(fold, data, place, { ...meta, tenantId: debitTenantId, breaches: [], effectiveAt: text(data['at']) });
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

/** Held and incoming are the sums of the transfers still processing and of the open holds: no more, no less. */
function checkPending(fold: Fold): void {
  const held = new Map<string, bigint>();
  const incoming = new Map<string, bigint>();
  for (const { status, fields, amount } of fold.transfers.values()) {
    if (status !== 'processing') continue;
    const { debitAccountId = '', creditAccountId = '' } = fields;
    held.set(debitAccountId, (held.get(debitAccountId) ?? 0n) + amount);
    incoming.set(creditAccountId, (incoming.get(creditAccountId) ?? 0n) + amount);
  }
  for (const { accountId, remaining } of fold.holds.values())
    held.set(accountId, (held.get(accountId) ?? 0n) + remaining);
  for (const [accountId, account] of fold.accounts) {
    if (account.held !== (held.get(accountId) ?? 0n) || account.incoming !== (incoming.get(accountId) ?? 0n)) {
      fold.violate(
        'holds',
        `${accountId} holds ${account.held}, awaits ${account.incoming}: not its open transfers and holds`,
      );
    }
  }
}
