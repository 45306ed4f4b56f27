import { randomUUID } from 'node:crypto';
import { registerEndpoint, transferStatusChanged } from '@daybook/contracts';
import { eventually } from '@daybook/testing';
import { leaseMs } from '../src/adapters/delivery-leases';
import { webhookClient } from '../src/adapters/webhook-client';
import { confirmedTransfer, messageFor, payEndpoint, startHarness, valueOf } from './harness';

test('what was sent and not recorded is sent again with the same id and body', async () => {
  const harness = await startHarness();
  const receiver = await harness.receiver();
  const real = webhookClient({ allowLoopback: true });
  try {
    // Stands for a process that is killed after sending: nothing is recorded, and its lease stays.
    const killed = await harness.run({
      client: {
        ...real,
        async send(request) {
          await real.send(request);
          await new Promise((resolve) => request.abort.addEventListener('abort', resolve));
          return 'aborted';
        },
      },
    });
    const tenantId = randomUUID();
    await valueOf(killed.call, registerEndpoint, payEndpoint(tenantId, receiver.url));
    const source = { stream: 'transfer-1', revision: 1n };
    await harness.transport.publish([messageFor(transferStatusChanged, confirmedTransfer(tenantId), source)]);
    await eventually(() => expect(receiver.received).toHaveLength(1), { timeoutMs: 10_000 });

    await harness.run();
    harness.clock.advance(leaseMs);
    await eventually(() => expect(receiver.received).toHaveLength(2), { timeoutMs: 10_000 });
    const [first, second] = receiver.received;
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(second?.body).toBe(first?.body);
    expect(second?.headers['webhook-timestamp']).not.toBe(first?.headers['webhook-timestamp']);
  } finally {
    await harness.stop();
  }
  expect(harness.fatal).toEqual([]);
});
