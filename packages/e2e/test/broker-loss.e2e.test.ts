import { randomInt, randomUUID } from 'node:crypto';
import { transactionPosted, transferStatusChanged } from '@daybook/contracts';
import {
  declaredTopics,
  openTransport,
  type OutgoingMessage,
  type RawMessage,
  type Transport,
} from '@daybook/messaging';
import { uuidFrom } from '@daybook/runtime';
import { openReceiver } from '@daybook/standalone';
import { eventually, jvmKafkaIsPossible, ownBroker, seededRandom, testLogger, type OwnBroker } from '@daybook/testing';
import { Distributed } from './distributed';
import { onDatabase, stateOf, untilHandled } from './handled';
import { expectBooksBalance } from './stories';

const transfers = Number(process.env['BROKER_LOSS_TRANSFERS'] ?? 1_000);
const atOnce = 20;
const relaying = ['identity', 'chain-watcher', 'intents', 'ledger', 'settlement'];
const timeoutMs = 60_000;

const declared = declaredTopics().map(({ name }) => name);

/**
 * The distributed form on a Kafka broker of its own, which goes away, loses acknowledgements and loses all that it has.
 * The relay dies as its process does: kill -9 of the ledger, while the broker has stored a batch and nobody was told.
 */
const describeOnJvm = jvmKafkaIsPossible() ? describe : describe.skip;

describeOnJvm('When Kafka fails', () => {
  let broker: OwnBroker;
  let daybook: Distributed;
  let transport: Transport;

  beforeAll(async () => {
    broker = await ownBroker();
    await broker.start();
    const limits = { RATE_LIMIT_PER_MINUTE: '1000000', PAY_RATE_LIMIT_PER_MINUTE: '1000000' };
    // Signed at once, so that the clock adds nothing to the books later.
    const settings = { ...limits, INTENT_TTL_MS: '600000', CHECKPOINT_DELAY_MS: '50' };
    daybook = await new Distributed(broker.brokers, settings).start();
    transport = openTransport({
      kind: 'kafka',
      brokers: broker.brokers,
      clientId: 'observer',
      logger: testLogger().logger,
      databaseUrl: daybook.databaseUrl,
    });
    await transport.start();
  }, 180_000);

  afterEach(() => expectBooksBalance(daybook));
  afterAll(async () => {
    await transport?.stop();
    await daybook?.dispose();
    await broker?.dispose();
  }, 60_000);

  test(`${transfers} transfers are accepted without it, and told once each and in order though the relay is killed twice`, async () => {
    await broker.stop();
    const answers = await inGroups(upTo(transfers), () => daybook.transfer('0.01', { key: randomUUID() }));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);

    // A service starts, and serves, while there is no broker.
    await daybook.endService('ledger', 'SIGKILL');
    await daybook.startService('ledger');
    let kept = broker.proxy.keepAnswer(2);
    await broker.start();
    for (const next of [2, undefined]) {
      await kept;
      await daybook.endService('ledger', 'SIGKILL');
      if (next !== undefined) kept = broker.proxy.keepAnswer(next);
      await daybook.startService('ledger');
    }
    await untilHandled(daybook.databaseUrl, transport);

    const told = await everythingOn([transferStatusChanged.topic, transactionPosted.topic]);
    const bodies = new Map<string, string>();
    const first: RawMessage[] = [];
    for (const message of told) {
      const id = idOf(message);
      const body = `${message.topic} ${message.key} ${String(message.value)}`;
      if (!bodies.has(id)) first.push(message);
      expect(bodies.get(id) ?? body).toBe(body);
      bodies.set(id, body);
    }
    expect([...bodies.keys()].sort()).toEqual([...(await idsOfLedger())].sort());
    // Two batches were stored and not acknowledged.
    expect(told.length - first.length).toBeGreaterThan(transfers / 10);
    for (const versions of byKey(first, ({ streamVersion }) => Number(streamVersion)).values())
      expect(versions).toEqual([...versions].sort((a, b) => a - b));
    const statuses = byKey(
      first.filter(({ topic }) => topic === transferStatusChanged.topic),
      ({ data }) => (data as { status: string }).status,
    );
    for (const { body } of answers) {
      expect(statuses.get(`${transferStatusChanged.topic} ${String(body['transaction_id'])}`)).toEqual([
        'processing',
        'confirmed',
      ]);
    }
  }, 240_000);

  test('all topics published twice more, in random order, change nothing', async () => {
    await payInEveryWay();
    const before = await stateOf(daybook.databaseUrl, transport);
    const seed = randomInt(2 ** 31);
    const random = seededRandom(seed);
    const all = await everythingOn(declared);
    for (const round of [1, 2]) {
      const shuffled = all
        .map((message) => ({ message, place: random.below(2 ** 31) }))
        .sort((a, b) => a.place - b.place)
        .map(({ message }) => outgoing(message));
      await transport.publish(shuffled);
      expect({ seed, round, state: await stateOf(daybook.databaseUrl, transport) }).toEqual({
        seed,
        round,
        state: before,
      });
    }
  }, 240_000);

  test('a Kafka that has lost everything is filled again from the stores, and nothing changes', async () => {
    const before = await stateOf(daybook.databaseUrl, transport);
    const told = new Set((await everythingOn(declared)).map(idOf));
    await broker.stop();
    await broker.wipe();
    await broker.start();
    await daybook.runJob('topics');
    await daybook.runJob('republish', relaying);
    // Repeated while the first is under way.
    await daybook.runJob('republish', relaying);
    expect(await stateOf(daybook.databaseUrl, transport)).toEqual(before);
    expect(new Set((await everythingOn(declared)).map(idOf))).toEqual(told);

    const intent = await daybook.createIntent('UPI', '12.00');
    await daybook.deposit(intent.address, 'UPI', '12.00');
    await settled(intent.id);
  }, 240_000);

  test('services that are asked to end under load end in time, and what they had in hand is done once', async () => {
    const paid = await inGroups(upTo(12), async () => {
      const intent = await daybook.createIntent('UPI', '5.00');
      await daybook.deposit(intent.address, 'UPI', '5.00');
      return intent.id;
    });
    const consuming = ['settlement', 'notifications', 'ledger', 'intents'];
    for (const service of consuming) {
      // 2 would say that it took longer than its grace time.
      expect([service, await daybook.endService(service, 'SIGTERM')]).toEqual([service, 0]);
      await daybook.startService(service);
    }
    for (const id of paid) await settled(id);
    await untilHandled(daybook.databaseUrl, transport);
  }, 240_000);

  /** Payments of several kinds, a transfer, and webhooks about them, all done when it returns. */
  async function payInEveryWay(): Promise<void> {
    const receiver = await openReceiver();
    const events = ['intent.partially_paid', 'intent.paid', 'intent.settled', 'intent.exception'];
    const endpoint = { url: receiver.url, events };
    const registered = await daybook.intents('POST', '/v1/webhook-endpoints', { body: endpoint });
    receiver.setSecret(String(registered.body['secret']));
    const ids: string[] = [];
    for (const [asset, amount, ...parts] of [
      ['UPI', '499.00', '499.00'],
      ['USDT_TRC20', '30.00', '10.00', '20.00'],
      ['USDT_SOL', '20.00', '25.00'],
      ['SOL', '0.000000001', '0.000000001'],
    ] as const) {
      const intent = await daybook.createIntent(asset, amount);
      for (const part of parts) await daybook.deposit(intent.address, asset, part);
      ids.push(intent.id);
    }
    expect((await daybook.transfer('1.00')).status).toBe(200);
    for (const id of ids) {
      await settled(id);
      await receiver.first(({ body }) => body['intent_id'] === id && body['event'] === 'intent.settled', timeoutMs);
    }
    await receiver.close();
  }

  const settled = (id: string) =>
    eventually(async () => expect(await daybook.intent(id)).toMatchObject({ status: 'settled' }), { timeoutMs });

  /** By `topic key`, in the order of delivery. */
  function byKey<T>(messages: readonly RawMessage[], of: (envelope: Envelope) => T): ReadonlyMap<string, T[]> {
    const found = new Map<string, T[]>();
    for (const message of messages) {
      const name = `${message.topic} ${message.key}`;
      found.set(name, [...(found.get(name) ?? []), of(envelopeOf(message))]);
    }
    return found;
  }

  /** What the relay of the ledger owes to its topics, by the events alone. */
  async function idsOfLedger(): Promise<ReadonlySet<string>> {
    const posting = new Set(['TransactionPosted', 'TransactionReversed', 'HoldCaptured', 'TransferConfirmed']);
    const moving = new Set(['TransferAccepted', 'TransferConfirmed', 'TransferFailed']);
    const events = await onDatabase(daybook.databaseUrl, (query) =>
      query<{ id: string; type: string }>(`select id, type from ledger.events`),
    );
    return new Set(
      events.flatMap(({ id, type }) => [
        ...(posting.has(type) ? [uuidFrom([id, transactionPosted.type, ''])] : []),
        ...(moving.has(type) ? [uuidFrom([id, transferStatusChanged.type, ''])] : []),
      ]),
    );
  }

  /** As a new group sees the topics, from their first message to their last. */
  async function everythingOn(topics: readonly string[]): Promise<readonly RawMessage[]> {
    const got: RawMessage[] = [];
    const group = `observer ${randomUUID()}`;
    for (const topic of topics) {
      const before = got.length;
      const total = [...(await transport.ends(topic)).values()].reduce((sum, end) => sum + Number(end), 0);
      const { stop } = await transport.consume({
        group,
        topic,
        startAt: async () => 0n,
        handle: async (messages) => void got.push(...messages),
      });
      await eventually(() => expect(got.length - before).toBe(total), { timeoutMs });
      await stop();
    }
    return got;
  }
});

type Envelope = { readonly id: string; readonly streamVersion: string; readonly data: unknown };

const envelopeOf = ({ value }: RawMessage) => JSON.parse(String(value)) as Envelope;
const idOf = (message: RawMessage) => envelopeOf(message).id;

function outgoing(message: RawMessage): OutgoingMessage {
  const { topic, key, headers, value } = message;
  return { topic, key, headers, value: value ?? Buffer.alloc(0), id: idOf(message) };
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, n) => n);
}

/** A few at a time, as clients would. */
async function inGroups<T>(ns: readonly number[], work: () => Promise<T>): Promise<readonly T[]> {
  const done: T[] = [];
  for (let from = 0; from < ns.length; from += atOnce)
    done.push(...(await Promise.all(ns.slice(from, from + atOnce).map(work))));
  return done;
}
