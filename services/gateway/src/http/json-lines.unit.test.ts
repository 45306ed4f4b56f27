import { createLogger } from '@daybook/runtime';
import express from 'express';
import { EventEmitter, once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { jsonLines } from './json-lines';

test('a client that has gone before is sent nothing, and no line is made', async () => {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const sendLines = jsonLines({ closing: new AbortController().signal, logger });
  const made = jest.fn();
  async function* lines() {
    made();
    yield 'line\n';
  }
  const told = new EventEmitter();
  const server = express()
    .get('/', async (_req, res) => {
      told.emit('begun');
      await once(res, 'close');
      await sendLines(res, lines());
      told.emit('sent');
    })
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  const [begun, sent] = [once(told, 'begun'), once(told, 'sent', { signal: AbortSignal.timeout(10_000) })];
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: it\r\n\r\n');
  await begun;
  client.destroy();
  await sent;
  expect(made).not.toHaveBeenCalled();
  await new Promise((resolve) => server.close(resolve));
});

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
