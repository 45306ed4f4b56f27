import type { Clock } from '@daybook/runtime';
import type { Credential, CredentialLookup } from './credential';

/** Entries kept at most; the oldest goes first. Unknown credentials take places too. */
const entriesMax = 10_000;
/** Longest time that an unknown credential is taken for unknown without looking again. */
const unknownMsMax = 2_000;

export type CredentialCache = CredentialLookup & {
  /** Forgets a credential, and for one lifetime does not remember it: the change may not have committed yet. */
  invalidate(keys: { readonly credentialId: string; readonly secretDigest?: string | null }): void;
};

/** Remembers answers for `lifetimeMs`, those about unknown credentials for 2 s at most. Asks once for all who wait. */
export function cacheCredentials(
  source: CredentialLookup,
  options: { readonly lifetimeMs: number; readonly now: Clock },
): CredentialCache {
  const entries = new Map<string, { readonly until: number; readonly credential: Credential | undefined }>();
  const bypass = new Map<string, number>();

  const loading = new Map<string, Promise<Credential | undefined>>();

  async function remembered(key: string, load: () => Promise<Credential | undefined>): Promise<Credential | undefined> {
    const entry = entries.get(key);
    if (entry !== undefined && entry.until > options.now().getTime()) return entry.credential;
    return loading.get(key) ?? loadOnce(key, load);
  }

  function loadOnce(key: string, load: () => Promise<Credential | undefined>): Promise<Credential | undefined> {
    const mine = loadAndRemember(key, load).finally(() => {
      if (loading.get(key) === mine) loading.delete(key);
    });
    loading.set(key, mine);
    return mine;
  }

  async function loadAndRemember(key: string, load: () => Promise<Credential | undefined>) {
    const at = options.now().getTime();
    const credential = await load();
    const changedUntil = bypass.get(key);
    if (changedUntil !== undefined && changedUntil > at) return credential;
    bypass.delete(key);
    const lifetimeMs = credential === undefined ? Math.min(options.lifetimeMs, unknownMsMax) : options.lifetimeMs;
    remember(entries, key, { until: at + lifetimeMs, credential });
    return credential;
  }

  function forget(key: string): void {
    entries.delete(key);
    // Who asks from now on must not be given what was read before the change.
    loading.delete(key);
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
