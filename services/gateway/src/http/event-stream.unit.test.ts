import { createLogger } from '@daybook/runtime';
import express from 'express';
import { EventEmitter, once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { eventStreams } from './event-stream';

test('a client that has gone before takes no place, and nothing is asked for it', async () => {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const streams = eventStreams({ closing: new AbortController().signal, logger });
  const events = jest.fn(async function* (signal: AbortSignal) {
    if (!signal.aborted) await once(signal, 'abort');
    yield { event: 'end', data: {} };
  });
  const told = new EventEmitter();
  const server = express()
    .get('/', async (_req, res) => {
      told.emit('begun');
      await once(res, 'close');
      const sent = streams.send(res, 'credential', events);
      told.emit('asked', events.mock.calls.length);
      await sent;
    })
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  const [begun, asked] = [once(told, 'begun'), once(told, 'asked')];
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: it\r\n\r\n');
  await begun;
  client.destroy();
  expect(await asked).toEqual([0]);
  await new Promise((resolve) => server.close(resolve));
});
