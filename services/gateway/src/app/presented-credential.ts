/** How a request says who it is. A request uses exactly one of these, once. */
export type Presented =
  | { readonly scheme: 'client'; readonly credentialId: string; readonly secret: string }
  | { readonly scheme: 'basic'; readonly credentialId: string; readonly secret: string }
  | { readonly scheme: 'api_key'; readonly key: string }
  | { readonly scheme: 'token'; readonly token: string };
export type Scheme = Presented['scheme'];

export type Reading =
  | { readonly ok: true; readonly presented: Presented }
  | { readonly ok: false; readonly problem: 'missing' | 'incomplete' | 'malformed' | 'ambiguous' };

const credentialHeaders = ['authorization', 'x-api-key', 'x-client-id', 'x-client-secret'] as const;
type CredentialHeader = (typeof credentialHeaders)[number];

const printable = /^[\x21-\x7e]{1,200}$/;
const jwtPattern = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const base64Pattern = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** Reads the raw header list, because Node drops a second Authorization header and joins the others. */
export function readPresented(rawHeaders: readonly string[]): Reading {
  const values = new Map<CredentialHeader, string>();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = credentialHeaders.find((known) => known === rawHeaders[i]?.toLowerCase());
    if (name === undefined) continue;
    if (values.has(name)) return { ok: false, problem: 'ambiguous' };
    values.set(name, rawHeaders[i + 1] ?? '');
  }
  const authorization = values.get('authorization');
  const key = values.get('x-api-key');
  const client = values.has('x-client-id') || values.has('x-client-secret');
  const schemes = [authorization !== undefined, key !== undefined, client].filter(Boolean).length;
  if (schemes === 0) return { ok: false, problem: 'missing' };
  if (schemes > 1) return { ok: false, problem: 'ambiguous' };
  if (authorization !== undefined) return readAuthorization(authorization);
  if (key !== undefined) {
    return printable.test(key)
      ? { ok: true, presented: { scheme: 'api_key', key } }
      : { ok: false, problem: 'malformed' };
  }
  return readClient(values.get('x-client-id') ?? '', values.get('x-client-secret') ?? '');
}

function readClient(credentialId: string, secret: string): Reading {
  if (credentialId === '' || secret === '') return { ok: false, problem: 'incomplete' };
  if (!printable.test(credentialId) || !printable.test(secret)) return { ok: false, problem: 'malformed' };
  return { ok: true, presented: { scheme: 'client', credentialId: idOf(credentialId), secret } };
}

/** A UUID is the same in capitals, and ours are in small letters. Ids of keys are no UUIDs. */
function idOf(credentialId: string): string {
  return uuidPattern.test(credentialId) ? credentialId.toLowerCase() : credentialId;
}

function readAuthorization(value: string): Reading {
  const [, scheme = '', rest = ''] = /^([A-Za-z]+) +(\S+)$/.exec(value) ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return jwtPattern.test(rest)
        ? { ok: true, presented: { scheme: 'token', token: rest } }
        : { ok: false, problem: 'malformed' };
    case 'basic':
      return readBasic(rest);
    default:
      return { ok: false, problem: 'malformed' };
  }
}

/** Standard and URL-safe Base64. The first colon ends the key: a secret may contain colons. */
function readBasic(encoded: string): Reading {
  const pair = base64Pattern.test(encoded) ? decodeUtf8(Buffer.from(encoded, 'base64')) : undefined;
  const colon = pair?.indexOf(':') ?? -1;
  if (pair === undefined || colon < 0) return { ok: false, problem: 'malformed' };
  const credentialId = pair.slice(0, colon);
  const secret = pair.slice(colon + 1);
  if (!printable.test(credentialId) || !printable.test(secret)) return { ok: false, problem: 'malformed' };
  return { ok: true, presented: { scheme: 'basic', credentialId: idOf(credentialId), secret } };
}

function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
