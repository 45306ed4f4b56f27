import { randomUUID } from 'node:crypto';
import {
  intentStatusChanged,
  listDeliveries,
  redeliver,
  registerEndpoint,
  transferStatusChanged,
  type webhookEvents,
} from '@daybook/contracts';
import { eventually } from '@daybook/testing';
import type { z } from 'zod';
import {
  confirmedTransfer,
  isSignedBy,
  messageFor,
  payEndpoint,
  restartable,
  startHarness,
  valueOf,
  type Harness,
  type Receiver,
  type Restartable,
  type Transfer,
} from './harness';

let harness: Harness;
let service: Restartable;
const soon = { timeoutMs: 10_000 };

beforeAll(async () => {
  harness = await startHarness();
  service = await restartable(harness);
});
afterAll(async () => {
  await harness?.stop();
  expect(harness.fatal).toEqual([]);
});

async function publish(transfer: Transfer, revision = 3n, correlationId = 'test') {
  const message = messageFor(transferStatusChanged, transfer, {
    stream: `transfer-${transfer.transferId}`,
    revision,
    correlationId,
  });
  await harness.transport.publish([message]);
  return message;
}

async function deliveriesOf(tenantId: string, endpointId: string) {
  const request = { tenantId, mode: 'sandbox', accountId: null, endpointId, limit: 100, cursor: null } as const;
  return (await valueOf(service.call, listDeliveries, request)).deliveries;
}

describe('pay webhooks', () => {
  test("carry the reference's fields first, signed, with the request's correlation id", async () => {
    const [payer, payee] = [randomUUID(), randomUUID()];
    const [at, other] = [await harness.receiver(), await harness.receiver()];
    const { secret } = await valueOf(
      service.call,
      registerEndpoint,
      payEndpoint(payer, at.url, { accountId: 'WALLET123' }),
    );
    await valueOf(service.call, registerEndpoint, payEndpoint(payee, other.url));
    const transfer = confirmedTransfer(payer, { creditTenantId: payee });
    await publish(transfer, 7n, 'request-42');
    await eventually(() => expect([at.received.length, other.received.length]).toEqual([1, 1]), soon);

    const [sent] = at.received;
    const reference = `"transaction_id":"${transfer.transferId}","amount":150.00,"status":"confirmed"`;
    expect(sent?.body).toBe(
      `{"event":"transfer.confirmed",${reference},"reference_id":"ORDER-1024","direction":"debit",` +
        `"wallet_id":"WALLET123","ledger_reference":"${transfer.ledgerReference}","sequence":7,` +
        `"occurred_at":"2026-03-01T12:00:00.000Z"}`,
    );
    expect(JSON.parse(other.received[0]?.body ?? '')).toMatchObject({ direction: 'credit', wallet_id: 'WALLET999' });
    expect(sent?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-correlation-id': 'request-42',
      'webhook-timestamp': String(harness.clock().getTime() / 1_000),
    });
    expect(isSignedBy(secret, sent!)).toBe(true);
    expect(isSignedBy(secret, { ...sent!, body: `${sent!.body} ` })).toBe(false);
    expect(other.received[0]?.headers['webhook-id']).not.toBe(sent?.headers['webhook-id']);
  });

  test('of two wallets with one URL come under two ids, which each keeps when it is repeated', async () => {
    const tenantId = randomUUID();
    const at = await harness.receiver((res, count) => res.writeHead(count <= 2 ? 500 : 200).end());
    const register = (accountId: string) =>
      valueOf(service.call, registerEndpoint, payEndpoint(tenantId, at.url, { accountId }));
    const registered = [await register('WALLET123'), await register('WALLET999')];
    const everyStatus = async () => {
      const lists = registered.map(({ endpoint }) => deliveriesOf(tenantId, endpoint.endpointId));
      return (await Promise.all(lists)).flat().map(({ status, attempts }) => `${status} ${attempts}`);
    };
    await publish(confirmedTransfer(tenantId, { creditTenantId: tenantId }));
    await eventually(async () => expect(await everyStatus()).toEqual(['pending 1', 'pending 1']), soon);
    await service.handleAgain();
    harness.clock.advance(5_000);
    await eventually(async () => expect(await everyStatus()).toEqual(['delivered 2', 'delivered 2']), soon);

    expect(at.received).toHaveLength(4);
    const heard = new Map(at.received.map(({ headers, body }) => [headers['webhook-id'], body]));
    const sides = [...heard.values()].map((body) => (JSON.parse(body) as { direction: string }).direction);
    expect(sides.toSorted()).toEqual(['credit', 'debit']);
    expect(new Set(at.received.map(({ body }) => body))).toEqual(new Set(heard.values()));
    expect(new Set(at.received.map(({ headers, body }) => `${headers['webhook-id']} ${body}`)).size).toBe(2);
  });

  test('go to endpoints of the account, the tenant, the mode and the event only', async () => {
    const [payer, payee] = [randomUUID(), randomUUID()];
    const hit = await harness.receiver();
    const miss = await harness.receiver();
    await valueOf(service.call, registerEndpoint, payEndpoint(payer, hit.url));
    for (const more of [
      { accountId: 'WALLET999' },
      { mode: 'live' as const, url: 'https://93.184.216.34/' },
      { events: ['transfer.failed' as const], accountId: 'WALLET123' },
      { dialect: 'intents' as const, url: `${miss.url}2` },
    ]) {
      await valueOf(service.call, registerEndpoint, payEndpoint(payer, miss.url, more));
    }
    await valueOf(service.call, registerEndpoint, payEndpoint(randomUUID(), miss.url));
    await publish(confirmedTransfer(payer, { creditTenantId: payee }));
    // Between two wallets of the tenant: one delivery to the tenant's endpoint.
    await publish(confirmedTransfer(payer, { creditTenantId: payer, creditAccountId: 'WALLET5' }));
    await eventually(() => expect(hit.received).toHaveLength(2), soon);
    expect(miss.received).toEqual([]);
  });

  test('are given once, however often their message is', async () => {
    const tenantId = randomUUID();
    const at = await harness.receiver();
    const { endpoint } = await valueOf(service.call, registerEndpoint, payEndpoint(tenantId, at.url));
    const message = await publish(confirmedTransfer(tenantId));
    await harness.transport.publish([message, message]);
    await eventually(() => expect(at.received).toHaveLength(1), soon);

    await service.handleAgain();
    const last = confirmedTransfer(tenantId);
    await publish(last);
    await eventually(() => expect(at.received.at(-1)?.body).toContain(last.transferId), soon);
    expect(at.received).toHaveLength(2);
    expect(await deliveriesOf(tenantId, endpoint.endpointId)).toHaveLength(2);
  });
});

describe('many at once', () => {
  test('are told once each, also by two services that share the work', async () => {
    const tenantId = randomUUID();
    const at = await harness.receiver();
    const { endpoint } = await valueOf(service.call, registerEndpoint, payEndpoint(tenantId, at.url));
    const other = await harness.run();
    const transfers = Array.from({ length: 300 }, () => confirmedTransfer(tenantId));
    const messages = transfers.map((transfer) =>
      messageFor(transferStatusChanged, transfer, { stream: `transfer-${transfer.transferId}`, revision: 3n }),
    );
    await harness.transport.publish(messages);
    await eventually(() => expect(at.received.length).toBeGreaterThanOrEqual(300), soon);
    await eventually(async () => {
      const { rows } = await harness.database.pool('notifications').query(
        `select status, attempts, count(*)::integer as deliveries,
                (select count(*)::integer from delivery_leases) as leases
           from deliveries_v1 where endpoint_id = $1 group by 1, 2`,
        [endpoint.endpointId],
      );
      expect(rows).toEqual([{ status: 'delivered', attempts: 1, deliveries: 300, leases: 0 }]);
    }, soon);
    const told = at.received.map(({ body }) => (JSON.parse(body) as { transaction_id: string }).transaction_id);
    expect(told.toSorted()).toEqual(transfers.map(({ transferId }) => transferId).toSorted());
    await other.stop();
  });
});

describe('intent webhooks', () => {
  type Intent = z.output<typeof intentStatusChanged.data>;
  const tenantId = randomUUID();
  const intent: Intent = {
    intentId: randomUUID(),
    tenantId,
    mode: 'sandbox',
    asset: 'USDT_ERC20',
    orderId: 'INV_1',
    currency: 'USDT_ERC20',
    amount: 99_500_000n,
    amountReceived: 0n,
    amountApplied: 0n,
    amountRefundable: 0n,
    status: 'pending',
    exceptions: [],
    paymentAddress: '0xabc',
    transactionHash: null,
    createdAt: '2026-03-01T11:00:00.000Z',
    expiresAt: '2026-03-01T13:00:00.000Z',
    verifiedAt: null,
    at: '2026-03-01T12:00:00.000Z',
  };

  const listen = (at: Receiver, events: readonly (typeof webhookEvents)[number][]) =>
    valueOf(service.call, registerEndpoint, {
      tenantId,
      mode: 'sandbox',
      dialect: 'intents',
      accountId: null,
      url: at.url,
      events: [...events],
    });

  /** The states of an intent, in their order. */
  async function live(intentId: string, history: readonly Partial<Intent>[]): Promise<void> {
    for (const [index, change] of history.entries()) {
      const source = { stream: `intent-${intentId}`, revision: BigInt(index) };
      await harness.transport.publish([messageFor(intentStatusChanged, { ...intent, intentId, ...change }, source)]);
    }
  }

  /** What was told of an intent, in the order of its states. */
  function toldOf(at: Receiver, intentId: string): readonly string[] {
    return at.received
      .map(({ body }) => JSON.parse(body) as { intent_id: string; event: string; sequence: number })
      .filter((body) => body.intent_id === intentId)
      .map(({ sequence, event }) => `${sequence} ${event}`)
      .toSorted();
  }

  test('tell of what a receiver can see, with the full state, and of an exception once', async () => {
    const at = await harness.receiver();
    const events = ['intent.confirming', 'intent.paid', 'intent.settled', 'intent.exception'] as const;
    const { secret } = await listen(at, events);
    const history: Partial<Intent>[] = [
      {},
      { status: 'confirming', amountReceived: 100_000_001n },
      // Final, but not in the journal yet: nothing that a receiver can see.
      { status: 'confirming', amountReceived: 100_000_001n, amountApplied: 99_500_000n },
      { status: 'paid', amountReceived: 100_000_001n, amountRefundable: 500_001n, exceptions: ['overpaid'] },
      {
        status: 'settled',
        amountReceived: 100_000_001n,
        amountRefundable: 500_001n,
        exceptions: ['overpaid'],
        transactionHash: '0xdef',
        verifiedAt: '2026-03-01T12:30:00.000Z',
      },
    ];
    await live(intent.intentId, history);
    await eventually(() => expect(at.received).toHaveLength(4), soon);
    const bodies = at.received.map(({ body }) => body);
    expect(bodies.map((body) => (JSON.parse(body) as { event: string }).event).sort()).toEqual([...events].sort());
    expect(new Set(at.received.map(({ headers }) => headers['webhook-id'])).size).toBe(4);
    expect(at.received.every((sent) => isSignedBy(secret, sent))).toBe(true);
    expect(bodies.find((body) => body.includes('intent.settled'))).toBe(
      `{"event":"intent.settled","intent_id":"${intent.intentId}","order_id":"INV_1","amount":99.50,` +
        `"amount_received":100.000001,"amount_refundable":0.500001,"currency":"USDT_ERC20","status":"settled",` +
        `"exceptions":["overpaid"],"payment_address":"0xabc","transaction_hash":"0xdef",` +
        `"verified_at":"2026-03-01T12:30:00.000Z","sequence":4,"occurred_at":"2026-03-01T12:00:00.000Z"}`,
    );
  });

  test('say once that an intent is settled, and tell what comes in later, final or not, as updates', async () => {
    const at = await harness.receiver();
    await listen(at, ['intent.settled', 'intent.updated', 'intent.exception']);
    const intentId = randomUUID();
    const settled = { status: 'settled', amountReceived: 99_500_000n } as const;
    await live(intentId, [
      {},
      settled,
      { ...settled, amountReceived: 99_500_001n },
      { ...settled, amountReceived: 99_500_001n, amountRefundable: 1n, exceptions: ['overpaid'] },
    ]);
    await eventually(() => expect(at.received).toHaveLength(4), soon);
    expect(toldOf(at, intentId)).toEqual([
      '1 intent.settled',
      '2 intent.updated',
      '3 intent.exception',
      '3 intent.updated',
    ]);
    expect(at.received.find(({ body }) => body.includes('"intent.updated"'))?.body).toContain('"status":"settled"');
  });

  test('take back what a chain took back, and say nothing of an intent that is created', async () => {
    const at = await harness.receiver();
    await listen(at, ['intent.pending', 'intent.confirming']);
    const intentId = randomUUID();
    await live(intentId, [{}, { status: 'confirming', amountReceived: 99_500_000n }, { status: 'pending' }]);
    await eventually(() => expect(toldOf(at, intentId)).toEqual(['1 intent.confirming', '2 intent.pending']), soon);
  });
});

describe('retries', () => {
  test('follow the schedule with the same id and body, until one succeeds', async () => {
    const tenantId = randomUUID();
    const at = await harness.receiver((res, count) => res.writeHead(count < 10 ? 500 : 200).end());
    const { secret, endpoint } = await valueOf(service.call, registerEndpoint, payEndpoint(tenantId, at.url));
    await publish(confirmedTransfer(tenantId));
    const second = 1_000;
    const hour = 3_600 * second;
    const waits = [
      5 * second,
      300 * second,
      1_800 * second,
      2 * hour,
      5 * hour,
      10 * hour,
      14 * hour,
      20 * hour,
      24 * hour,
    ];
    for (const [index, wait] of waits.entries()) {
      const due = await eventually(async () => {
        const [delivery] = await deliveriesOf(tenantId, endpoint.endpointId);
        expect(delivery).toMatchObject({ attempts: index + 1, status: 'pending', lastError: 'HTTP 500' });
        return delivery?.nextAttemptAt ?? '';
      }, soon);
      expect(Date.parse(due) - harness.clock().getTime()).toBe(wait);
      harness.clock.advance(wait - 1);
      expect(at.received).toHaveLength(index + 1);
      harness.clock.advance(1);
    }
    await eventually(async () => {
      const [delivery] = await deliveriesOf(tenantId, endpoint.endpointId);
      expect(delivery).toMatchObject({ attempts: 10, status: 'delivered', lastError: null, nextAttemptAt: null });
    }, soon);
    expect(at.received).toHaveLength(10);
    expect(new Set(at.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(at.received.map(({ body }) => body)).size).toBe(1);
    expect(new Set(at.received.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(10);
    expect(at.received.every((sent) => isSignedBy(secret, sent))).toBe(true);
  }, 60_000);

  test('end when the endpoint says it is gone, which disables it until it is registered again', async () => {
    const tenantId = randomUUID();
    const at = await harness.receiver((res, count) => res.writeHead(count === 1 ? 410 : 200).end());
    const registration = payEndpoint(tenantId, at.url);
    const { endpoint, secret } = await valueOf(service.call, registerEndpoint, registration);
    await publish(confirmedTransfer(tenantId));
    const delivery = await eventually(async () => {
      const [found] = await deliveriesOf(tenantId, endpoint.endpointId);
      expect(found).toMatchObject({ status: 'exhausted', attempts: 1 });
      return found!;
    }, soon);
    const again = { tenantId, mode: 'sandbox', accountId: null, deliveryId: delivery.deliveryId } as const;
    expect(await service.call(redeliver, again)).toEqual({ ok: false, rejection: 'endpoint_disabled' });
    const unheard = await publish(confirmedTransfer(tenantId));
    await eventually(async () => {
      const handled = 'select from inbox where message_id = $1';
      const { rowCount } = await harness.database.pool('notifications').query(handled, [unheard.id]);
      expect(rowCount).toBe(1);
    }, soon);

    const repeat = await valueOf(service.call, registerEndpoint, registration);
    expect(repeat).toMatchObject({ secret, endpoint: { status: 'enabled', endpointId: endpoint.endpointId } });
    expect(await service.call(redeliver, { ...again, tenantId: randomUUID() })).toEqual({
      ok: false,
      rejection: 'delivery_not_found',
    });
    await valueOf(service.call, redeliver, again);
    await eventually(() => expect(at.received).toHaveLength(2), soon);
    expect(at.received[1]?.headers['webhook-id']).toBe(at.received[0]?.headers['webhook-id']);
    expect(at.received[1]?.body).toBe(at.received[0]?.body);
  });

  test('that wait for their next attempt when the endpoint is disabled say so, and are not sent', async () => {
    const tenantId = randomUUID();
    const at = await harness.receiver((res, count) => res.writeHead(count === 1 ? 500 : 410).end());
    const { endpoint } = await valueOf(service.call, registerEndpoint, payEndpoint(tenantId, at.url));
    const ofSubjects = async (errors: Record<string, unknown>) => {
      const found = await deliveriesOf(tenantId, endpoint.endpointId);
      expect(Object.fromEntries(found.map(({ subject, status, lastError }) => [subject, [status, lastError]]))).toEqual(
        errors,
      );
    };
    const waiting = confirmedTransfer(tenantId);
    await publish(waiting);
    await eventually(() => ofSubjects({ [waiting.transferId]: ['pending', 'HTTP 500'] }), soon);
    const gone = confirmedTransfer(tenantId);
    await publish(gone);
    await eventually(
      () => ofSubjects({ [waiting.transferId]: ['pending', 'HTTP 500'], [gone.transferId]: ['exhausted', 'HTTP 410'] }),
      soon,
    );
    harness.clock.advance(10_000);
    const disabled = {
      [waiting.transferId]: ['exhausted', 'the endpoint is disabled'],
      [gone.transferId]: ['exhausted', 'HTTP 410'],
    };
    await eventually(() => ofSubjects(disabled), soon);
    expect(at.received).toHaveLength(2);
  });
});
