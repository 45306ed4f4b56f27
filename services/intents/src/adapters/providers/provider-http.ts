import { OperationalError } from '@daybook/core';
import { parseJson } from '@daybook/http';
import type { z } from 'zod';

/** A provider that takes longer than this has not answered. What was asked may have happened. */
export const providerTimeoutMs = 10_000;

export type ProviderAnswer = { readonly status: number; readonly body: unknown };

export type ProviderRequest = {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Statuses that are an answer to this request, although to others they are none. */
  readonly sure?: readonly number[];
};

/**
 * Credentials that are not taken, timeout, conflict with a request of ours that is not done, too early, too many: none of
 * them says anything of the payment, and it may yet be done.
 */
const unsure: readonly number[] = [401, 403, 408, 409, 425, 429];

/**
 * One request to a provider. Answers with whatever the provider said for sure (2xx and 4xx); everything else (no answer, an
 * error of its own, a request of ours that is still running) throws OperationalError.
 */
export async function askOverHttp(url: string, request: ProviderRequest): Promise<ProviderAnswer> {
  const { host } = new URL(url);
  const { status, text } = await send(url, request).catch((cause: unknown) => {
    // `fetch` throws TypeError for what the network does; here that is the world's failure, not the code's.
    throw new OperationalError('upstream_timeout', true, { cause, detail: host });
  });
  if (status >= 500 || (unsure.includes(status) && request.sure?.includes(status) !== true))
    throw new OperationalError('upstream_unavailable', true, { detail: `${host} answered ${status}` });
  try {
    return { status, body: text === '' ? null : parseJson(text) };
  } catch (cause) {
    throw new OperationalError('upstream_unavailable', true, { cause, detail: `${host} answered no JSON` });
  }
}

/**
 * What was answered, read as what was asked for. Any other answer, also one with a status of success, says nothing about
 * the payment: it is the provider's failure, and not an input of whoever asked us.
 */
export function readAnswer<Schema extends z.ZodType>(
  schema: Schema,
  answered: unknown,
  provider: string,
): z.output<Schema> {
  const read = schema.safeParse(answered);
  if (read.success) return read.data;
  const detail = `${provider} answered something else than was asked for`;
  throw new OperationalError('upstream_unavailable', true, { cause: read.error, detail });
}

/** Why an answer says nothing, however well it reads. */
export const otherPayment = 'another payment than was asked for';

/**
 * Of what a provider says it has made. Later its id says what it is, whatever else was written into its metadata, which
 * belongs to the tenant.
 */
export function isMadeFor(
  transactionId: string,
  metadata: Readonly<Record<string, unknown>> | null | undefined,
): boolean {
  return (metadata?.['transaction_id'] ?? transactionId) === transactionId;
}

export function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function send(url: string, { method, headers, body }: ProviderRequest) {
  const answer = await fetch(url, {
    method,
    headers: { accept: 'application/json', ...headers },
    redirect: 'error',
    signal: AbortSignal.timeout(providerTimeoutMs),
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.status, text: await answer.text() };
}
