/** The gateway's routes on a port, as a process serves them, with nothing behind them but what a test gives. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createListener } from '@daybook/http';
import { testLogger, testMetrics } from '@daybook/testing';
import { bodyRoom } from '../src/http/body-room';
import { eventStreams } from '../src/http/event-stream';
import { jsonLines } from '../src/http/json-lines';
import { createLimits } from '../src/http/limits';
import { directRoutes, mountRoutes, type GateDeps } from '../src/http/mount';
import type { Route } from '../src/http/route';
import { dialects } from '../src/http/routes';

/** Of requests and of failed sign-ins: none is refused for its rate. */
const perMinute = 1_000_000;

type Given = Pick<GateDeps, 'authenticate'> & Partial<Pick<GateDeps, 'bodies' | 'trustedProxies' | 'logger'>>;

export async function serveRoutes(routes: readonly Route[], given: Given): Promise<{ server: Server; url: string }> {
  const { logger = testLogger().logger } = given;
  const closing = new AbortController().signal;
  const gate = {
    limits: createLimits({
      requestsPerMinute: { pay: perMinute, general: perMinute, public: perMinute },
      authFailuresPerMinute: perMinute,
    }),
    bodies: bodyRoom(10_000_000),
    streams: eventStreams({ closing, logger }),
    sendLines: jsonLines({ closing, logger }),
    trustedProxies: [],
    logger,
    ...given,
  };
  const listener = createListener({
    logger,
    metrics: testMetrics(),
    notReady: () => undefined,
    routes: (app) => mountRoutes(app, dialects, routes, gate),
    direct: directRoutes(dialects, routes, gate),
  });
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
