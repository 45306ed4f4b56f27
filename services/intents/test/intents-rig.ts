import { randomBytes, randomUUID } from 'node:crypto';
import {
  createIntent,
  depositConfirmed,
  depositReverted,
  depositSeen,
  getIntent,
  intentPaid,
  intentStatusChanged,
  intentUnderpaid,
  listIntents,
  paymentReceived,
  receiptMoved,
  settlementCompleted,
  transactionPosted,
  type CallRequest,
} from '@daybook/contracts';
import { postgresEventStore, type StoredEvent } from '@daybook/event-store';
import { callClient } from '@daybook/http';
import { messageOf, readMessage, type OutgoingMessage, type RawMessage } from '@daybook/messaging';
import { Secret, uuidFrom, type Service } from '@daybook/runtime';
import { eventually, fakeClock, testDatabase, testLogger, testTransport } from '@daybook/testing';
import type { z } from 'zod';
import { createService, loadConfig } from '../src';

export const tenantId = '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11';
export const ttlMs = 60_000;
const token = 'internal-token-of-the-intents-tests-only';
const contracts = [intentStatusChanged, paymentReceived, intentPaid, intentUnderpaid, receiptMoved];

export type Deposit = z.output<typeof depositSeen.data>;
export type Published =
  | { type: 'IntentStatusChanged'; data: z.output<typeof intentStatusChanged.data> }
  | { type: 'PaymentReceived'; data: z.output<typeof paymentReceived.data> }
  | { type: 'IntentPaid'; data: z.output<typeof intentPaid.data> }
  | { type: 'IntentUnderpaid'; data: z.output<typeof intentUnderpaid.data> }
  | { type: 'ReceiptMoved'; data: z.output<typeof receiptMoved.data> };

/** What the ledger would hold for one intent, by the posting rules. */
export type Accounts = {
  clearing: bigint;
  merchant: bigint;
  held: bigint;
  refundable: bigint;
  suspense: bigint;
};

/**
 * The intents service on Postgres with the Postgres-log transport. The test is chain-watcher; a stand-in for ledger and
 * settlement answers every published fact through the transport, and keeps the accounts that the ledger would have.
 */
export async function intentsRig() {
  const database = await testDatabase();
  const { logger, lines } = testLogger();
  const now = fakeClock('2026-03-01T10:00:00.000Z');
  const transport = testTransport(database.url, logger);
  await transport.start();
  const fatal: unknown[] = [];
  const allocations: string[] = [];
  const watched: { reference: string; depositId: string; status: 'seen' | 'confirmed' | 'reverted' }[] = [];
  const config = loadConfig({
    DATABASE_URL: database.url,
    INTERNAL_TOKEN: token,
    CHAIN_WATCHER_URL: 'http://127.0.0.1:1',
    INTENT_TTL_MS: String(ttlMs),
    SECRETS_KEY: randomBytes(32).toString('base64'),
    PERSONAL_DATA_KEY: randomBytes(32).toString('base64'),
  });

  const open = async () => {
    const service = createService(config, {
      transport,
      logger,
      now,
      onFatal: (error) => fatal.push(error),
      chainWatcher: {
        allocateAddress: async ({ reference, asset }) => {
          allocations.push(reference);
          if (asset === 'INR') return { ok: false, rejection: 'asset_not_available' };
          return { ok: true, value: { chain: 'tron-sandbox', address: `T${reference}` } };
        },
        depositsOf: async (references) => watched.filter(({ reference }) => references.includes(reference)),
      },
    });
    const { url } = await service.start();
    return { service, call: callClient({ baseUrl: url, token: new Secret(token) }) };
  };
  let running: { service: Service; call: ReturnType<typeof callClient> } = await open();

  const published: Published[] = [];
  const accounts = new Map<string, Accounts>();
  const accountsOf = (intentId: string) => {
    const known = accounts.get(intentId) ?? { clearing: 0n, merchant: 0n, held: 0n, refundable: 0n, suspense: 0n };
    accounts.set(intentId, known);
    return known;
  };
  const done = new Set<string>();
  const others = await transport.consume({
    group: 'test.ledger-and-settlement',
    topic: intentPaid.topic,
    startAt: async () => 0n,
    handle: async (messages) => {
      const answers = messages.flatMap((message) => standIn(message, published, accountsOf, done));
      if (answers.length > 0) await transport.publish(answers);
    },
  });
  const pool = database.pool('intents');
  const store = postgresEventStore(pool);

  return {
    get call() {
      return running.call;
    },
    now,
    published,
    allocations,
    /** What the watcher knows, whatever was published. */
    watched,
    accountsOf,
    store,
    publish: (messages: readonly OutgoingMessage[]) => transport.publish(messages),
    create: (request: Partial<CallRequest<typeof createIntent>> = {}) =>
      running.call(createIntent, {
        tenantId,
        mode: 'sandbox',
        currency: 'USDT_TRC20',
        amount: 10n,
        orderId: randomUUID(),
        idempotencyKey: null,
        ...request,
      }),
    list: (request: Partial<CallRequest<typeof listIntents>> = {}) =>
      running.call(listIntents, {
        tenantId,
        mode: 'sandbox',
        limit: 100,
        cursor: null,
        status: null,
        orderId: null,
        ...request,
      }),
    get: (request: Partial<CallRequest<typeof getIntent>> & { intentId: string }) =>
      running.call(getIntent, { tenantId, mode: 'sandbox', ...request }),
    /** Of the streams that an expiry has ended: how often, and how many events there are. */
    endsOf: async (streams: readonly string[]): Promise<readonly { expired: number; events: number }[]> => {
      const { rows } = await pool.query<{ expired: number; events: number }>(
        `select count(*) filter (where type = 'IntentExpired')::int as expired, count(*)::int as events
           from events where stream = any($1) group by stream having bool_or(type = 'IntentExpired')`,
        [streams],
      );
      return rows;
    },
    eventsOf: (intentId: string): Promise<readonly StoredEvent[]> => store.readStream(`intent-${intentId}`),
    restart: async (meanwhile: () => void) => {
      await running.call.stop();
      await running.service.stop();
      meanwhile();
      running = await open();
    },
    close: async () => {
      await running.call.stop();
      await running.service.stop();
      await others.stop();
      await store.close();
      await transport.stop();
      await database.drop();
      expect(fatal).toEqual([]);
      expect(lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    },
  };
}
export type IntentsRig = Awaited<ReturnType<typeof intentsRig>>;

export async function created(rig: IntentsRig, request: Partial<CallRequest<typeof createIntent>> = {}) {
  const answer = await rig.create(request);
  if (!answer.ok) throw new Error(answer.rejection);
  return answer.value.intent;
}

export async function read(rig: IntentsRig, intentId: string) {
  const answer = await rig.get({ intentId });
  if (!answer.ok) throw new Error(answer.rejection);
  return answer.value.intent;
}

/** Waits until the intent looks as expected, and its amounts are where the ledger would have them. */
export async function expectIntent(rig: IntentsRig, intentId: string, expected: object) {
  await eventually(async () => expect(await read(rig, intentId)).toMatchObject(expected), { timeoutMs: 15_000 });
}

export function depositOf(intent: { intentId: string; paymentAddress: string }, amount: bigint, at: string): Deposit {
  const transactionId = randomUUID();
  return {
    depositId: uuidFrom(['deposit', transactionId]),
    chain: 'tron-sandbox',
    transactionId,
    index: 0,
    asset: 'USDT_TRC20',
    amount,
    address: intent.paymentAddress,
    reference: intent.intentId,
    tenantId,
    mode: 'sandbox',
    blockNumber: 1,
    blockHash: '0xb1',
    at,
  };
}

const facts = { seen: depositSeen, reverted: depositReverted, confirmed: depositConfirmed };

/** One message about a deposit. `again` tells a redelivered fact that was published under another id. */
export function depositMessage(kind: keyof typeof facts, deposit: Deposit, again = ''): OutgoingMessage {
  return messageOf(facts[kind], deposit, source([kind, deposit.depositId, deposit.at, again]));
}

/** When the other services recorded their facts. */
export const occurredAt = '2026-03-01T12:00:00.000Z';

/** A stored event of another service, as far as a message needs one. */
function source(parts: readonly string[]): StoredEvent {
  const id = uuidFrom(['test', ...parts]);
  const metadata = { correlationId: id, causationId: id };
  return { id, stream: 'test', revision: 0n, recordedAt: new Date(occurredAt), metadata } as StoredEvent;
}

const accountOf = { credited: 'merchant', held: 'held', refundable: 'refundable', suspense: 'suspense' } as const;

function standIn(
  raw: RawMessage,
  published: Published[],
  accountsOf: (intentId: string) => Accounts,
  done: Set<string>,
): OutgoingMessage[] {
  const { message } = readMessage(contracts, raw.value);
  if (done.has(message.id)) return [];
  done.add(message.id);
  const fact = { type: message.type, data: message.data } as Published;
  published.push(fact);
  const { intentId, tenantId: tenant, mode, asset, at } = fact.data;
  const accounts = accountsOf(intentId);
  switch (fact.type) {
    case 'PaymentReceived': {
      const { depositId, applied, credited, held, refundable, suspense } = fact.data;
      accounts.clearing += applied;
      accounts.merchant += credited;
      accounts.held += held;
      accounts.refundable += refundable;
      accounts.suspense += suspense;
      const isElsewhere = credited + held + suspense > 0n;
      const posted = {
        transactionId: depositId,
        mode,
        tenantId: tenant,
        cause: {
          type: isElsewhere ? ('intent_receipt' as const) : ('intent_payment' as const),
          id: depositId,
          subject: intentId,
        },
        rule: isElsewhere ? 'intent-receipt@1' : 'intent-payment@1',
        entries: [],
        ledgerReference: `0x${'0'.repeat(64)}`,
        sequence: 0,
        postedAt: at,
      };
      // Twice, under two ids: a repeat that the inbox does not recognise.
      return ['once', 'again'].map((part) => messageOf(transactionPosted, posted, source([depositId, part])));
    }
    case 'IntentPaid': {
      accounts.clearing -= fact.data.amount;
      accounts.merchant += fact.data.amount;
      const settlementId = uuidFrom(['settlement', intentId]);
      const completed = { settlementId, intentId, tenantId: tenant, mode, asset, amount: fact.data.amount, at };
      const reference = { ledgerReference: `0x${'1'.repeat(64)}` };
      return ['once', 'again'].map((part) =>
        messageOf(settlementCompleted, { ...completed, ...reference }, source([settlementId, part])),
      );
    }
    case 'IntentUnderpaid':
      accounts.clearing -= fact.data.amount;
      accounts[accountOf[fact.data.place]] += fact.data.amount;
      return [];
    case 'ReceiptMoved':
      accounts[accountOf[fact.data.from]] -= fact.data.amount;
      accounts[accountOf[fact.data.to]] += fact.data.amount;
      return [];
    case 'IntentStatusChanged':
      return [];
  }
}
