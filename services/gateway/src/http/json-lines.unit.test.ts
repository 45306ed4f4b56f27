import { createLogger } from '@daybook/runtime';
import express from 'express';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { jsonLines } from './json-lines';

test('a client that reads nothing for too long is cut off, and what made the lines ends', async () => {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const sendLines = jsonLines({ closing: new AbortController().signal, logger, unreadMs: 50 });
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  async function* lines() {
    try {
      // More than sockets hold.
      for (;;) yield `${'x'.repeat(500_000)}\n`;
    } finally {
      end();
    }
  }
  const server = express()
    .get('/', (_req, res) => sendLines(res, lines()))
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  client.on('error', () => undefined);
  const [accepted] = (await once(server, 'connection', { signal: AbortSignal.timeout(10_000) })) as [typeof client];
  client.write('GET / HTTP/1.1\r\nHost: it\r\n\r\n');
  await Promise.all([once(accepted, 'close'), ended]);
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
});
