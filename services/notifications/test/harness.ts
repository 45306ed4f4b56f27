import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type {
  CallContract,
  CallOutcome,
  CallRequest,
  EventContract,
  registerEndpoint,
  transferStatusChanged,
} from '@daybook/contracts';
import type { Position, StoredEvent } from '@daybook/event-store';
import { callClient, type CallClient } from '@daybook/http';
import { messageOf, type OutgoingMessage, type Transport } from '@daybook/messaging';
import { Secret, type Service } from '@daybook/runtime';
import {
  fakeClock,
  testDatabase,
  testLogger,
  testTransport,
  type FakeClock,
  type TestDatabase,
} from '@daybook/testing';
import { createService, loadConfig } from '../src';
import type { z } from 'zod';
import type { WebhookClient } from '../src/ports';

const token = 'internal-token-of-this-test-run-only';

export type Harness = {
  readonly database: TestDatabase;
  readonly transport: Transport;
  readonly clock: FakeClock;
  readonly log: ReturnType<typeof testLogger>;
  readonly fatal: unknown[];
  /** An http server on loopback that keeps what it was sent; stopped with the harness. */
  receiver(answer?: Answer): Promise<Receiver>;
  /** A running service; stopped with the harness if it still runs. `secretsKey`: another than the others have. */
  run(overrides?: {
    client?: WebhookClient;
    secretsKey?: string;
  }): Promise<{ call: CallClient; stop(): Promise<void> }>;
  stop(): Promise<void>;
};

export async function startHarness(): Promise<Harness> {
  const database = await testDatabase();
  const log = testLogger();
  const fatal: unknown[] = [];
  const clock = fakeClock('2026-03-01T12:00:00.000Z');
  const transport = testTransport(database.url, log.logger);
  await transport.start();
  const settings = {
    DATABASE_URL: database.url,
    INTERNAL_TOKEN: token,
    SECRETS_KEY: randomBytes(32).toString('base64'),
    WEBHOOK_ALLOW_LOOPBACK: 'true',
  };
  const running = new Set<{ stop(): Promise<void> }>();
  const receivers: Receiver[] = [];
  return {
    database,
    transport,
    clock,
    log,
    fatal,
    async run({ secretsKey = settings.SECRETS_KEY, ...overrides } = {}) {
      const service: Service = createService(loadConfig({ ...settings, SECRETS_KEY: secretsKey }), {
        now: clock,
        random: () => 0.5,
        logger: log.logger,
        transport,
        onFatal: (error) => fatal.push(error),
        pollMs: 20,
        ...overrides,
      });
      const { url } = await service.start();
      const call = callClient({ baseUrl: url, token: new Secret(token) });
      const handle = {
        call,
        async stop() {
          if (!running.delete(handle)) return;
          await call.stop();
          await service.stop();
        },
      };
      running.add(handle);
      return handle;
    },
    async receiver(answer) {
      const started = await startReceiver(answer);
      receivers.push(started);
      return started;
    },
    async stop() {
      for (const service of running) await service.stop();
      await Promise.all(receivers.map((receiver) => receiver.stop()));
      await transport.stop();
      await database.drop();
    },
  };
}

export type Restartable = Awaited<ReturnType<typeof restartable>>;

/** A running service that a test can start anew. */
export async function restartable(harness: Harness) {
  let service = await harness.run();
  const restart = async () => {
    await service.stop();
    service = await harness.run();
  };
  return {
    get call() {
      return service.call;
    },
    /** As after a crash between effects and the inbox's commit: every message is handled again. */
    async handleAgain() {
      const pool = harness.database.pool('notifications');
      await restart();
      await pool.query('truncate inbox');
      await pool.query('update consumer_offsets set next_offset = 0');
      await restart();
    },
  };
}

/** The value of a call that must not be refused. */
export async function valueOf<Call extends CallContract>(client: CallClient, call: Call, request: CallRequest<Call>) {
  const outcome = (await client(call, request)) as { ok: boolean; value?: unknown };
  expect(outcome).toMatchObject({ ok: true });
  return outcome.value as Extract<CallOutcome<Call>, { ok: true }>['value'];
}

export type Received = {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly path: string | undefined;
};
export type Receiver = { readonly url: string; readonly received: Received[]; stop(): Promise<void> };

type Answer = (res: ServerResponse, count: number) => void;

async function startReceiver(answer: Answer = (res) => res.writeHead(204).end()): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      received.push({ headers: req.headers, body: Buffer.concat(chunks).toString('utf8'), path: req.url });
      answer(res, received.length);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    async stop() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}

/** A receiver's own check, written from the Standard Webhooks specification. */
export function isSignedBy(secret: string, { headers, body }: Received): boolean {
  const signed = [headers['webhook-id'], headers['webhook-timestamp'], body].join('.');
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const expected = createHmac('sha256', key).update(signed, 'utf8').digest();
  return String(headers['webhook-signature'])
    .split(' ')
    .map((entry) => entry.split(','))
    .some(([version, given = '']) => {
      const bytes = Buffer.from(given, 'base64');
      return version === 'v1' && bytes.length === expected.length && timingSafeEqual(bytes, expected);
    });
}

/** The message of a fact that another service has recorded. */
export function messageFor<Data extends z.ZodType>(
  contract: EventContract<string, Data>,
  data: z.output<Data>,
  source: { readonly stream: string; readonly revision: bigint; readonly correlationId?: string },
): OutgoingMessage {
  const { stream, revision, correlationId = 'test' } = source;
  const stored: StoredEvent = {
    id: randomUUID(),
    type: 'Recorded',
    version: 1,
    payload: Buffer.from('{}'),
    metadata: { correlationId, causationId: correlationId },
    stream,
    revision,
    position: '1' as Position,
    recordedAt: new Date('2026-03-01T12:00:00.000Z'),
  };
  return messageOf(contract, data, stored);
}

export type Transfer = z.output<typeof transferStatusChanged.data>;

export function confirmedTransfer(debitTenantId: string, more: Partial<Transfer> = {}): Transfer {
  return {
    transferId: `TX${randomUUID()}`,
    mode: 'sandbox',
    debitTenantId,
    debitAccountId: 'WALLET123',
    creditTenantId: randomUUID(),
    creditAccountId: 'WALLET999',
    asset: 'TXC',
    amount: 15_000n,
    referenceId: 'ORDER-1024',
    status: 'confirmed',
    failure: null,
    ledgerReference: `0x${'ab'.repeat(32)}`,
    acceptedAt: '2026-03-01T11:59:00.000Z',
    at: '2026-03-01T12:00:00.000Z',
    ...more,
  };
}

type Registration = CallRequest<typeof registerEndpoint>;

export function payEndpoint(tenantId: string, url: string, more: Partial<Registration> = {}): Registration {
  return { tenantId, mode: 'sandbox', dialect: 'pay', accountId: null, url, events: ['transfer.confirmed'], ...more };
}
