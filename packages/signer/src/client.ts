/** The application's side of the protocol. It holds no key and asks again as often as it likes: both routes are idempotent. */
import { OperationalError } from '@daybook/core';
import type { Secret } from '@daybook/runtime';
import { z } from 'zod';
import { refusalAnswer, signAnswer, signRequest, walletAnswer, walletRequest, type Signer } from './protocol';

const timeoutMsDefault = 10_000;
const answerCharactersMax = 1_000_000;

/** `url` is the signer's base address, without a slash at the end. */
export function signerClient(options: {
  readonly url: string;
  readonly token: Secret;
  readonly timeoutMs?: number;
}): Signer {
  const timeoutMs = options.timeoutMs ?? timeoutMsDefault;

  async function post(path: string, body: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${options.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${options.token.reveal()}` },
        body: JSON.stringify(body),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      });
      status = response.status;
      text = await response.text();
    } catch (cause) {
      const timedOut = (cause as { name?: unknown } | null)?.name === 'TimeoutError';
      throw new OperationalError(timedOut ? 'upstream_timeout' : 'upstream_unavailable', true, {
        cause,
        detail: 'signer',
      });
    }
    if (status !== 200 && status !== 422)
      throw new OperationalError('upstream_unavailable', status >= 500, { detail: `signer answered ${status}` });
    if (text.length > answerCharactersMax) throw notOurs();
    return { status, body: jsonOf(text) };
  }

  return {
    async walletOf(request) {
      const { status, body } = await post('/v1/wallets', z.encode(walletRequest, request));
      const answer = walletAnswer.safeParse(body);
      if (status !== 200 || !answer.success) throw notOurs();
      return answer.data;
    },
    async sign(request) {
      const { status, body } = await post('/v1/signatures', z.encode(signRequest, request));
      if (status === 422) {
        const refused = refusalAnswer.safeParse(body);
        if (!refused.success) throw notOurs();
        return { ok: false, refusal: refused.data.refusal };
      }
      const answer = signAnswer.safeParse(body);
      if (!answer.success) throw notOurs();
      return { ok: true, value: answer.data };
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notOurs();
  }
}

function notOurs(): OperationalError {
  return new OperationalError('upstream_unavailable', false, { detail: 'what answers is not a signer' });
}
