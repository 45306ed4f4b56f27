import { randomUUID } from 'node:crypto';
import {
  institutionTransferStatusChanged,
  paymentStatusChanged,
  registerEndpoint,
  sendStatusChanged,
  walletFunded,
  webhookEvents,
  type EventContract,
} from '@daybook/contracts';
import type { OutgoingMessage } from '@daybook/messaging';
import { eventually } from '@daybook/testing';
import type { z } from 'zod';
import {
  isSignedBy,
  messageFor,
  restartable,
  startHarness,
  valueOf,
  type Harness,
  type Receiver,
  type Restartable,
} from './harness';

type Payment = z.output<typeof paymentStatusChanged.data>;
type Send = z.output<typeof sendStatusChanged.data>;
type Transfer = z.output<typeof institutionTransferStatusChanged.data>;

let harness: Harness;
let service: Restartable;
const soon = { timeoutMs: 10_000 };
const events = webhookEvents.filter((event) => event.startsWith('transaction.'));

beforeAll(async () => {
  harness = await startHarness();
  service = await restartable(harness);
});
afterAll(async () => {
  await harness?.stop();
  expect(harness.fatal).toEqual([]);
});

const common = () => ({
  transactionId: `TX${randomUUID()}`,
  tenantId: randomUUID(),
  mode: 'sandbox' as const,
  number: 457,
  userNumber: 123,
  status: 'pending' as const,
  failure: null,
  createdAt: '2026-03-01T11:00:00.000Z',
  updatedAt: '2026-03-01T11:00:00.000Z',
});

const payment = (): Payment => ({
  ...common(),
  gatewayId: randomUUID(),
  gatewayNumber: 3,
  provider: 'stripe',
  asset: 'USD',
  amount: 10_000n,
  amountReceived: null,
  exceptions: [],
  providerReference: null,
});

async function partnerEndpoint(
  tenantId: string,
  dialect: 'partner' | 'intents' = 'partner',
): Promise<{ readonly at: Receiver; readonly secret: string }> {
  const at = await harness.receiver();
  const fields = { tenantId, mode: 'sandbox', dialect, accountId: null, url: at.url } as const;
  const { secret } = await valueOf(service.call, registerEndpoint, { ...fields, events });
  return { at, secret };
}

/** Publishes what became of the transaction, a minute later each. */
async function publishHistory<Data extends z.ZodType>(
  contract: EventContract<string, Data>,
  stream: string,
  first: z.output<Data>,
  changes: readonly Partial<z.output<Data>>[],
): Promise<OutgoingMessage[]> {
  let state = first;
  const messages = [{}, ...changes].map((change, index) => {
    state = Object.assign({}, state, change, { updatedAt: `2026-03-01T11:0${index}:00.000Z` });
    return messageFor(contract, state, { stream, revision: BigInt(index) });
  });
  await harness.transport.publish(messages);
  return messages;
}

/** What was received, in the order that a receiver can put it in. */
function toldBy({ received }: Receiver) {
  return received
    .map(
      ({ body }) => JSON.parse(body) as { event: string; sequence: number; status: string } & Record<string, unknown>,
    )
    .toSorted((one, other) => one.sequence - other.sequence);
}

describe('partner webhooks', () => {
  test('tell of a payment whenever what they show of it changes, once, however often they are told', async () => {
    const first = payment();
    const { at, secret } = await partnerEndpoint(first.tenantId);
    const others = await partnerEndpoint(randomUUID());
    const otherDialect = await partnerEndpoint(first.tenantId, 'intents');
    const stream = `payment-${first.transactionId}`;
    const messages = await publishHistory(paymentStatusChanged, stream, first, [
      { providerReference: 'pi_1' },
      { status: 'processing' },
      // What a partner's view of a transaction has no field for.
      { amountReceived: 9_999n },
      { status: 'completed' },
    ]);
    await harness.transport.publish(messages);
    await eventually(() => expect(at.received).toHaveLength(4), soon);
    expect(toldBy(at).map(({ event, sequence }) => [event, sequence])).toEqual([
      ['transaction.pending', 0],
      ['transaction.pending', 1],
      ['transaction.processing', 2],
      ['transaction.completed', 4],
    ]);
    expect(at.received.every((sent) => isSignedBy(secret, sent))).toBe(true);
    expect(new Set(at.received.map(({ headers }) => headers['webhook-id'])).size).toBe(4);
    expect(at.received.find(({ body }) => body.includes('"sequence":4,'))?.body).toBe(
      `{"event":"transaction.completed","id":457,"transaction_id":"${first.transactionId}","amount":100.00,` +
        '"currency":"USD","type":"payment","status":"completed","eth_transaction_hash":null,' +
        '"created_at":"2026-03-01T11:00:00.000Z","updated_at":"2026-03-01T11:04:00.000Z","gateway_id":3,' +
        '"gateway_reference":"pi_1","sequence":4,"occurred_at":"2026-03-01T11:04:00.000Z"}',
    );

    await service.handleAgain();
    await publishHistory(paymentStatusChanged, 'payment-last', { ...payment(), tenantId: first.tenantId }, []);
    await eventually(() => expect(at.received.at(-1)?.body).not.toContain(first.transactionId), soon);
    expect(at.received).toHaveLength(5);
    expect([...others.at.received, ...otherDialect.at.received]).toEqual([]);
  });

  test('tell of a send with its hash, of the one that replaced it, and of its block', async () => {
    const first: Send = {
      ...common(),
      asset: 'ETH',
      amount: 100_000_000_000_000_000n,
      useContract: true,
      chain: 'evm-1',
      fromAddress: '0xfrom',
      toAddress: '0xrecipient',
      hash: null,
      blockNumber: null,
      gasUsed: null,
      gasPrice: null,
      fee: null,
      feeAsset: 'ETH',
    };
    const { at } = await partnerEndpoint(first.tenantId);
    await publishHistory(sendStatusChanged, `send-${first.transactionId}`, first, [
      { status: 'processing', hash: '0xaa' },
      { hash: '0xbb' },
      { blockNumber: 7, gasUsed: 21_000n, gasPrice: 5n },
      { fee: 105_000n },
      { status: 'completed' },
    ]);
    await eventually(() => expect(at.received).toHaveLength(5), soon);
    const told = toldBy(at);
    const chainOf = ({ blockchain_transaction: chain }: Record<string, unknown>) => chain;
    expect(told.map(({ event, eth_transaction_hash: hash }) => [event, hash])).toEqual([
      ['transaction.pending', null],
      ['transaction.processing', '0xaa'],
      ['transaction.processing', '0xbb'],
      ['transaction.processing', '0xbb'],
      ['transaction.completed', '0xbb'],
    ]);
    expect([chainOf(told[0]!), chainOf(told[4]!)]).toEqual([
      null,
      {
        eth_tx_hash: '0xbb',
        from_address: '0xfrom',
        gas_used: 21_000,
        gas_price: 5,
        block_number: 7,
        status: 'confirmed',
      },
    ]);
    expect(at.received.at(-1)?.body).toContain('"amount":0.10,"currency":"ETH","type":"settlement"');
    expect(at.received.map(({ body }) => body).join()).not.toContain('0xrecipient');
  });

  test('tell of a deposit to a wallet, but not of one that is no transaction', async () => {
    const tenantId = randomUUID();
    const walletId = randomUUID();
    const { at } = await partnerEndpoint(tenantId);
    const deposit = (receipt?: z.output<typeof walletFunded.data>['receipt']) => ({
      depositId: randomUUID(),
      walletId,
      tenantId,
      mode: 'sandbox' as const,
      chain: 'evm-1',
      asset: 'ETH' as const,
      amount: 1_000_000_000_000_000_001n,
      receipt,
      at: '2026-03-01T11:00:00.000Z',
    });
    const before = deposit();
    const listed = deposit({ transactionId: 'TX1', number: 460, hash: '0xcc', toAddress: '0xwallet', blockNumber: 9 });
    await harness.transport.publish(
      [before, listed].map((fact) =>
        messageFor(walletFunded, fact, { stream: `funding-${fact.depositId}`, revision: 0n }),
      ),
    );
    await eventually(() => expect(at.received).toHaveLength(1), soon);
    await service.handleAgain();
    expect(toldBy(at)).toMatchObject([
      {
        event: 'transaction.completed',
        transaction_id: 'TX1',
        type: 'deposit',
        eth_transaction_hash: '0xcc',
        blockchain_transaction: { from_address: null, block_number: 9, status: 'confirmed' },
      },
    ]);
    expect(at.received[0]?.body).toContain('"amount":1.000000000000000001,"currency":"ETH","type":"deposit"');
  });

  test('tell that a transfer was paid out, and that it came back', async () => {
    const first: Transfer = {
      ...common(),
      institutionId: randomUUID(),
      asset: 'EUR',
      amount: 50_000n,
      transferId: 'TRF1',
      institutionNumber: 5,
      bank: 'sandbox',
      exceptions: [],
      institutionReference: null,
    };
    const { at } = await partnerEndpoint(first.tenantId);
    await publishHistory(institutionTransferStatusChanged, `bank_transfer-${first.transactionId}`, first, [
      { status: 'processing' },
      { status: 'completed', institutionReference: 'REF1' },
      { status: 'returned', failure: 'the account of John Doe is closed' },
    ]);
    await eventually(() => expect(at.received).toHaveLength(4), soon);
    const told = toldBy(at);
    expect(told.map(({ event, status }) => [event, status])).toEqual([
      ['transaction.pending', 'pending'],
      ['transaction.processing', 'processing'],
      ['transaction.completed', 'completed'],
      ['transaction.refunded', 'refunded'],
    ]);
    expect(told.at(-1)).toMatchObject({
      type: 'transfer',
      amount: 500,
      transfer_id: 'TRF1',
      institution_id: 5,
      institution_reference: 'REF1',
    });
    expect(at.received.map(({ body }) => body).join()).not.toContain('John Doe');
  });
});
