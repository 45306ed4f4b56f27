import type {
  closePeriod,
  getBalanceAsOf,
  getBookAccount,
  getHold,
  getStatement,
  listRejections,
  openBookAccount,
  operateBook,
  searchTransactions,
  setAccountLimits,
} from '@daybook/contracts';
import type { Failure } from '@daybook/http';
import type { Credential } from '../../app/credential';
import type { RejectionOf } from '../rejections';
import { invalidField } from '../responses';
import { conflict, nativeRejections } from './dialect';
import { accountRefOf } from './own-accounts';

type LedgerCall =
  | typeof openBookAccount
  | typeof setAccountLimits
  | typeof operateBook
  | typeof closePeriod
  | typeof getBookAccount
  | typeof getHold
  | typeof getBalanceAsOf
  | typeof getStatement
  | typeof searchTransactions
  | typeof listRejections;

const unprocessable = (code: string, message: string) => ({ status: 422, code, message }) as const;

const idReserved = 'must not begin with ops/ or with a UUID and /, as ids of others do';

/** What the ledger's own API answers to each no of a book. */
export const ledgerRejections = {
  id_reused: conflict('IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key was already used for a request with other content.'),
  id_reserved: invalidField('Idempotency-Key', idReserved),
  recording_not_allowed: {
    status: 403,
    code: 'FORBIDDEN',
    message: 'recording: only operators record facts',
    field: 'recording',
  },
  entries_invalid: invalidField('entries', 'must be 2 to 100, each of an amount above zero'),
  effective_in_future: invalidField('effective_at', 'must not be in the future'),
  period_closed: conflict('PERIOD_CLOSED', 'The period is closed.'),
  period_not_over: invalidField('through', 'must be in the past'),
  hold_not_found: { status: 404, code: 'HOLD_NOT_FOUND', message: 'There is no such hold.' },
  hold_closed: conflict('HOLD_CLOSED', 'The hold is not open any more.'),
  hold_expired: conflict('HOLD_EXPIRED', 'The hold has expired.'),
  transaction_not_found: { status: 404, code: 'TRANSACTION_NOT_FOUND', message: 'There is no such transaction.' },
  transaction_not_reversible: conflict('TRANSACTION_NOT_REVERSIBLE', 'Transactions of this kind cannot be reversed.'),
  transaction_already_reversed: conflict('TRANSACTION_ALREADY_REVERSED', 'The transaction is reversed already.'),
  reversal_only_in_full: invalidField('amount', 'must be absent: only two entries in one asset are reversed in part'),
  amount_exceeds_remaining: {
    ...unprocessable('AMOUNT_EXCEEDS_REMAINING', 'amount: is more than is left'),
    field: 'amount',
  },
  account_not_found: nativeRejections.account_not_found,
  accounts_not_distinct: invalidField('credit', 'must be another account than the held one'),
  asset_mismatch: invalidField('asset', 'is not the asset of the account'),
  entries_unbalanced: {
    ...unprocessable('ENTRIES_UNBALANCED', 'entries: debits must equal credits in each asset'),
    field: 'entries',
  },
  expiry_in_past: invalidField('expires_at', 'must be in the future'),
  account_frozen: conflict('ACCOUNT_FROZEN', 'An account of it is frozen.'),
  insufficient_balance: nativeRejections.insufficient_balance,
  ceiling_exceeded: unprocessable('CEILING_EXCEEDED', 'An account of it would be above its ceiling.'),
  account_exists_with_different_fields: conflict('ACCOUNT_EXISTS', 'The account is open already, with other fields.'),
  limits_fixed: conflict('LIMITS_FIXED', 'The limits of this account cannot be changed.'),
  limits_crossed: invalidField('floor', 'must not be above ceiling'),
  cursor_invalid: nativeRejections.cursor_invalid,
  period_invalid: invalidField('to', 'must be after from, and the period not longer than is allowed'),
  time_zone_unknown: invalidField('time_zone', 'must be an IANA time zone such as Europe/Berlin'),
} as const satisfies Record<RejectionOf<LedgerCall>, Failure>;

/** In a bulk each transaction has its `id` instead of a key. */
export const bulkRejections = {
  ...ledgerRejections,
  id_reused: {
    ...conflict('IDEMPOTENCY_KEY_REUSED', 'id: was already used for a transaction with other content'),
    field: 'id',
  },
  id_reserved: invalidField('id', idReserved),
};

/** Beside entries a posting has no asset of its own. */
export const assetOfEntries = invalidField('entries', 'one is not in the asset of its account');

/** A capture has no asset: it is the hold's. */
export const captureRejections = {
  ...ledgerRejections,
  asset_mismatch: invalidField('credit', 'must be an account in the asset of the hold'),
};

type OperationRejection = RejectionOf<typeof operateBook>;

const saidOf: Partial<Record<OperationRejection, (name: string) => string>> = {
  account_not_found: (name) => `there is no account ${name}`,
  account_frozen: (name) => `the account ${name} is frozen`,
  insufficient_balance: (name) => `the account ${name} does not have enough available`,
  ceiling_exceeded: (name) => `the account ${name} would be above its ceiling`,
};

/** Says which account is the reason, as the caller calls it, and which field names it, if one does. */
export function namingAccount(caller: Credential, fieldOf: (accountId: string) => string | undefined) {
  return (failure: Failure, rejection: OperationRejection, accountId: string): Failure => {
    const name = accountRefOf(caller, accountId);
    const said = saidOf[rejection]?.(name);
    // The others are about a field that they name.
    if (said === undefined) return { ...failure, message: `${failure.message}: ${name}` };
    const field = fieldOf(accountId);
    return field === undefined ? { ...failure, message: said } : { ...failure, message: `${field}: ${said}`, field };
  };
}
