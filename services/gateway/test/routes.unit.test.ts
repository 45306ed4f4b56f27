/** Every route of the gateway, as it is served: whom it lets in, and what it says to requests that nobody should send. */
import type { Server } from 'node:http';
import { scopes, type Scope } from '@daybook/contracts';
import { OperationalError } from '@daybook/core';
import type { Credential } from '../src/app/credential';
import { allRoutes, dialects } from '../src/http/routes';
import type { Route } from '../src/http/route';
import type { Ask } from '../src/ports';
import { serveRoutes } from './served-routes';

const asked = jest.fn();
const ask: Ask = async () => {
  asked();
  throw new OperationalError('upstream_unavailable', true);
};
const services = { identity: ask, intents: ask, ledger: ask, chainWatcher: ask, notifications: ask, settlement: ask };
const silent = { list: ask as never, redrive: ask as never };
const parked = { intents: silent, ledger: silent, settlement: silent, notifications: silent, gateway: silent };
const routes = allRoutes({ services, parked, now: () => new Date(0), signatureAbove: null });

/** To everybody, and to every credential whatever its scopes. What is added here is open, so look at it twice. */
const open = {
  public: ['post /api/token', 'post /v1/providers/{gateway_id}/webhooks', 'post /v1/tokens', 'get /v1/ledger/keys'],
  'any credential': ['get /v1/credential'],
};

/** Undefined when the credential that is presented is not known. */
let held: Scope[] | undefined;
const caller = (): Credential | undefined =>
  held && {
    credentialId: '0190f5fe-7c00-7a00-8000-000000000001',
    tenantId: '0190f5fe-7c00-7a00-8000-000000000002',
    kind: 'api_key',
    mode: 'sandbox',
    scopes: held,
    secretDigest: null,
    walletId: 'WALLET1',
    userNumber: null,
    ipAllowList: [],
    revoked: false,
  };

let server: Server;
let url: string;

beforeAll(async () => {
  ({ server, url } = await serveRoutes(routes, { authenticate: async () => caller() }));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => asked.mockClear());

const schemes: Readonly<Record<string, Record<string, string>>> = {
  client: { 'X-Client-ID': 'id', 'X-Client-Secret': 'secret' },
  api_key: { 'X-API-Key': 'key' },
  token: { Authorization: 'Bearer a.b.c' },
};

/** The first is answered before express where it can be, the second by express. */
const mediaTypes = ['application/json', 'application/json;charset="utf-8"'];

async function statusesOf({ method, path, dialect }: Route, presented: boolean): Promise<number[]> {
  const scheme = dialects[dialect].schemes.find((each) => each in schemes) ?? '';
  return Promise.all(
    mediaTypes.map(async (mediaType) => {
      const response = await fetch(url + path.replaceAll(/\{\w+\}/g, '1'), {
        method: method.toUpperCase(),
        headers: { 'Content-Type': mediaType, ...(presented ? schemes[scheme] : {}) },
        ...(method === 'get' ? {} : { body: '{}' }),
      });
      await response.arrayBuffer();
      return response.status;
    }),
  );
}

const named = (each: readonly Route[]) => each.map((route) => [`${route.method} ${route.path}`, route] as const);

test('open to everybody, or to every credential, are only the routes that are known to be', () => {
  for (const access of ['public', 'any credential'] as const)
    expect(named(routes.filter((route) => route.access === access)).map(([name]) => name)).toEqual(open[access]);
});

test.each(named(routes.filter(({ access }) => typeof access !== 'string')))(
  '%s is closed to whoever has every scope but its own, and asks nobody',
  async (_name, route) => {
    const own: readonly string[] = route.access as readonly Scope[];
    held = scopes.filter((scope) => !own.includes(scope));
    expect(await statusesOf(route, true)).toEqual([403, 403]);
    expect(asked).not.toHaveBeenCalled();
  },
);

test.each(named(routes.filter(({ access }) => access !== 'public')))(
  '%s is closed to whoever presents no credential, or one that nobody knows, and asks nobody',
  async (_name, route) => {
    held = undefined;
    // By their references, in one dialect it is 403.
    const { credentialMissing, credentialInvalid } = dialects[route.dialect];
    expect(await statusesOf(route, false)).toEqual([credentialMissing.status, credentialMissing.status]);
    expect(await statusesOf(route, true)).toEqual([credentialInvalid.status, credentialInvalid.status]);
    expect(asked).not.toHaveBeenCalled();
  },
);

const parts = ['%ff', '%00', '..%2f', 'x'.repeat(5_000)];
const queries = ['%ff=1', 'limit=1&limit=2', 'cursor=%00', 'asset=constructor'];
const bodies = [
  'x',
  '[[]]',
  '{"amount":1e999}',
  '{"transactions":[null],"entries":[{}],"settings":1}',
  '{"amount":"\\u0000","asset":"constructor","from":"toString","to":"constructor","currency":"constructor"}',
];

test.each(named(routes))(
  '%s answers in the shape of its dialect, and tells nothing of itself, whatever it is sent',
  async (_name, route) => {
    held = [...scopes];
    const dialect = dialects[route.dialect];
    const at = (part: string) => route.path.replaceAll(/\{\w+\}/g, part);
    const place = at('0190f5fe-7c00-7a00-8000-000000000001');
    const places = [...(place === route.path ? [] : parts.map(at)), ...queries.map((query) => `${place}?${query}`)];
    const isWrite = route.method !== 'get';
    const sent: [string, string | undefined][] = [
      ...places.map((each): [string, string | undefined] => [each, isWrite ? '{}' : undefined]),
      ...(isWrite ? bodies : []).map((body): [string, string] => [place, body]),
    ];
    const scheme = dialect.schemes.find((each) => each in schemes) ?? '';
    const headers = { 'Content-Type': 'application/json', ...schemes[scheme] };
    const wrong = sent.map(async ([to, body]) => {
      const method = route.method.toUpperCase();
      const response = await fetch(url + to, { method, headers, ...(body === undefined ? {} : { body }) });
      const text = await response.text();
      const isPlain = response.ok || response.headers.get('content-type')?.includes(dialect.errorMediaType) === true;
      const isRight = isPlain && response.status !== 500 && !/node_modules|\.[jt]s:\d/.test(text);
      return isRight ? [] : [`${to} ${body}: ${response.status} ${text}`];
    });
    expect((await Promise.all(wrong)).flat()).toEqual([]);
  },
);
