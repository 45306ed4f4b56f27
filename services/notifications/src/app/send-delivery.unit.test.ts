import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { webhookDialects } from '@daybook/contracts';
import { memoryEventStore } from '@daybook/event-store';
import { createSealer, Secret, type Sealer } from '@daybook/runtime';
import { fakeClock, testLogger } from '@daybook/testing';
import type { WebhookRequest } from '../ports';
import { register, rotate } from './manage-endpoints';
import { sendDelivery } from './send-delivery';
import { openWebhooks, type Webhooks } from './webhooks';

const newSealer = () => createSealer(new Secret(randomBytes(32).toString('base64')));
const tenant = { tenantId: randomUUID(), mode: 'live' } as const;
const payload = '{"event":"transfer.confirmed"}';
const hourMs = 3_600_000;

/** An endpoint whose secret was sealed by `sealer`, and a client that keeps what it is to send. */
async function openRig(sealer: Sealer) {
  const clock = fakeClock('2026-03-01T12:00:00.000Z');
  const { logger, lines } = testLogger();
  const store = memoryEventStore();
  const webhooks = openWebhooks(store, clock);
  const sent: WebhookRequest[] = [];
  const client = {
    check: async () => undefined,
    async send(request: WebhookRequest) {
      sent.push(request);
      return { ok: true, status: 204 } as const;
    },
    close: async () => undefined,
  };
  const registration = { ...tenant, dialect: 'pay', accountId: null, url: 'https://merchant.example/' } as const;
  const deps = { webhooks, client, now: clock };
  const registerBy = (process: Webhooks) =>
    register({ ...deps, webhooks: process, sealer }, { ...registration, events: ['transfer.confirmed'] });
  const registered = await registerBy(webhooks);
  if (!registered.ok) throw new Error(registered.rejection);
  const { endpoint, secret } = registered.value;
  const { endpointId } = endpoint;
  return {
    clock,
    lines,
    webhooks,
    registerElsewhere: () => registerBy(openWebhooks(store, clock)),
    sent,
    endpointId,
    secret,
    async schedule(): Promise<string> {
      const deliveryId = randomUUID();
      const fact = {
        webhookId: randomUUID(),
        subject: 'TX1',
        event: 'transfer.confirmed',
        correlationId: 'c',
      } as const;
      const at = clock().toISOString();
      await webhooks.schedule({ type: 'ScheduleDelivery', deliveryId, endpointId, payload, ...fact, ...tenant, at });
      return deliveryId;
    },
    /** The new secret. */
    async rotate(by: Sealer, rotationId: string, overlapHours: number): Promise<string> {
      const asked = {
        ...tenant,
        accountId: null,
        endpointId,
        dialects: [...webhookDialects],
        rotationId,
        overlapHours,
      };
      const rotated = await rotate({ ...deps, sealer: by }, asked);
      if (!rotated.ok) throw new Error(rotated.rejection);
      return rotated.value.secret;
    },
    sendBy: (by: Sealer, deliveryId: string) =>
      sendDelivery(
        { ...deps, sealer: by, random: () => 0.5, logger },
        { deliveryId, known: undefined },
        new AbortController().signal,
      ),
  };
}

/** What the header holds, by the secrets that were used. */
function signaturesBy({ headers, body }: WebhookRequest, secrets: readonly string[]): string {
  const signed = [headers['webhook-id'], headers['webhook-timestamp'], body].join('.');
  const signature = (secret: string) =>
    createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
      .update(signed)
      .digest('base64');
  return secrets.map((secret) => `v1,${signature(secret)}`).join(' ');
}

test('a secret that cannot be opened is a failed attempt, loudly, and is tried again on schedule', async () => {
  const [right, wrong] = [newSealer(), newSealer()];
  const { clock, lines, webhooks, sent, endpointId, schedule, sendBy } = await openRig(right);
  const deliveryId = await schedule();
  expect(await sendBy(wrong, deliveryId)).toBe('unsigned');
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
  expect(await sendBy(right, deliveryId)).toBe('delivered');
  expect(sent).toHaveLength(1);
});

test('each secret signs until the time that it was given, the newest first', async () => {
  const sealer = newSealer();
  const { clock, sent, secret, schedule, rotate: rotateTo, sendBy } = await openRig(sealer);
  const second = await rotateTo(sealer, 'r1', 2);
  const third = await rotateTo(sealer, 'r2', 1);
  const expectSigned = async (secrets: readonly string[]) => {
    expect(await sendBy(sealer, await schedule())).toBe('delivered');
    const request = sent.at(-1)!;
    expect(request.headers['webhook-signature']).toBe(signaturesBy(request, secrets));
  };
  await expectSigned([third, second, secret]);
  clock.advance(hourMs - 1);
  await expectSigned([third, second, secret]);
  clock.advance(1);
  await expectSigned([third, secret]);
  clock.advance(hourMs);
  await expectSigned([third]);
  await expectSigned([await rotateTo(sealer, 'r3', 0)]);
});

test('an earlier secret that cannot be opened is left out, loudly, and the others sign', async () => {
  const [lost, present] = [newSealer(), newSealer()];
  const { lines, sent, endpointId, schedule, rotate: rotateTo, sendBy } = await openRig(lost);
  const secrets = [await rotateTo(present, 'r1', 24), await rotateTo(present, 'r2', 24)];
  const deliveryId = await schedule();
  expect(await sendBy(present, deliveryId)).toBe('delivered');
  expect(sent[0]?.headers['webhook-signature']).toBe(signaturesBy(sent[0]!, secrets.toReversed()));
  const problem = 'the value was sealed under another key';
  const msg = expect.stringMatching(/^an earlier secret of a webhook endpoint cannot be opened/);
  expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
    { tenantId: tenant.tenantId, endpointId, deliveryId, problem, msg },
  ]);
});

test.each([
  ['disabled', { type: 'DisableEndpoint', reason: 'gone' }],
  ['removed', { type: 'RemoveEndpoint', accountId: null }],
] as const)(
  'what was read of a %s endpoint abandons nothing when another process has it again',
  async (_was, command) => {
    const sealer = newSealer();
    const { clock, webhooks, registerElsewhere, endpointId, schedule, sendBy } = await openRig(sealer);
    await webhooks.changeEndpoints(tenant, { ...command, endpointId, at: clock().toISOString() });
    await webhooks.endpointsOf(tenant);
    await registerElsewhere();
    expect(await sendBy(sealer, await schedule())).toBe('delivered');
  },
);

test('a delivery is abandoned when its endpoint is disabled for every process', async () => {
  const sealer = newSealer();
  const { clock, webhooks, sent, endpointId, schedule, sendBy } = await openRig(sealer);
  const at = clock().toISOString();
  await webhooks.changeEndpoints(tenant, { type: 'DisableEndpoint', endpointId, reason: 'gone', at });
  const deliveryId = await schedule();
  expect(await sendBy(sealer, deliveryId)).toBe('skipped');
  expect((await webhooks.deliveryOf(deliveryId)).state).toMatchObject({ status: 'exhausted' });
  expect(sent).toEqual([]);
});
