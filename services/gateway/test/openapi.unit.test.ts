import { createApp, stringifyJson } from '@daybook/http';
import { testLogger, testMetrics } from '@daybook/testing';
import type { Express } from 'express';
import { bodyRoom, smallBodyBytes } from '../src/http/body-room';
import { mountDocs } from '../src/http/docs';
import { eventStreams } from '../src/http/event-stream';
import { jsonLines } from '../src/http/json-lines';
import { createLimits } from '../src/http/limits';
import { mountRoutes } from '../src/http/mount';
import { openApiDocument } from '../src/http/openapi';
import { allRoutes, dialects } from '../src/http/routes';
import type { Ask } from '../src/ports';
import { validatorOf, type Document } from './harness';

const ask: Ask = async () => {
  throw new Error('nobody is asked');
};
const services = { identity: ask, intents: ask, ledger: ask, chainWatcher: ask, notifications: ask, settlement: ask };
const silent = { list: ask as never, redrive: ask as never };
const parked = { intents: silent, ledger: silent, settlement: silent, notifications: silent, gateway: silent };
const routes = allRoutes({ services, parked, now: () => new Date(0), signatureAbove: null });
const document = JSON.parse(stringifyJson(openApiDocument(routes, dialects))) as Document & { openapi: string };

function app(): Express {
  const { logger } = testLogger();
  const closing = new AbortController().signal;
  return createApp({
    logger,
    metrics: testMetrics(),
    notReady: () => undefined,
    routes: (express) => {
      mountDocs(express, document);
      mountRoutes(express, dialects, routes, {
        authenticate: async () => undefined,
        limits: createLimits({ requestsPerMinute: { pay: 1, general: 1, public: 1 }, authFailuresPerMinute: 1 }),
        bodies: bodyRoom(1_000_000),
        streams: eventStreams({ closing, logger }),
        sendLines: jsonLines({ closing, logger }),
        trustedProxies: [],
        logger,
      });
    },
  });
}

type Layer = { route?: { path: string; methods: Record<string, boolean> } };

function servedBy(express: Express): string[] {
  const { stack } = express.router as unknown as { stack: Layer[] };
  return stack.flatMap(({ route }) =>
    Object.keys(route?.methods ?? {})
      // The answer to methods that a path does not have.
      .filter((method) => method !== '_all')
      .map((method) => `${method} ${route!.path.replaceAll(/:(\w+)/g, '{$1}')}`),
  );
}

const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
  Object.keys(operations).map((method) => `${method} ${path}`),
);

/** Where a schema takes fields of any name and content. Names of any kind with values of one are a map. */
function openIn(schema: unknown, place: string): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { type, additionalProperties } = schema as { type?: string; additionalProperties?: object | boolean };
  const isClosed =
    additionalProperties === false ||
    (typeof additionalProperties === 'object' && Object.keys(additionalProperties).length > 0);
  const below = Object.entries(schema).filter(([name]) => name !== 'example');
  return [
    ...(type === 'object' && !isClosed ? [place] : []),
    ...below.flatMap(([name, each]) => openIn(each, `${place}/${name}`)),
  ];
}

/** Bodies whose fields are another's to choose: what a provider tells is passed on as it came. */
const writtenByOthers = ['/v1/providers/{gateway_id}/webhooks'];

describe('OpenAPI document', () => {
  test('has every route that is served, and no other', () => {
    expect(documented.toSorted()).toEqual(servedBy(app()).toSorted());
  });

  test('is 3.1, and names every operation once', () => {
    expect(document.openapi).toBe('3.1.0');
    const ids = Object.values(document.paths)
      .flatMap((operations) => Object.values(operations).map(({ operationId }) => operationId))
      .filter(Boolean);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('has a hundred examples or more, and each is valid by its schema', () => {
    let examples = 0;
    for (const operations of Object.values(document.paths)) {
      for (const { responses, requestBody } of Object.values(operations)) {
        const contents = [requestBody, ...Object.values(responses)].flatMap((part) =>
          Object.values(part?.content ?? {}),
        );
        for (const { schema, example } of contents) {
          const validate = validatorOf(schema ?? {});
          validate(example);
          expect({ example, errors: validate.errors }).toEqual({ example, errors: null });
          examples++;
        }
      }
    }
    expect(examples).toBeGreaterThan(100);
  });

  test.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s documents its success and what the edge may answer',
    (_name, route) => {
      const statuses = Object.keys(route.responses).map(Number);
      expect(statuses.filter((status) => status < 300)).toHaveLength(1);
      expect(statuses).toEqual(expect.arrayContaining([400, 401, 403, 429, 500, 503]));
      expect(statuses.includes(413)).toBe(route.method !== 'get');
      expect(statuses.includes(415)).toBe(route.method !== 'get');
      expect(statuses.includes(404)).toBe(route.request.params !== undefined || statuses.includes(404));
    },
  );

  test('has the header of a repeat on what rules refuse where it is on the success, and nowhere else', () => {
    const withHeader = Object.values(document.paths).flatMap((operations) =>
      Object.values(operations).flatMap(({ operationId, responses }) => {
        const has = ([, { headers = {} }]: (typeof answers)[number]) => 'Idempotent-Replayed' in headers;
        const answers = Object.entries(responses);
        const refusals = answers.filter(([status]) => status >= '400');
        const ofRules = refusals.filter(([status]) => ['400', '403', '404', '409', '422'].includes(status));
        const expected = answers.some((each) => each[0] < '300' && has(each)) ? ofRules : [];
        expect([operationId, refusals.filter(has)]).toEqual([operationId, expected]);
        return expected;
      }),
    );
    expect(withHeader.length).toBeGreaterThan(30);
  });

  test('leaves no answer open to fields that it does not name', () => {
    const open = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, { responses }]) =>
        Object.values(responses).flatMap(({ content = {} }) =>
          Object.values(content).flatMap(({ schema }) => openIn(schema, `${method} ${path}`)),
        ),
      ),
    );
    // What a check found: its rows are of every table. Only operators see it.
    expect(open.filter((place) => !/ \/v1\/ops\/checks\b.*\/report\b/.test(place))).toEqual([]);
  });

  test.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s refuses fields and parameters that it does not name',
    (_name, { request, path }) => {
      const refusesUnknown = (schema: unknown) =>
        (schema as { def?: { catchall?: { def: { type: string } } } }).def?.catchall?.def.type === 'never';
      expect(refusesUnknown(request.query)).toBe(true);
      if (request.params !== undefined) expect(refusesUnknown(request.params)).toBe(true);
      if (request.body !== undefined && !writtenByOthers.includes(path))
        expect(refusesUnknown(request.body)).toBe(true);
    },
  );
});

test.each(['/v1/tokens', '/api/token'])('%s takes only bodies so small that they need no room', (path) => {
  expect(routes.find((route) => route.path === path)?.bodyBytesMax).toBeLessThanOrEqual(smallBodyBytes);
});
