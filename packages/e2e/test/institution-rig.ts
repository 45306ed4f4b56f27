/** Settlement and the ledger on one database, as their composition roots have them, with a line between them that can be cut. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  addInstitution,
  createInstitutionTransfer,
  getBalance,
  getInstitutionTransfer,
  institutionTransferSettled,
  providerPaymentReceived,
  simulateInstitutionTransfer,
  transactionPosted,
  type CallRequest,
  type InstitutionSettings,
} from '@daybook/contracts';
import type { StoredEvent } from '@daybook/event-store';
import { callClient } from '@daybook/http';
import { messageOf, openTransport, type OutgoingMessage, type RawMessage } from '@daybook/messaging';
import { Secret } from '@daybook/runtime';
import * as ledger from '@services/ledger';
import * as settlement from '@services/settlement';
import { eventually, expectBooksBalance, fakeClock, testDatabase, testLogger } from '@daybook/testing';
import { valueOf } from './value-of';

const token = 'internal-token-of-the-institutions-tests';
export const tenantId = '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11';
const owner = { tenantId, mode: 'sandbox' } as const;
const merchant = `merchant:${tenantId}:USD`;
export const recipient = { name: 'Canary Doe', account_number: '1234567890', routing_number: '021000021' };

type Line = 'open' | 'closed' | 'silent' | 'cut after the answer was made';

/** Passes requests on to the ledger, or loses them, or their answers; a silent one says nothing until it is another. */
async function lineTo(target: () => string) {
  let line: Line = 'open';
  let waiting: Socket[] = [];
  const server = createServer((req, res) => {
    const asked = line;
    if (asked === 'closed') return void req.socket.destroy();
    if (asked === 'silent') return void waiting.push(req.socket);
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const headers = Object.entries(req.headers).filter(
        (header): header is [string, string] =>
          typeof header[1] === 'string' && !/^(host|connection|content-length|transfer-encoding)$/.test(header[0]),
      );
      fetch(`${target()}${req.url}`, { method: 'POST', headers, body: Buffer.concat(chunks) }).then(
        async (answer) => {
          const body = await answer.text();
          if (asked !== 'open') req.socket.destroy();
          else res.writeHead(answer.status, { 'content-type': 'application/json' }).end(body);
        },
        () => req.socket.destroy(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set(to: Line) {
      line = to;
      for (const socket of waiting) socket.destroy();
      waiting = [];
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

export async function institutionRig() {
  const database = await testDatabase();
  const { logger, lines } = testLogger();
  const now = fakeClock('2026-03-02T10:00:00.000Z');
  const outbox = mkdtempSync(join(tmpdir(), 'daybook-outbox-'));
  const open = { databaseUrl: database.url, brokers: [], clientId: 'test', logger };
  const transport = openTransport({ kind: 'postgres', ...open });
  await transport.start();
  const fatal: unknown[] = [];
  const onFatal = (error: unknown) => void fatal.push(error);
  const keys = { PERSONAL_DATA_KEY: randomBytes(32).toString('base64') };
  const common = { DATABASE_URL: database.url, INTERNAL_TOKEN: token, ...keys };

  const books = ledger.createService(ledger.loadConfig(common), { transport, logger, onFatal });
  const { url: ledgerUrl } = await books.start();
  const askLedger = callClient({ baseUrl: ledgerUrl, token: new Secret(token) });
  const line = await lineTo(() => ledgerUrl);
  let secrets = { SECRETS_KEY: randomBytes(32).toString('base64'), SECRETS_KEYS_OLD: '' };
  const start = async () => {
    const config = settlement.loadConfig({ ...common, ...secrets, LEDGER_URL: line.url, BANK_OUTBOX_DIR: outbox });
    const service = settlement.createService(config, { transport, logger, now, onFatal });
    const { url } = await service.start();
    return { service, call: callClient({ baseUrl: url, token: new Secret(token) }) };
  };
  let running = await start();
  const seen: RawMessage[] = [];
  const followers = await Promise.all(
    [institutionTransferSettled.topic, transactionPosted.topic].map((topic) =>
      transport.consume({
        group: 'test.follower',
        topic,
        startAt: async () => 0n,
        handle: async (messages) => void seen.push(...messages),
      }),
    ),
  );
  const stop = async () => {
    await running.call.stop();
    await running.service.stop();
  };

  const balance = async () => {
    const outcome = await askLedger(getBalance, { mode: 'sandbox', tenantId: null, accountId: merchant });
    return outcome.ok ? outcome.value : { posted: 0n, held: 0n, available: 0n };
  };
  const transferOf = async (transactionId: string) =>
    valueOf(await running.call(getInstitutionTransfer, { ...owner, transactionId })).transfer;

  return {
    now,
    line,
    outbox,
    transport,
    balance,
    transferOf,
    get call() {
      return running.call;
    },
    restart: async (meanwhile: () => Promise<void> = async () => undefined) => {
      await stop();
      await meanwhile();
      running = await start();
    },
    /** Started again as an operator does who replaces the key of secrets: it is known before it is used. */
    replaceKey: async (between: () => Promise<void>) => {
      const [former, next] = [secrets.SECRETS_KEY, randomBytes(32).toString('base64')];
      for (const step of [
        { SECRETS_KEY: former, SECRETS_KEYS_OLD: next },
        { SECRETS_KEY: next, SECRETS_KEYS_OLD: former },
      ]) {
        await stop();
        secrets = step;
        running = await start();
        await between();
      }
    },
    postings: async () => {
      const store = database.pool('ledger');
      const { rows } = await store.query<{ payload: Buffer }>('select payload from events');
      return rows.map(({ payload }) => payload.toString('utf8'));
    },
    /** Everything that settlement keeps. */
    kept: async () => {
      const { rows } = await database.pool('settlement').query<{ payload: Buffer }>('select payload from events');
      const tables = await database
        .pool('settlement')
        .query<{ row: string }>('select to_jsonb(t)::text as row from transactions_v1 t');
      return [...rows.map(({ payload }) => payload.toString('utf8')), ...tables.rows.map(({ row }) => row)];
    },
    /** Nothing more is written to the rows of transactions until what this answers is called. */
    async stopReadModel() {
      const writer = await database.pool('settlement').connect();
      await writer.query('begin');
      await writer.query('lock table transactions_v1 in exclusive mode');
      return async () => {
        await writer.query('commit');
        writer.release();
      };
    },
    institution: async (name: string, settings: InstitutionSettings) =>
      valueOf(await running.call(addInstitution, { ...owner, name, currencies: ['USD'], settings })).institution,
    create: (institutionNumber: number, more: Partial<CallRequest<typeof createInstitutionTransfer>> = {}) =>
      running.call(createInstitutionTransfer, {
        ...owner,
        institutionNumber,
        currency: 'USD',
        amount: 50_000n,
        description: 'Canary words',
        recipient,
        userNumber: 7,
        idempotencyKey: randomUUID(),
        ...more,
      }),
    decide: (transactionId: string, outcome: 'settled' | 'rejected' | 'returned') =>
      running.call(simulateInstitutionTransfer, { ...owner, transactionId, outcome }),
    becomes: (transactionId: string, expected: object) =>
      eventually(async () => expect(await transferOf(transactionId)).toMatchObject(expected), { timeoutMs: 15_000 }),
    /** A payment of the tenant's is in the journal. */
    async fund(amount: bigint) {
      const { posted } = await balance();
      const at = now().toISOString();
      const paid = {
        ...owner,
        transactionId: `TX${randomUUID()}`,
        gatewayId: randomUUID(),
        asset: 'USD',
        amount,
        at,
      } as const;
      await transport.publish([messageOf(providerPaymentReceived, paid, sourceOf(now()))]);
      await eventually(async () => expect((await balance()).posted).toBe(posted + amount), { timeoutMs: 10_000 });
    },
    /** Every message of the two topics so far, once more, as one that no inbox knows. */
    tellAgain: () => transport.publish(seen.map(asAnother)),
    booksBalance: () => expectBooksBalance({ ledger: database.pool('ledger') }),
    async close() {
      await stop();
      for (const follower of followers) await follower.stop();
      await line.stop();
      await askLedger.stop();
      await books.stop();
      await transport.stop();
      await database.drop();
      rmSync(outbox, { recursive: true, force: true });
      expect(fatal).toEqual([]);
      expect(lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    },
  };
}
export type InstitutionRig = Awaited<ReturnType<typeof institutionRig>>;

function asAnother({ topic, key, value, headers }: RawMessage): OutgoingMessage {
  const id = randomUUID();
  const envelope = JSON.parse(String(value)) as object;
  return { topic, key, id, value: Buffer.from(JSON.stringify({ ...envelope, id })), headers };
}

/** As another service would have recorded it. */
function sourceOf(recordedAt: Date): StoredEvent {
  const id = randomUUID();
  return {
    id,
    stream: 'test',
    revision: 0n,
    recordedAt,
    metadata: { correlationId: id, causationId: id },
  } as StoredEvent;
}
