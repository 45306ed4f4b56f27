import { randomUUID } from 'node:crypto';
import { memoryEventStore } from '@daybook/event-store';
import { uuidFrom } from '@daybook/runtime';
import type { DeliveryState } from '../domain/delivery';
import type { IntentFact, TransferFact } from './payloads';
import { scheduleIntent, scheduleTransfers, type ScheduleDeps } from './schedule-deliveries';
import { openWebhooks, type KnownDelivery } from './webhooks';

const [payer, payee] = [randomUUID(), randomUUID()];
const now = () => new Date('2026-03-01T12:00:00.000Z');
const source = { messageId: randomUUID(), sequence: '3', correlationId: 'c' };
const transfer: TransferFact = {
  transferId: 'TX1',
  mode: 'live',
  debitTenantId: payer,
  debitAccountId: 'WALLET123',
  creditTenantId: payee,
  creditAccountId: 'WALLET999',
  asset: 'TXC',
  amount: 15_000n,
  referenceId: 'ORDER-1024',
  status: 'confirmed',
  failure: null,
  ledgerReference: `0x${'ab'.repeat(32)}`,
  acceptedAt: '2026-03-01T11:59:00.000Z',
  at: '2026-03-01T12:00:00.000Z',
};
const intent: IntentFact = {
  intentId: randomUUID(),
  tenantId: payee,
  mode: 'live',
  asset: 'USDT_ERC20',
  orderId: 'INV_1',
  currency: 'USDT_ERC20',
  amount: 99_500_000n,
  amountReceived: 99_500_000n,
  amountApplied: 99_500_000n,
  amountRefundable: 0n,
  status: 'settled',
  exceptions: [],
  paymentAddress: '0xabc',
  transactionHash: null,
  createdAt: '2026-03-01T11:00:00.000Z',
  expiresAt: '2026-03-01T13:00:00.000Z',
  verifiedAt: null,
  at: '2026-03-01T12:00:00.000Z',
};

type Listening = { readonly tenantId: string; readonly dialect: 'pay' | 'intents'; readonly accountId: string | null };

const endpointIdOf = ({ tenantId, dialect, accountId }: Listening) => uuidFrom([tenantId, dialect, String(accountId)]);

/** Endpoints at one URL, and what was scheduled for them. */
async function openRig(listening: readonly Listening[]) {
  const webhooks = openWebhooks(memoryEventStore(), now);
  const scheduled: KnownDelivery[] = [];
  const deps: ScheduleDeps = { webhooks, now, scheduled: (delivery) => void scheduled.push(delivery) };
  for (const { tenantId, ...more } of listening) {
    const outcome = await webhooks.changeEndpoints(
      { tenantId, mode: 'live' },
      {
        type: 'RegisterEndpoint',
        endpointId: endpointIdOf({ tenantId, ...more }),
        url: 'https://merchant.example/',
        events: more.dialect === 'pay' ? ['transfer.confirmed'] : ['intent.settled'],
        sealedSecret: 'sealed',
        at: now().toISOString(),
        ...more,
      },
    );
    if (!outcome.ok) throw new Error(outcome.rejection);
  }
  return { deps, told: () => scheduled.map(({ state }) => scheduledOf(state)) };
}

function scheduledOf(state: DeliveryState) {
  if (state.status === 'none') throw new Error('it was scheduled');
  const { direction: side } = JSON.parse(state.payload) as { direction?: 'debit' | 'credit' };
  return { id: state.webhookId, side };
}

const walletOf = (tenantId: string) => (tenantId === payer ? 'WALLET123' : 'WALLET999');
const endpoint = (tenantId: string, accountId: string | null = null) =>
  ({ tenantId, dialect: 'pay', accountId }) as const;

describe('the webhook id', () => {
  test('of a transfer is one for each side, whichever endpoints hear of that side', async () => {
    const both = await openRig(
      [payer, payee].flatMap((tenantId) => [endpoint(tenantId), endpoint(tenantId, walletOf(tenantId))]),
    );
    await scheduleTransfers(both.deps, [{ transfer, source }]);
    const ids = new Map(both.told().map(({ id, side }) => [side, id]));
    expect(both.told()).toHaveLength(4);
    expect(both.told().every(({ id, side }) => ids.get(side) === id)).toBe(true);
    expect(ids.get('debit')).not.toBe(ids.get('credit'));

    const alone = await openRig([endpoint(payee)]);
    await scheduleTransfers(alone.deps, [{ transfer, source }]);
    expect(alone.told()).toEqual([{ id: ids.get('credit'), side: 'credit' }]);
  });

  test('of what has one body is what it always was, and so is that of a payer', async () => {
    const rig = await openRig([endpoint(payer), { tenantId: payee, dialect: 'intents', accountId: null }]);
    await scheduleTransfers(rig.deps, [{ transfer, source }]);
    await scheduleIntent(rig.deps, intent, source, ['intent.settled']);
    const events = ['transfer.confirmed', 'intent.settled'];
    expect(rig.told().map(({ id }) => id)).toEqual(
      events.map((event) => uuidFrom(['webhook', source.messageId, event])),
    );
  });

  test('of a delivery that was scheduled under another one stays', async () => {
    const listening = endpoint(payee);
    const rig = await openRig([listening]);
    const { webhooks } = rig.deps;
    const endpointId = endpointIdOf(listening);
    const fact = { event: 'transfer.confirmed', subject: 'TX1', correlationId: 'c' } as const;
    const deliveryId = uuidFrom(['delivery', source.messageId, fact.event, endpointId]);
    const webhookId = uuidFrom(['webhook', source.messageId, fact.event]);
    const before = {
      deliveryId,
      webhookId,
      endpointId,
      tenantId: payee,
      mode: 'live',
      payload: '{}',
      ...fact,
    } as const;
    await webhooks.schedule({ type: 'ScheduleDelivery', ...before, at: now().toISOString() });
    await scheduleTransfers(rig.deps, [{ transfer, source }]);
    expect(rig.told()).toEqual([]);
    expect((await webhooks.deliveryOf(deliveryId)).state).toMatchObject(before);
  });
});
