import { planExport, readExport } from '@daybook/contracts';
import { GatewayHarness } from './harness';

test('an export that nobody reads to its end does not keep the gateway from stopping, and is cut off', async () => {
  const gateway = await new GatewayHarness().start();
  const { headers } = await gateway.issue('token', ['ops']);
  gateway.services.respond(planExport)(() => ({
    ok: true,
    value: { first: 0, last: 1_000_000, leftOut: null, header: 'h\n', manifest: 'm\n' },
  }));
  // More than sockets hold: it goes on only as the client reads.
  const lines = `${'x'.repeat(500_000)}\n`;
  gateway.services.respond(readExport)(({ next }) => ({ ok: true, value: { lines, next: next + 1 } }));

  const answer = await fetch(`${gateway.url}/v1/ops/journal/export`, { headers });
  expect(answer.status).toBe(200);
  await gateway.stop();
  await expect(answer.text()).rejects.toThrow('terminated');
});
