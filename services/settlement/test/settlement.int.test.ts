import { randomBytes, randomUUID } from 'node:crypto';
import {
  intentPaid,
  settlementCompleted,
  settlementInstructed,
  transactionPosted,
  type AnyEventContract,
} from '@daybook/contracts';
import { postgresEventStore, type EventStore, type StoredEvent } from '@daybook/event-store';
import { messageOf, readMessage, type OutgoingMessage, type Transport } from '@daybook/messaging';
import { uuidFrom, type Service } from '@daybook/runtime';
import { eventually, fakeClock, testDatabase, testLogger, testTransport, type TestDatabase } from '@daybook/testing';
import fc from 'fast-check';
import { createService, loadConfig } from '../src';

const tenantId = '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11';
const deadlineMs = 60_000;
const occurredAt = '2026-03-01T10:00:00.000Z';
const contracts: AnyEventContract[] = [settlementInstructed, settlementCompleted];

let database: TestDatabase;
let transport: Transport;
let service: Service;
let store: EventStore;
let listener: { stop(): Promise<void> };
let url: string;
const { logger, lines } = testLogger();
const now = fakeClock(occurredAt);
const published: { id: string; type: string; data: Record<string, unknown> }[] = [];
const fatal: unknown[] = [];
const onFatal = (error: unknown) => void fatal.push(error);

beforeAll(async () => {
  database = await testDatabase();
  transport = testTransport(database.url, logger);
  await transport.start();
  const config = loadConfig({
    DATABASE_URL: database.url,
    INTERNAL_TOKEN: 'internal-token-of-the-settlement-tests',
    SETTLEMENT_DEADLINE_MS: String(deadlineMs),
    LEDGER_URL: 'http://127.0.0.1:1',
    SECRETS_KEY: randomBytes(32).toString('base64'),
    PERSONAL_DATA_KEY: randomBytes(32).toString('base64'),
  });
  service = createService(config, { transport, logger, now, onFatal });
  ({ url } = await service.start());
  store = postgresEventStore(database.pool('settlement'));
  listener = await transport.consume({
    group: 'test.listener',
    topic: settlementInstructed.topic,
    startAt: async () => 0n,
    handle: async (messages) => {
      for (const { value } of messages) {
        const { message } = readMessage(contracts, value);
        published.push({ id: message.id, type: message.type, data: message.data as Record<string, unknown> });
      }
    },
  });
});

afterAll(async () => {
  await listener.stop();
  await service.stop();
  await store.close();
  await transport.stop();
  await database.drop();
  expect(fatal).toEqual([]);
  expect(lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
});

/** A stored event of another service, as far as a message needs one. */
function source(...parts: string[]): StoredEvent {
  const id = uuidFrom(['test', ...parts]);
  const metadata = { correlationId: id, causationId: id };
  return { id, stream: 'test', revision: 0n, recordedAt: new Date(occurredAt), metadata } as StoredEvent;
}

function paidMessage(intentId: string, part = ''): OutgoingMessage {
  const data = { intentId, tenantId, mode: 'sandbox', asset: 'USDT_TRC20', amount: 10n, at: occurredAt } as const;
  return messageOf(intentPaid, data, source(intentId, 'paid', part));
}

const referenceOf = (intentId: string) => `0x${intentId.replaceAll('-', '').repeat(2)}`;

function postedMessage(intentId: string, part = ''): OutgoingMessage {
  const settlementId = uuidFrom(['settlement', intentId]);
  const data = {
    transactionId: settlementId,
    mode: 'sandbox' as const,
    tenantId,
    cause: { type: 'settlement' as const, id: settlementId, subject: intentId },
    rule: 'settlement@1',
    entries: [],
    ledgerReference: referenceOf(intentId),
    sequence: 0,
    postedAt: occurredAt,
  };
  return messageOf(transactionPosted, data, source(intentId, 'posted', part));
}

const toldOf = (intentId: string) => published.filter(({ data }) => data.intentId === intentId);

async function gauges(): Promise<Record<string, string>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Object.fromEntries(
    [...text.matchAll(/^(settlements_\w+)\{.*\} (\S+)$/gm)].map(([, name, value]) => [name, value]),
  );
}

test('duplicate and shuffled inputs: one settlement, one instruction, one completion', async () => {
  const intentIds = Array.from({ length: 60 }, () => randomUUID());
  const all = intentIds.flatMap((id) =>
    ['once', 'again'].flatMap((part) => [
      paidMessage(id, part),
      paidMessage(id, part),
      postedMessage(id, part),
      postedMessage(id, part),
    ]),
  );
  const shuffled = fc.sample(fc.shuffledSubarray(all, { minLength: all.length }), 1)[0]!;
  for (let from = 0; from < shuffled.length; from += 40) await transport.publish(shuffled.slice(from, from + 40));

  await eventually(
    () => {
      for (const id of intentIds)
        expect(toldOf(id).map(({ type }) => type)).toEqual(['SettlementInstructed', 'SettlementCompleted']);
    },
    { timeoutMs: 30_000 },
  );
  for (const id of intentIds) {
    const settlementId = uuidFrom(['settlement', id]);
    const common = { settlementId, intentId: id, tenantId, mode: 'sandbox', asset: 'USDT_TRC20', amount: 10n };
    expect(toldOf(id)[0]?.data).toMatchObject(common);
    expect(toldOf(id)[1]?.data).toMatchObject({ ...common, ledgerReference: referenceOf(id) });
    const types = (await store.readStream(`settlement-${settlementId}`)).map(({ type }) => type).sort();
    expect(types).toEqual(['SettlementCompleted', 'SettlementInstructed', 'SettlementPosted', 'SettlementStarted']);
  }
  await eventually(async () => expect(await gauges()).toMatchObject({ settlements_open: '0' }), { timeoutMs: 15_000 });
});

test('transactions with another cause are not settlements', async () => {
  const intentId = randomUUID();
  const posted = postedMessage(intentId);
  const envelope = JSON.parse(posted.value.toString()) as { data: { cause: { type: string } } };
  envelope.data.cause.type = 'intent_payment';
  const last = randomUUID();
  await transport.publish([{ ...posted, value: Buffer.from(JSON.stringify(envelope)) }, postedMessage(last)]);
  await transport.publish([paidMessage(intentId), paidMessage(last)]);
  await eventually(() => expect(toldOf(last)).toHaveLength(2), { timeoutMs: 15_000 });
  await eventually(() => expect(toldOf(intentId).map(({ type }) => type)).toEqual(['SettlementInstructed']), {
    timeoutMs: 15_000,
  });
  await transport.publish([postedMessage(intentId, 'settled')]);
  await eventually(() => expect(toldOf(intentId)).toHaveLength(2), { timeoutMs: 15_000 });
});

test('shows what is open, how old, and what is overdue', async () => {
  const intentId = randomUUID();
  await transport.publish([paidMessage(intentId)]);
  await eventually(
    async () => expect(await gauges()).toMatchObject({ settlements_open: '1', settlements_overdue: '0' }),
    {
      timeoutMs: 15_000,
    },
  );
  now.advance(deadlineMs + 1_000);
  expect(await gauges()).toEqual({
    settlements_open: '1',
    settlements_overdue: '1',
    settlements_oldest_open_age_seconds: '61',
  });
  await transport.publish([postedMessage(intentId)]);
  await eventually(
    async () =>
      expect(await gauges()).toEqual({
        settlements_open: '0',
        settlements_overdue: '0',
        settlements_oldest_open_age_seconds: '0',
      }),
    { timeoutMs: 15_000 },
  );
});
