import type { Credentials } from '../seed';

/** A request to the running instance with the demo tenant's `intents` credentials. Throws on anything but success. */
export async function request(
  credentials: Credentials,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<unknown> {
  const { clientId, clientSecret } = credentials.intents;
  const response = await fetch(credentials.baseUrl + path, {
    method,
    headers: {
      'X-Client-ID': clientId,
      'X-Client-Secret': clientSecret,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}
