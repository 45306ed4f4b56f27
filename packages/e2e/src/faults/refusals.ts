/**
 * What may be refused. The operations of a run are well formed and their credentials are good, so every other 4xx is
 * wrong, whatever is broken meanwhile. The ledger records each of these but one, so it is the answer for ever, and right or
 * wrong at its place in the journal.
 */
import type { Answer } from './clients';
import type { Operation, OperationKind } from './plan';

export type Refusal = {
  readonly status: number;
  readonly code: string;
  /** As the journal has it. */
  readonly rejection: string;
};

const noMoney = { status: 422, code: 'INSUFFICIENT_BALANCE', rejection: 'insufficient_balance' };
const noHold = { status: 404, code: 'HOLD_NOT_FOUND', rejection: 'hold_not_found' };
const holdClosed = { status: 409, code: 'HOLD_CLOSED', rejection: 'hold_closed' };
const tooMuch = { status: 422, code: 'AMOUNT_EXCEEDS_REMAINING', rejection: 'amount_exceeds_remaining' };
const noTransaction = { status: 404, code: 'TRANSACTION_NOT_FOUND', rejection: 'transaction_not_found' };
const reversed = { status: 409, code: 'TRANSACTION_ALREADY_REVERSED', rejection: 'transaction_already_reversed' };

const refusals: Readonly<Record<OperationKind, readonly Refusal[]>> = {
  transfer: [noMoney],
  post: [noMoney],
  bulk: [noMoney],
  hold: [noMoney],
  capture: [noHold, holdClosed, tooMuch],
  release: [noHold, holdClosed],
  reverse: [noTransaction, reversed, noMoney],
  intent: [],
  deposit: [],
};

export function isRejection(kind: OperationKind, rejection: string): boolean {
  return refusals[kind].some((each) => each.rejection === rejection);
}

/** Undefined when an operation of this kind is never refused so. */
export function refusalOf(kind: OperationKind, answer: Answer): Refusal | undefined {
  const code = codeOf(answer);
  return refusals[kind].find((each) => each.status === answer.status && each.code === code);
}

/**
 * Before an amount is captured the gateway reads the hold, for its asset. One that is not there yet is not found, of which
 * nothing is recorded: when it is asked again it may be there.
 */
export function isForNow(operation: Operation, answer: Answer): boolean {
  return operation.kind === 'capture' && operation.amount !== null && refusalOf('capture', answer) === noHold;
}

/** Of one transaction of a bulk, which has no status of its own. */
export function rejectionOfItem(code: string | null | undefined): string | undefined {
  return refusals.bulk.find((each) => each.code === code)?.rejection;
}

/** Where the dialects have it. */
export function codeOf({ body }: Answer): string | undefined {
  const { code, error } = body as { readonly code?: string; readonly error?: { readonly code?: string } };
  return code ?? error?.code;
}
