import { stringifyJson } from '@daybook/http';
import type { Credentials } from '../seed';

/** Somebody who uses the running instance: where it is, and what tells who asks. */
export type Caller = { readonly baseUrl: string; readonly headers: Readonly<Record<string, string>> };
export type Callers = { readonly shop: Caller; readonly partner: Caller; readonly operator: Caller };

/** The demo tenant in its parts: a shop takes payments, a partner sends, an operator looks after the books. */
export function callersOf({ baseUrl, intents, partner, ops }: Credentials): Callers {
  return {
    shop: { baseUrl, headers: { 'X-Client-ID': intents.clientId, 'X-Client-Secret': intents.clientSecret } },
    partner: { baseUrl, headers: { 'X-API-Key': partner.apiKey } },
    operator: { baseUrl, headers: { Authorization: `Bearer ${ops.token}` } },
  };
}

/** Throws on anything but success. Amounts in a body are `jsonNumber`s: digits, as they stand. */
export async function request(
  caller: Caller,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<unknown> {
  const response = await fetch(caller.baseUrl + path, {
    method,
    headers: { ...caller.headers, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
    ...(body === undefined ? {} : { body: stringifyJson(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}
