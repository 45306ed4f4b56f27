/** What an error of the client means: a fact about the world, or a program or installation that is wrong. */
import { isOperationalError, OperationalError } from '@daybook/core';

/** By number, as gRPC defines them; everything else is refused for good and stays the error it is. */
const code = {
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  notFound: 5,
  resourceExhausted: 8,
  aborted: 10,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
} as const;

const transient = new Set<number>([
  code.cancelled,
  code.unknown,
  code.deadlineExceeded,
  code.resourceExhausted,
  code.aborted,
  code.internal,
  code.unavailable,
  code.dataLoss,
]);

/**
 * The call never left, or the server says that it took nothing. These have no code of their own, so their text is all
 * there is; an unknown text is taken for an unknown outcome, which is safe.
 */
const notTaken = [
  'No connection established',
  'Name resolution failed',
  'Channel has been shut down',
  'Failed to discover',
  'Server Is Not Ready',
  'Server Is Too Busy',
];

type Failure = {
  readonly code?: unknown;
  readonly type?: unknown;
  readonly message?: unknown;
  readonly details?: unknown;
};

/** Of a call that changes nothing. */
export function readFailure(error: unknown): unknown {
  if (isOperationalError(error) || !isTransient(error)) return error;
  return new OperationalError('store_unavailable', true, { cause: error });
}

/** Of an append: unless it is known that nothing was taken, nobody knows. */
export function appendFailure(error: unknown): unknown {
  if (isOperationalError(error) || !isTransient(error)) return error;
  const outcome = wasNotTaken(error) ? 'store_unavailable' : 'outcome_unknown';
  return new OperationalError(outcome, true, { cause: error });
}

/** Of a call that was given up because its time was over. */
export function isLate(error: unknown): boolean {
  return isObject(error) && error.code === code.deadlineExceeded;
}

/** What servers before and from 24.2 say of a read of the whole log that begins where no event does; there is no code for it. */
const noPlace = /Unexpected ReadAllResult: (Error|InvalidPosition)/;

export function isNoPlace(error: unknown): boolean {
  return isObject(error) && error.code === code.unknown && noPlace.test(String(error.message));
}

function isTransient(error: unknown): error is Failure {
  if (!isObject(error)) return false;
  return (typeof error.code === 'number' && transient.has(error.code)) || isNotLeader(error) || wasNotTaken(error);
}

function wasNotTaken(error: Failure): boolean {
  const text = `${String(error.message)} ${String(error.details)}`;
  return isNotLeader(error) || notTaken.some((known) => text.includes(known));
}

/** The client has learned the leader from it, and sends the next call there. */
function isNotLeader(error: Failure): boolean {
  return error.type === 'not-leader';
}

/** `instanceof` fails across Jest realms. */
function isObject(error: unknown): error is Failure {
  return typeof error === 'object' && error !== null;
}
