import type { Correlation } from './correlation';
import { sha256Hex } from './ids';

/**
 * W3C Trace Context. The trace is the correlation: all that a request caused is one trace, with no second id to carry and
 * to store, and a message that is published again has the same header.
 */

const given = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;
const zeros = /^0*$/;

/** The header `traceparent` of what the ids caused. Its trace id is the correlation id where that can be one. */
export function traceparentOf({ correlationId, causationId }: Correlation): string {
  return `00-${traceIdFrom(correlationId)}-${sha256Hex(causationId).slice(0, 16)}-01`;
}

/** The trace id of a header that came with a request; undefined when it is not one. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  const [, traceId, parentId] = given.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || parentId === undefined || zeros.test(traceId) || zeros.test(parentId)) return undefined;
  return traceId;
}

function traceIdFrom(correlationId: string): string {
  const digits = correlationId.replaceAll('-', '').toLowerCase();
  return /^[0-9a-f]{32}$/.test(digits) && !zeros.test(digits) ? digits : sha256Hex(correlationId).slice(0, 32);
}
