import { isOperationalError, OperationalError } from '@daybook/core';

const socketErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENETRESET',
  // This machine has run out of ports, buffers or descriptors, as it does under load.
  'EADDRNOTAVAIL',
  'ENOBUFS',
  'EMFILE',
  'ENFILE',
]);

/** By SQLSTATE class: connection, resources, operator intervention. */
const transientClasses = new Set(['08', '53', '57', '58']);

/** Deadlock, serialization, lock timeout, idle-in-transaction timeout, a server that became read-only. */
const transientStates = new Set(['40P01', '40001', '55P03', '25P03', '25006']);

/** The driver gives these no code, so their text is all there is. */
const driverMessages = new Set([
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Query read timeout',
]);

/** Turns a failure of the database into OperationalError `store_unavailable`; any other error stays what it is. */
export function asOperational(error: unknown): unknown {
  if (!isObject(error) || isOperationalError(error)) return error;
  return isLost(error) || isTransientState(error)
    ? new OperationalError('store_unavailable', true, { cause: error })
    : error;
}

/** The connection failed, so what became of a statement in flight is not known. Also of an error that was turned already. */
export function isConnectionLoss(error: unknown): boolean {
  if (isOperationalError(error)) return isConnectionLoss(error.cause);
  return isObject(error) && (isLost(error) || isLastWord(error));
}

/**
 * The server ends the session with it, whatever it says: a commit may lie on its disk already. Before a session it only
 * refuses one, as for a wrong password, so that alone makes no outage.
 */
function isLastWord({ severity }: Failure): boolean {
  return severity === 'FATAL' || severity === 'PANIC';
}

function isLost({ code, message }: Failure): boolean {
  if (typeof code === 'string') return socketErrors.has(code) || code.startsWith('08') || code.startsWith('57P');
  return typeof message === 'string' && driverMessages.has(message);
}

function isTransientState({ code }: Failure): boolean {
  // SQLSTATEs have five characters; system errors of Node begin with E and have more.
  if (typeof code !== 'string' || code.length !== 5) return false;
  return transientClasses.has(code.slice(0, 2)) || transientStates.has(code);
}

type Failure = { readonly code?: unknown; readonly message?: unknown; readonly severity?: unknown };

/** `instanceof` fails across Jest realms. */
function isObject(error: unknown): error is Failure {
  return typeof error === 'object' && error !== null;
}
