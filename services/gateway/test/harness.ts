import { createHash, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { credentialIssued, credentialRestricted, credentialRevoked, type EventContract } from '@daybook/contracts';
import { start, type StoredEvent } from '@daybook/event-store';
import { messageOf, openTransport, type Transport } from '@daybook/messaging';
import { Secret, sha256Hex, type Service } from '@daybook/runtime';
import { eventually, testDatabase, testLogger, type TestDatabase, type TestLogger } from '@daybook/testing';
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import { sign, type SignOptions } from 'jsonwebtoken';
import type { z } from 'zod';
import { createService, loadConfig } from '../src/index';
import { startStandIn, type StandIn } from './stand-in';

const internalToken = 'internal-token-of-the-gateway-tests';
export function tokenKeys() {
  const keyPair = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const spki = createPublicKey(keyPair.publicKey).export({ type: 'spki', format: 'der' });
  return { ...keyPair, keyid: createHash('sha256').update(spki).digest('hex').slice(0, 16) };
}
export const keys = tokenKeys();

export type Reply = { status: number; headers: Headers; text: string; body: Record<string, unknown> };
export type Sent = { headers?: Record<string, string>; body?: unknown; raw?: string };
type Issued = z.output<typeof credentialIssued.data>;
export type TestCredential = Issued & { readonly secret: string; readonly headers: Record<string, string> };

/** As identity does; with another `key`, still said to be ours. */
export function signToken(claims: object, options: SignOptions = {}, key: string = keys.privateKey): string {
  return sign(claims, key, {
    algorithm: 'ES256',
    issuer: 'daybook',
    audience: 'daybook',
    expiresIn: '1h',
    keyid: keys.keyid,
    ...options,
  });
}

/** A gateway on a database of its own, with the services behind it played by a stand-in. */
export class GatewayHarness {
  readonly log: TestLogger = testLogger();
  services!: StandIn;
  url!: string;
  #database!: TestDatabase;
  #transport!: Transport;
  #service!: Service;
  #others = new Set<Service>();
  #document!: Document;
  #validators = new Map<string, ValidateFunction>();

  constructor(private readonly settings: Record<string, string> = {}) {}

  async start(): Promise<this> {
    this.#database = await testDatabase();
    this.services = await startStandIn(new Secret(internalToken));
    const { logger } = this.log;
    const transport = { kind: 'postgres', databaseUrl: this.#database.url, brokers: [], logger } as const;
    this.#transport = openTransport({ ...transport, clientId: 'gateway-test' });
    await this.#transport.start();
    this.#service = this.#process({});
    this.url = (await this.#service.start()).url;
    this.#document = (await (await fetch(`${this.url}/openapi.json`)).json()) as Document;
    return this;
  }

  /** Another process of the gateway, on the same database. It is stopped with the harness if it still runs. */
  async another(settings: Record<string, string>): Promise<{ readonly url: string; stop(): Promise<void> }> {
    const service = this.#process(settings);
    this.#others.add(service);
    const { url } = await service.start();
    return { url, stop: async () => void (this.#others.delete(service) && (await service.stop())) };
  }

  #process(settings: Record<string, string>): Service {
    const { url } = this.services;
    const config = loadConfig({
      DATABASE_URL: this.#database.url,
      HTTP_PORT: '0',
      INTERNAL_TOKEN: internalToken,
      TOKEN_PUBLIC_KEY: keys.publicKey,
      IDENTITY_URL: url,
      INTENTS_URL: url,
      LEDGER_URL: url,
      CHAIN_WATCHER_URL: url,
      NOTIFICATIONS_URL: url,
      SETTLEMENT_URL: url,
      PAY_RATE_LIMIT_PER_MINUTE: '100000',
      RATE_LIMIT_PER_MINUTE: '100000',
      PUBLIC_RATE_LIMIT_PER_MINUTE: '100000',
      AUTH_FAILURES_PER_MINUTE: '100000',
      ...this.settings,
      ...settings,
    });
    const { logger } = this.log;
    const onFatal = (error: unknown) => logger.fatal({ error }, 'fatal');
    return createService(config, { logger, onFatal, transport: this.#transport });
  }

  async stop(): Promise<void> {
    for (const other of this.#others) await other.stop();
    await this.#service?.stop();
    await this.#transport?.stop();
    await this.services?.stop();
    await this.#database?.drop();
  }

  async request(method: string, path: string, { headers = {}, body, raw }: Sent = {}): Promise<Reply> {
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(this.url + path, {
      method,
      headers: { ...(sent === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
      ...(sent === undefined ? {} : { body: sent }),
    });
    const text = await response.text();
    const json = /[/+]json/.test(response.headers.get('content-type') ?? '');
    const reply = {
      status: response.status,
      headers: response.headers,
      text,
      body: json ? (JSON.parse(text) as Record<string, unknown>) : {},
    };
    this.#expectDocumented(method, path, reply);
    return reply;
  }

  /** A credential that nobody was told of. */
  make(
    kind: Issued['kind'],
    scopes: Issued['scopes'],
    more: Partial<Issued> = {},
    secret: string = randomUUID(),
  ): { readonly issued: Issued; readonly secret: string; readonly headers: Record<string, string> } {
    const issued: Issued = {
      credentialId: randomUUID(),
      tenantId: randomUUID(),
      kind,
      mode: 'sandbox',
      scopes,
      secretDigest: kind === 'token' || kind === 'login' ? null : sha256Hex(secret),
      walletId: scopes.includes('pay') ? `WALLET-${randomUUID()}` : null,
      userNumber: 7,
      ipAllowList: [],
      issuedAt: new Date().toISOString(),
      ...more,
    };
    return { issued, secret, headers: headersOf(issued, secret) };
  }

  /** Publishes a credential and waits until the gateway takes it. */
  async issue(...made: Parameters<GatewayHarness['make']>): Promise<TestCredential> {
    const { issued, secret, headers } = this.make(...made);
    await this.publish(credentialIssued, issued);
    await eventually(
      async () => {
        const { status } = await fetch(`${this.url}/v1/credential`, { headers });
        if (status === 401 || status === 429) throw new Error('the gateway does not know the credential');
      },
      { timeoutMs: 10_000 },
    );
    return { ...issued, secret, headers };
  }

  async restrict(credentialId: string, ipAllowList: string[]): Promise<void> {
    await this.publish(credentialRestricted, { credentialId, ipAllowList, restrictedAt: new Date().toISOString() });
  }

  async revoke(credentialId: string): Promise<void> {
    await this.publish(credentialRevoked, { credentialId, revokedAt: new Date().toISOString() });
  }

  async publish<Data extends z.ZodType>(contract: EventContract<string, Data>, data: z.output<Data>): Promise<void> {
    const source: StoredEvent = {
      id: randomUUID(),
      type: contract.type,
      version: 1,
      payload: Buffer.alloc(0),
      metadata: { correlationId: 'test', causationId: 'test' },
      stream: 'test',
      revision: 0n,
      position: start,
      recordedAt: new Date(),
    };
    await this.#transport.publish([messageOf(contract, data, source)]);
  }

  /** A message about credentials that no attempt could handle. */
  async publishUnreadable(key: string): Promise<void> {
    const value = Buffer.from('{"id":');
    await this.#transport.publish([{ topic: credentialIssued.topic, key, id: randomUUID(), value, headers: {} }]);
  }

  /** Whatever a documented route answers is documented: the status, and the body by its schema. */
  #expectDocumented(method: string, path: string, reply: Reply): void {
    const pathname = path.split('?', 1)[0] ?? '';
    const template = Object.keys(this.#document.paths).find(
      (known) =>
        new RegExp(`^${known.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(pathname) &&
        method.toLowerCase() in this.#document.paths[known]!,
    );
    if (template === undefined || reply.status === 405) return;
    const operation = this.#document.paths[template]![method.toLowerCase()]!;
    const spec = operation.responses[String(reply.status)];
    if (spec === undefined) throw new Error(`${method} ${template} answered ${reply.status}, which is not documented`);
    for (const [mediaType, { schema }] of Object.entries(spec.content ?? {})) {
      if (schema === undefined) continue;
      expect(reply.headers.get('content-type')?.startsWith(mediaType)).toBe(true);
      const name = `${method} ${template} ${reply.status}`;
      const validate = this.#validators.get(name) ?? validatorOf(schema);
      this.#validators.set(name, validate);
      const isLines = reply.headers.get('content-type')?.includes('ndjson') === true;
      if (!validate(isLines ? reply.text : reply.body))
        throw new Error(`${name}: ${JSON.stringify(validate.errors)} in ${reply.text}`);
    }
  }
}

export type Document = {
  paths: Record<
    string,
    Record<
      string,
      {
        operationId: string;
        responses: Record<
          string,
          { headers?: object; content?: Record<string, { schema?: object; example?: unknown }> }
        >;
        requestBody?: { content: Record<string, { schema: object; example?: unknown }> };
      }
    >
  >;
};

const ajv = new Ajv2020({ strict: false });
addFormats(ajv);

export function validatorOf(schema: object): ValidateFunction {
  return ajv.compile(schema);
}

function headersOf(credential: Issued, secret: string): Record<string, string> {
  switch (credential.kind) {
    case 'client':
      return { 'X-Client-ID': credential.credentialId, 'X-Client-Secret': secret };
    case 'api_key':
      return { 'X-API-Key': secret };
    case 'basic':
      return { Authorization: `Basic ${Buffer.from(`${credential.credentialId}:${secret}`).toString('base64')}` };
    case 'token':
    case 'login':
      return { Authorization: `Bearer ${signToken({ jti: credential.credentialId, sub: credential.tenantId })}` };
  }
}
