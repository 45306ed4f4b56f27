import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject, ZodOpenApiResponseObject } from 'zod-openapi';
import { createDocument } from 'zod-openapi';
import type { Scheme } from '../app/presented-credential';
import type { Dialect } from './dialect';
import { replayedHeader, replayedName } from './replayed';
import type { Access, DialectName, ResponseSpec, Route } from './route';

/** How each scheme is written in the document. Client credentials are two headers, both required. */
const securityOf: Readonly<Record<Scheme, Record<string, string[]>>> = {
  client: { clientId: [], clientSecret: [] },
  basic: { basic: [] },
  api_key: { apiKey: [] },
  token: { bearer: [] },
};

const securitySchemes = {
  clientId: { type: 'apiKey', in: 'header', name: 'X-Client-ID' },
  clientSecret: { type: 'apiKey', in: 'header', name: 'X-Client-Secret' },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
  basic: { type: 'http', scheme: 'basic' },
  bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
} as const;

/** What the app serves beside the APIs. */
const probes: Readonly<Record<string, { summary: string; statuses: Record<string, string> }>> = {
  '/healthz': { summary: 'Alive', statuses: { 200: 'The process runs.' } },
  '/readyz': { summary: 'Ready', statuses: { 200: 'Serving.', 503: 'Not serving, and why.' } },
  '/metrics': { summary: 'Metrics in the Prometheus format', statuses: { 200: 'The metrics.' } },
  '/openapi.json': { summary: 'This document', statuses: { 200: 'OpenAPI 3.1.' } },
  '/docs': { summary: 'This document, to read and try', statuses: { 200: 'A page.' } },
  '/docs/{file}': { summary: "The page's own files", statuses: { 200: 'A file.', 404: 'There is no such file.' } },
};

/** The OpenAPI 3.1 document of the routes, and of nothing else. */
export function openApiDocument(routes: readonly Route[], dialects: Readonly<Record<DialectName, Dialect>>): object {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route, dialects[route.dialect]) };
  }
  for (const [path, { summary, statuses }] of Object.entries(probes)) {
    const responses = Object.fromEntries(
      Object.entries(statuses).map(([status, description]) => [status, { description }]),
    );
    const parameters = path.includes('{')
      ? [{ name: 'file', in: 'path' as const, required: true, schema: { type: 'string' as const } }]
      : [];
    paths[path] = { get: { summary, tags: ['service'], security: [], parameters, responses } };
  }
  return createDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'Daybook',
        version: '1.0.0',
        description: 'Payments over one journal. Amounts are exact decimals; every request may be repeated safely.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      tags: [
        ...Object.values(dialects).map(({ name, title }) => ({ name, description: title })),
        { name: 'service', description: 'The service itself.' },
      ],
      paths,
      components: { securitySchemes },
    },
    { allowEmptySchema: { custom: true } },
  );
}

function operationOf(route: Route, dialect: Dialect): ZodOpenApiOperationObject {
  const { params, query, headers, body, bodyOptional, bodyExample } = route.request;
  return {
    operationId: operationId(route),
    tags: [route.dialect],
    summary: route.summary,
    description: `${route.description}\n\n${describeAccess(route.access)}`,
    security: route.access === 'public' ? [] : dialect.schemes.map((scheme) => securityOf[scheme]),
    requestParams: {
      ...(params === undefined ? {} : { path: params }),
      ...(query === undefined ? {} : { query }),
      ...(headers === undefined ? {} : { header: headers }),
    },
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: bodyOptional !== true,
            content: { 'application/json': { schema: body, example: bodyExample } },
          },
        }),
    responses: responsesOf(route),
  };
}

/** What rules refuse with. A refusal of the edge is no answer that is kept. */
const statusesOfRules: readonly string[] = ['400', '403', '404', '409', '422'];

/** A key that has its answer gets it again, refusals included, so those say it with the header of the success. */
function responsesOf({ responses }: Route): Record<string, ZodOpenApiResponseObject> {
  const isRepeatable = Object.values(responses).some(({ headers }) => headers?.shape[replayedName] !== undefined);
  return Object.fromEntries(
    Object.entries(responses).map(([status, spec]) => {
      const isKept = isRepeatable && statusesOfRules.includes(status);
      return [status, responseOf(status, isKept ? { ...spec, headers: replayedHeader } : spec)];
    }),
  );
}

function responseOf(status: string, spec: ResponseSpec): ZodOpenApiResponseObject {
  const retryAfter = { description: 'Seconds to wait.', schema: { type: 'integer' as const } };
  return {
    description: spec.description,
    ...(spec.headers === undefined ? {} : { headers: spec.headers }),
    ...(status === '429' ? { headers: { 'Retry-After': retryAfter } } : {}),
    ...(spec.schema === undefined
      ? {}
      : { content: { [spec.mediaType ?? 'application/json']: { schema: spec.schema, example: spec.example } } }),
  };
}

function operationId({ method, path }: Route): string {
  return `${method}${path.replaceAll(/[/{}_-]+(\w?)/g, (_match, next: string) => next.toUpperCase())}`;
}

function describeAccess(access: Access): string {
  if (access === 'public') return 'Open to everybody.';
  if (access === 'any credential') return 'Open to any credential.';
  return `Scope: ${access.map((scope) => `\`${scope}\``).join(' or ')}.`;
}
