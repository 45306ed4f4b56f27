import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export type ReceivedWebhook = {
  readonly id: string;
  readonly verified: boolean;
  readonly headers: IncomingHttpHeaders;
  /** As received, for what JSON numbers do not keep. */
  readonly text: string;
  readonly body: Record<string, unknown>;
};

/** A webhook endpoint on loopback, as an integrator would write it: it verifies before it believes. */
export async function openReceiver() {
  const received: ReceivedWebhook[] = [];
  let secret = '';
  const waiting = new Set<() => void>();
  const server = createServer((req, res) => {
    void readAll(req).then((text) => {
      received.push({
        id: String(req.headers['webhook-id']),
        verified: verify(req, text, secret),
        headers: req.headers,
        text,
        body: JSON.parse(text) as Record<string, unknown>,
      });
      res.writeHead(204).end();
      for (const wake of waiting) wake();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`,
    setSecret: (value: string) => void (secret = value),
    all: (): readonly ReceivedWebhook[] => received,
    /** The first webhook that satisfies the condition, past or to come. */
    async first(condition: (webhook: ReceivedWebhook) => boolean, timeoutMs: number): Promise<ReceivedWebhook> {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const found = received.find(condition);
        if (found !== undefined) return found;
        const left = deadline - Date.now();
        if (left <= 0)
          throw new Error(
            `no such webhook within ${timeoutMs / 1000} s; received: ${JSON.stringify(received.map(({ body }) => body.event))}`,
          );
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          const wake = () => {
            waiting.delete(wake);
            clearTimeout(timer);
            resolve();
          };
          waiting.add(wake);
        });
      }
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Standard Webhooks: `v1,` and the base-64 HMAC-SHA256 of id, timestamp and body, keyed by the decoded secret. */
function verify(req: IncomingMessage, body: string, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signed = `${String(req.headers['webhook-id'])}.${String(req.headers['webhook-timestamp'])}.${body}`;
  const expected = Buffer.from(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
  return String(req.headers['webhook-signature'])
    .split(' ')
    .map((signature) => Buffer.from(signature))
    .some((signature) => signature.length === expected.length && timingSafeEqual(signature, expected));
}

async function readAll(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
