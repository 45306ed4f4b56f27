/**
 * The clients of a run: each sends its operations one after the other, and keeps of each what it was told. An answer that
 * says yes is `ok`, one that says no is `failed`; silence, a broken connection and a 5xx are `unknown`, and the client
 * asks again with the same key, now or later.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { People } from './people';
import type { Plan, PlannedOperation } from './plan';
import { requestOf, type ApiRequest, type Known } from './requests';

export type Outcome = 'ok' | 'failed' | 'unknown';

export type Answer = {
  readonly status: number;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
};

export type Attempt = {
  readonly outcome: Outcome;
  readonly answer?: Answer;
  readonly error?: string;
  /** When it was sent and when its answer was there, by one clock for all clients. */
  readonly fromMs: number;
  readonly toMs: number;
};

/** An operation and all that was told about it. */
export type Asked = {
  readonly planned: PlannedOperation;
  readonly attempts: Attempt[];
  /** As far as it is known. Undefined: it was never sent, because what it is about is not known. */
  outcome: Outcome | undefined;
  /** At least one attempt was not answered. */
  wasUnknown: boolean;
};

const timeoutMs = 3_000;
/** During the run; what is unknown then is asked again at the end. */
const attemptsMax = 3;
const retryAfterMs = 150;

export type Clients = {
  readonly asked: readonly Asked[];
  /** All operations of the plan. */
  run(): Promise<void>;
  /** Asks again for everything that is not known. */
  resolve(): Promise<void>;
  send(request: ApiRequest): Promise<Attempt>;
  readonly known: Known;
};

export function clients(gateway: string, people: People, plan: Plan): Clients {
  const all = plan.clients.map((operations) =>
    operations.map((planned): Asked => ({ planned, attempts: [], outcome: undefined, wasUnknown: false })),
  );
  const asked = all.flat();
  const byKey = new Map(asked.map((each) => [each.planned.key, each]));
  const known: Known = {
    addressOf(key) {
      const address = okAnswerOf(byKey.get(key))?.body['payment_address'];
      return typeof address === 'string' ? address : undefined;
    },
  };
  const send = (request: ApiRequest) => sendTo(gateway, request);

  async function ask(one: Asked): Promise<void> {
    const request = requestOf(people, one.planned, known);
    if (request === undefined) return;
    const attempt = await send(request);
    one.attempts.push(attempt);
    if (attempt.outcome === 'unknown') one.wasUnknown = true;
    // An answer stays one, whatever a later attempt meets.
    if (attempt.outcome !== 'unknown' || one.outcome === undefined) one.outcome = attempt.outcome;
  }

  async function one(operations: readonly Asked[], startedAt: number): Promise<void> {
    for (const each of operations) {
      await delay(Math.max(0, startedAt + each.planned.atMs - performance.now()));
      await ask(each);
      for (let attempt = 1; each.outcome === 'unknown' && attempt < attemptsMax; attempt++) {
        await delay(retryAfterMs * attempt);
        await ask(each);
      }
      if (each.planned.again) await ask(each);
    }
  }

  return {
    asked,
    known,
    send,
    async run() {
      const startedAt = performance.now();
      await Promise.all(all.map((operations) => one(operations, startedAt)));
    },
    async resolve() {
      // A no that came after a silence may be of a moment before the silent attempt took effect.
      for (const each of asked) if (each.wasUnknown || each.outcome === undefined) await ask(each);
    },
  };
}

export function okAnswerOf(asked: Asked | undefined): Answer | undefined {
  return asked?.attempts.find(({ outcome }) => outcome === 'ok')?.answer;
}

async function sendTo(gateway: string, { method, path, headers, body }: ApiRequest): Promise<Attempt> {
  const fromMs = performance.now();
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(gateway + path, { method, headers, signal, ...(body === undefined ? {} : { body }) });
    const text = await response.text();
    const answer = { status: response.status, text, body: bodyOf(text) };
    const outcome = response.ok ? 'ok' : response.status < 500 ? 'failed' : 'unknown';
    return { outcome, answer, fromMs, toMs: performance.now() };
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    const text = `${String(error)}${cause === undefined ? '' : ` (${String(cause)})`}`;
    return { outcome: 'unknown', error: text, fromMs, toMs: performance.now() };
  }
}

function bodyOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
