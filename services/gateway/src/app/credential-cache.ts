import type { Clock } from '@daybook/runtime';
import type { Credential, CredentialLookup } from './credential';

/** Entries kept at most; the oldest goes first. Unknown credentials take places too. */
const entriesMax = 10_000;

export type CredentialCache = CredentialLookup & {
  /** Forgets a credential, and for one lifetime does not remember it: the change may not have committed yet. */
  invalidate(keys: { readonly credentialId: string; readonly secretDigest?: string | null }): void;
};

/** Remembers answers, unknown credentials included, for `lifetimeMs`. */
export function cacheCredentials(
  source: CredentialLookup,
  options: { readonly lifetimeMs: number; readonly now: Clock },
): CredentialCache {
  const entries = new Map<string, { readonly until: number; readonly credential: Credential | undefined }>();
  const bypass = new Map<string, number>();

  async function remembered(key: string, load: () => Promise<Credential | undefined>): Promise<Credential | undefined> {
    const at = options.now().getTime();
    const entry = entries.get(key);
    if (entry !== undefined && entry.until > at) return entry.credential;
    const credential = await load();
    const changedUntil = bypass.get(key);
    if (changedUntil !== undefined && changedUntil > at) return credential;
    bypass.delete(key);
    remember(entries, key, { until: at + options.lifetimeMs, credential });
    return credential;
  }

  function forget(key: string): void {
    entries.delete(key);
    remember(bypass, key, options.now().getTime() + options.lifetimeMs);
  }

  return {
    byId: (credentialId) => remembered(`id ${credentialId}`, () => source.byId(credentialId)),
    byKeyDigest: (digest) => remembered(`digest ${digest}`, () => source.byKeyDigest(digest)),
    invalidate({ credentialId, secretDigest }) {
      forget(`id ${credentialId}`);
      if (secretDigest) forget(`digest ${secretDigest}`);
    },
  };
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= entriesMax) return;
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}
