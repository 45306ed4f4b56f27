const operational = Symbol.for('daybook.OperationalError');

export type OperationalCode =
  | 'version_conflict'
  | 'store_unavailable'
  | 'outcome_unknown'
  | 'broker_unavailable'
  | 'topics_not_as_declared'
  | 'topic_begins_again'
  | 'messages_missing'
  | 'version_unknown'
  | 'message_too_large'
  | 'upstream_unavailable'
  | 'upstream_timeout';

/** The world failed, not the code. Retry only if `retryable`. */
export class OperationalError extends Error {
  override readonly name = 'OperationalError';
  readonly [operational] = true;
  constructor(
    readonly code: OperationalCode,
    readonly retryable: boolean,
    options?: { cause?: unknown; detail?: string },
  ) {
    super(options?.detail === undefined ? code : `${code}: ${options.detail}`, { cause: options?.cause });
  }
}

/** Branded, because `instanceof` fails across Jest realms and duplicate package copies. */
export function isOperationalError(error: unknown): error is OperationalError {
  return typeof error === 'object' && error !== null && operational in error;
}
