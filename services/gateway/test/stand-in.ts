import { isOperationalError } from '@daybook/core';
import type { CallContract, CallOutcome, CallRequest } from '@daybook/contracts';
import * as contracts from '@daybook/contracts';
import { callRoutes, errorHandler, httpServer, onCall, sendProblem } from '@daybook/http';
import type { Secret } from '@daybook/runtime';
import express from 'express';

type Handler = (request: never) => Promise<unknown> | unknown;

/** The services behind the gateway, at the wire: the same call contracts, answers by script. */
export type StandIn = {
  readonly url: string;
  /** Requests received since `reset`, by call name. */
  received<Call extends CallContract>(call: Call): CallRequest<Call>[];
  /** How many, without those that ask who is calling. */
  readonly count: () => number;
  respond<Call extends CallContract>(call: Call): (answer: (request: CallRequest<Call>) => CallOutcome<Call>) => void;
  /** Every call is answered with the HTTP status until `reset`. */
  fail(status: number): void;
  reset(): void;
  stop(): Promise<void>;
};

const fixed = Object.values<unknown>(contracts).filter(
  (value) => typeof value === 'object' && value !== null && 'rejections' in value,
) as CallContract[];
const consuming = ['intents', 'ledger', 'settlement', 'notifications'];
const calls: readonly CallContract[] = [
  ...fixed,
  ...consuming.flatMap((service): CallContract[] => Object.values(contracts.parkedCalls(service))),
  ...[...consuming, 'identity', 'chain-watcher'].map((service) => contracts.serviceStatusCall(service)),
];

export async function startStandIn(token: Secret): Promise<StandIn> {
  const answers = new Map<string, Handler>();
  let received: { name: string; request: unknown }[] = [];
  let failing: number | undefined;
  const handlers = calls.map((call) =>
    onCall(call, async (request) => {
      received.push({ name: call.name, request });
      const answer = answers.get(call.name);
      // Most tests know their credentials from messages alone.
      if (answer === undefined && call.name === contracts.findCredential.name)
        return { ok: false, rejection: 'credential_not_found' } as never;
      if (answer === undefined) throw new Error(`${call.name} is not scripted`);
      return (await answer(request as never)) as never;
    }),
  );
  const app = express();
  app.use((_req, res, next) => {
    res.locals.correlationId = 'test';
    if (failing === undefined) return next();
    res.status(failing).json({});
  });
  app.use(callRoutes([token], handlers));
  app.use(
    errorHandler((error) => {
      if (!isOperationalError(error)) throw error;
    }, sendProblem),
  );
  const server = httpServer(app, { host: '127.0.0.1', port: 0 });
  await server.start();
  return {
    url: server.url,
    received: (call) => received.filter(({ name }) => name === call.name).map(({ request }) => request as never),
    count: () => received.filter(({ name }) => name !== contracts.findCredential.name).length,
    respond: (call) => (answer) => void answers.set(call.name, answer as Handler),
    fail: (status) => void (failing = status),
    reset() {
      answers.clear();
      received = [];
      failing = undefined;
    },
    stop: () => server.stop(),
  };
}
