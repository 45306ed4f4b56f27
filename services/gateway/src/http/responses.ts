import type { Failure } from '@daybook/http';
import { edgeFailures, type Dialect } from './dialect';
import type { ResponseSpec } from './route';

/** What any authenticated route may answer. */
function edgeOf(dialect: Dialect): readonly Failure[] {
  return [
    dialect.credentialMissing,
    dialect.credentialInvalid,
    edgeFailures.credentialAmbiguous,
    edgeFailures.scopeMissing,
    edgeFailures.addressNotAllowed,
    edgeFailures.rateLimitExceeded,
    edgeFailures.serverError,
    edgeFailures.serviceUnavailable,
  ];
}

/** The documented error answers: those of the edge and the route's own, one entry a status. */
export function errorsOf(dialect: Dialect, own: readonly Failure[] = []): Record<number, ResponseSpec> {
  const specs: Record<number, ResponseSpec> = {};
  const failures = [...own, ...edgeOf(dialect)];
  for (const failure of failures) {
    const same = failures.filter(({ status }) => status === failure.status);
    specs[failure.status] ??= {
      description: [...new Set(same.map(({ code, message }) => `\`${code}\`: ${message}`))].join('\n\n'),
      schema: dialect.errorSchema,
      example: dialect.errorBody(failure),
      mediaType: dialect.errorMediaType,
    };
  }
  return specs;
}

/** The failures of a route that reads a body. */
export const bodyFailures: readonly Failure[] = [edgeFailures.bodyTooLarge, edgeFailures.mediaTypeUnsupported];

export function invalidField(field: string, said: string): Failure {
  return { status: 400, code: 'INVALID_REQUEST', message: `${field}: ${said}`, field };
}
