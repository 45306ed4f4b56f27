/** The application's side of the protocol. It holds no key and asks again as often as it likes: all routes are idempotent. */
import { OperationalError } from '@daybook/core';
import type { Secret } from '@daybook/runtime';
import { z } from 'zod';
import {
  refusalAnswer,
  signAnswer,
  signedPage,
  signedRequest,
  signRequest,
  walletAnswer,
  walletRequest,
  type SignedPage,
  type SignedRequest,
  type Signer,
} from './protocol';

const timeoutMsDefault = 10_000;
const answerCharactersMax = 1_000_000;

/** `url` is the signer's base address, without a slash at the end. */
export function signerClient(options: {
  readonly url: string;
  readonly token: Secret;
  readonly timeoutMs?: number;
}): Signer {
  const timeoutMs = options.timeoutMs ?? timeoutMsDefault;

  async function post(path: string, body: unknown): Promise<{ readonly status: number; readonly text: string }> {
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
    return { status, text };
  }

  async function ask(path: string, body: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
    const { status, text } = await post(path, body);
    if (status !== 200 && status !== 422) throw answered(status);
    return { status, body: jsonOf(text) };
  }

  return {
    async walletOf(request) {
      const { status, body } = await ask('/v1/wallets', z.encode(walletRequest, request));
      const answer = walletAnswer.safeParse(body);
      if (status !== 200 || !answer.success) throw notOurs();
      return answer.data;
    },
    async sign(request) {
      const { status, body } = await ask('/v1/signatures', z.encode(signRequest, request));
      if (status === 422) {
        const refused = refusalAnswer.safeParse(body);
        if (!refused.success) throw notOurs();
        return { ok: false, refusal: refused.data.refusal };
      }
      const answer = signAnswer.safeParse(body);
      if (!answer.success) throw notOurs();
      return { ok: true, value: answer.data };
    },
    async signedAfter(request) {
      const { status, text } = await post('/v1/signed', z.encode(signedRequest, request));
      if (status === 404) return undefined;
      if (status !== 200) throw answered(status);
      const page = signedPage.safeParse(jsonOf(text));
      if (!page.success) throw notOurs();
      if (!isWhole(page.data, request)) throw failure('what the signer tells of its signatures has gaps');
      return page.data;
    },
  };
}

/** A signature that was left out would never be looked at. */
function isWhole({ total, signatures }: SignedPage, { after, limit }: SignedRequest): boolean {
  const count = Math.min(limit, Math.max(0, total - after));
  return signatures.length === count && signatures.every(({ place }, index) => place === after + index + 1);
}

function jsonOf(text: string): unknown {
  if (text.length > answerCharactersMax) throw notOurs();
  try {
    return JSON.parse(text);
  } catch {
    throw notOurs();
  }
}

const answered = (status: number) => failure(`signer answered ${status}`, status >= 500);
const notOurs = () => failure('what answers is not a signer');

function failure(detail: string, mayChange = false): OperationalError {
  return new OperationalError('upstream_unavailable', mayChange, { detail });
}
