import { randomBytes, randomUUID } from 'node:crypto';
import { memoryEventStore } from '@daybook/event-store';
import { createSealer, Secret } from '@daybook/runtime';
import { fakeClock, testLogger } from '@daybook/testing';
import type { WebhookRequest } from '../ports';
import { register } from './manage-endpoints';
import { sendDelivery } from './send-delivery';
import { openWebhooks } from './webhooks';

const newSealer = () => createSealer(new Secret(randomBytes(32).toString('base64')));
const tenant = { tenantId: randomUUID(), mode: 'live' } as const;
const payload = '{"event":"transfer.confirmed"}';

test('a secret that cannot be opened is a failed attempt, loudly, and is tried again on schedule', async () => {
  const clock = fakeClock('2026-03-01T12:00:00.000Z');
  const { logger, lines } = testLogger();
  const webhooks = openWebhooks(memoryEventStore(), clock);
  const sent: WebhookRequest[] = [];
  const client = {
    check: async () => undefined,
    async send(request: WebhookRequest) {
      sent.push(request);
      return { ok: true, status: 204 } as const;
    },
    close: async () => undefined,
  };
  const [right, wrong] = [newSealer(), newSealer()];
  const registration = { ...tenant, dialect: 'pay', accountId: null, url: 'https://merchant.example/' } as const;
  const registered = await register(
    { webhooks, client, sealer: right, now: clock },
    { ...registration, events: ['transfer.confirmed'] },
  );
  if (!registered.ok) throw new Error(registered.rejection);
  const { endpointId } = registered.value.endpoint;
  const deliveryId = randomUUID();
  const fact = { webhookId: randomUUID(), subject: 'TX1', event: 'transfer.confirmed', correlationId: 'c' } as const;
  const at = clock().toISOString();
  await webhooks.schedule({ type: 'ScheduleDelivery', deliveryId, endpointId, payload, ...fact, ...tenant, at });

  const sendBy = (sealer: typeof right) =>
    sendDelivery(
      { webhooks, client, sealer, now: clock, random: () => 0.5, logger },
      { deliveryId, known: undefined },
      new AbortController().signal,
    );
  expect(await sendBy(wrong)).toBe('unsigned');
  expect(sent).toEqual([]);
  expect((await webhooks.deliveryOf(deliveryId)).state).toMatchObject({
    status: 'pending',
    attempts: 1,
    nextAttemptAt: '2026-03-01T12:00:05.000Z',
  });
  expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
    { tenantId: tenant.tenantId, endpointId, deliveryId, problem: 'the value was sealed under another key' },
  ]);

  clock.advance(5_000);
  expect(await sendBy(right)).toBe('delivered');
  expect(sent).toHaveLength(1);
});
