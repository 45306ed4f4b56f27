import type { OutgoingHttpHeaders } from 'node:http';
import { OperationalError } from '@daybook/core';
import { parseJson } from '@daybook/http';

const timeoutMs = 5_000;
const bytesMax = 1_000_000;

export type RateAnswer = { readonly body: unknown; readonly observedAt: string };

/**
 * One question to a source of rates. It was observed when the source, or a cache on the way, says it made the answer:
 * `Date` less `Age` (RFC 9111, 4.2.3); without a `Date` it is of no time, and nobody will take it. Throws OperationalError.
 */
export async function askForRate(url: string): Promise<RateAnswer> {
  const { host } = new URL(url);
  const down = (detail: string, cause?: unknown) =>
    new OperationalError('upstream_unavailable', true, { detail: `${host} ${detail}`, cause });
  const answer = await fetch(url, {
    headers: { accept: 'application/json', 'cache-control': 'no-cache' } satisfies OutgoingHttpHeaders,
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((cause: unknown) => {
    // `fetch` throws TypeError for what the network does; here that is the world's failure, not the code's.
    throw down('does not answer', cause);
  });
  if (!answer.ok) throw down(`answered ${answer.status}`);
  const text = await answer.text().catch((cause: unknown) => {
    throw down('broke off', cause);
  });
  if (text.length > bytesMax) throw down('answered too much');
  try {
    return { body: parseJson(text), observedAt: timeOf(answer.headers) };
  } catch (cause) {
    throw down('answered no JSON', cause);
  }
}

function timeOf(headers: Headers): string {
  const made = Date.parse(headers.get('date') ?? '');
  const age = headers.get('age') ?? '0';
  if (Number.isNaN(made) || !/^\d{1,9}$/.test(age)) return '';
  return new Date(made - parseInt(age, 10) * 1_000).toISOString();
}
