/** What callers do with accounts in a book's journal: limits, holds, reversals, periods; read as in `books-journal.ts`. */
import {
  accountOf,
  checkFloor,
  entriesOf,
  post,
  tenantOf,
  text,
  units,
  type Entry,
  type Fold,
  type Hold,
  type Json,
  type Place,
} from './books-fold';

/** False when the event is none of these. */
export function applyOperation(fold: Fold, type: string, data: Json, place: Place): boolean {
  switch (type) {
    case 'AccountLimitsSet': {
      const account = accountOf(fold, text(data['accountId']));
      if (account) Object.assign(account, { floor: limit(fold, data['floor']), ceiling: limit(fold, data['ceiling']) });
      return true;
    }
    case 'HoldPlaced':
      placeHold(fold, data);
      return true;
    case 'HoldCaptured':
      captureHold(fold, data, place);
      return true;
    case 'HoldReleased':
    case 'HoldExpired': {
      const hold = takeFromHold(fold, type, data, units(fold, data['amount']), 0n);
      if (hold) hold.status = type === 'HoldReleased' ? 'released' : 'expired';
      return true;
    }
    case 'TransactionReversed':
      reverseTransaction(fold, data, place);
      return true;
    case 'PeriodClosed':
      closePeriod(fold, data);
      return true;
    case 'CheckpointSigned':
      if (Number(data['size']) > place.sequence) fold.violate('period', `a checkpoint of ${text(data['size'])} events`);
      return true;
    default:
      return false;
  }
}

/** What the event answers, for ever. */
export function operationIdOf(type: string, data: Json): unknown {
  switch (type) {
    case 'AccountLimitsSet':
    case 'AccountFrozen':
    case 'AccountUnfrozen':
      return data['changeId'];
    case 'HoldPlaced':
      return data['holdId'];
    case 'HoldCaptured':
      return data['captureId'];
    case 'HoldReleased':
      return data['releaseId'];
    case 'TransactionReversed':
      return data['reversalId'];
    case 'PeriodClosed':
      return data['closeId'];
    case 'CheckpointSigned':
      return data['checkpointId'];
    default:
      return undefined;
  }
}

export function limit(fold: Fold, value: unknown): bigint | null {
  return value === undefined ? null : units(fold, value);
}

/** When a transaction happened: neither in a closed period nor later than it was recorded. */
export function effectiveAtOf(fold: Fold, data: Json): string {
  const effectiveAt = text(data['effectiveAt'] ?? data['at']);
  const what = `${text(data['transactionId'])} is effective at ${effectiveAt}`;
  if (effectiveAt > text(data['at'])) fold.violate('period', `${what}, after it was recorded`);
  if (effectiveAt < fold.openFrom) fold.violate('period', `${what}, in a period that was closed`);
  return effectiveAt;
}

function closePeriod(fold: Fold, data: Json): void {
  const [through, openFrom, at] = [text(data['through']), text(data['openFrom']), text(data['at'])];
  if (Date.parse(openFrom) !== Date.parse(through) + 1 || openFrom <= fold.openFrom || openFrom > at)
    fold.violate('period', `a period is closed through ${through}, open from ${openFrom}, after ${fold.openFrom}`);
  fold.openFrom = openFrom;
}

function placeHold(fold: Fold, data: Json): void {
  const [holdId, accountId, asset] = [text(data['holdId']), text(data['accountId']), text(data['asset'])];
  const amount = units(fold, data['amount']);
  if (fold.holds.has(holdId)) fold.violate('holds', `hold ${holdId} placed twice`);
  if (amount <= 0n) fold.violate('holds', `hold ${holdId} of ${amount}`);
  const expiresAt = data['expiresAt'] === undefined ? null : text(data['expiresAt']);
  fold.holds.set(holdId, { accountId, asset, expiresAt, amount, captured: 0n, remaining: amount, status: 'open' });
  const account = accountOf(fold, accountId);
  if (account === undefined) return;
  if (account.asset !== asset) fold.violate('holds', `hold ${holdId} of ${asset} on ${accountId}`);
  account.held += amount;
  checkFloor(fold, accountId, account, `hold ${holdId}`);
}

/** `remaining` is what the event says is left. */
function takeFromHold(fold: Fold, type: string, data: Json, amount: bigint, remaining: bigint): Hold | undefined {
  const [holdId, at] = [text(data['holdId']), text(data['at'])];
  const hold = fold.holds.get(holdId);
  if (hold === undefined || amount <= 0n || hold.remaining - amount !== remaining || remaining < 0n) {
    fold.violate('holds', `${type} of ${amount} of hold ${holdId}, which has ${hold?.remaining ?? 'nothing'} left`);
    return undefined;
  }
  const expired = hold.expiresAt !== null && hold.expiresAt <= at;
  if (type === 'HoldExpired' && !expired) fold.violate('holds', `hold ${holdId} expired early`);
  if (type === 'HoldCaptured' && expired) fold.violate('holds', `hold ${holdId} captured after it expired`);
  hold.remaining -= amount;
  const account = accountOf(fold, hold.accountId);
  if (account) account.held -= amount;
  return hold;
}

function captureHold(fold: Fold, data: Json, place: Place): void {
  const [captureId, holdId] = [text(data['captureId']), text(data['holdId'])];
  const [amount, released] = [units(fold, data['amount']), units(fold, data['released'])];
  const hold = takeFromHold(fold, 'HoldCaptured', data, amount + released, units(fold, data['remaining']));
  if (hold) {
    hold.captured += amount;
    if (hold.remaining === 0n) hold.status = 'captured';
  }
  const moved = entriesOf(data).map((entry) => `${text(entry['accountId'])} ${text(entry['amount'])}`);
  const isOfHold = hold !== undefined && moved.filter((each) => each === `${hold.accountId} ${amount}`).length === 1;
  if (hold !== undefined && (moved.length !== 2 || !isOfHold))
    fold.violate('one-posting', `capture ${captureId} was posted as ${moved.join(', ')}`);
  post(fold, data, place, {
    transactionId: captureId,
    tenantId: tenantOf(data),
    causeType: 'hold_capture',
    causeId: captureId,
    subject: holdId,
    breaches: [hold?.accountId ?? ''],
    effectiveAt: text(data['at']),
  });
}

function reverseTransaction(fold: Fold, data: Json, place: Place): void {
  const [reversalId, transactionId] = [text(data['reversalId']), text(data['transactionId'])];
  const amount = units(fold, data['amount']);
  const original = fold.transactions.get(transactionId);
  if (original === undefined) {
    fold.violate('one-posting', `reversal ${reversalId} of ${transactionId}, which was never posted`);
  } else {
    const reversed = (fold.reversed.get(transactionId) ?? 0n) + amount;
    const left = (original.entries[0]?.amount ?? 0n) - reversed;
    fold.reversed.set(transactionId, reversed);
    if (left < 0n || left !== units(fold, data['remaining']))
      fold.violate('one-posting', `${reversed} of ${transactionId} were reversed, which leaves ${left}`);
    if (data['reversed'] !== original.reference)
      fold.violate('one-posting', `the reversal of ${transactionId} names another posting`);
    checkOpposite(fold, original.entries, data, amount);
  }
  post(fold, data, place, {
    transactionId: reversalId,
    tenantId: tenantOf(data),
    causeType: 'reversal',
    causeId: reversalId,
    subject: transactionId,
    breaches: [],
    effectiveAt: text(data['at']),
  });
}

/** Every entry the other way round, for the whole of its amount, or two of them for the same part. */
function checkOpposite(fold: Fold, original: readonly Entry[], data: Json, amount: bigint): void {
  const isWhole = amount === original[0]?.amount;
  const expected = original.map((entry) => {
    const part = isWhole || original.length !== 2 ? entry.amount : amount;
    return [entry.accountId, entry.asset, entry.direction === 'debit' ? 'credit' : 'debit', part].join(' ');
  });
  const actual = entriesOf(data).map((entry) =>
    ['accountId', 'asset', 'direction', 'amount'].map((field) => text(entry[field])).join(' '),
  );
  if (actual.toSorted().join() !== expected.toSorted().join())
    fold.violate('one-posting', `${text(data['transactionId'])} was reversed as ${actual.join(', ')}`);
}
