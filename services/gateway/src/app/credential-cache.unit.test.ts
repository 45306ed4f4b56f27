import { fakeClock } from '@daybook/testing';
import type { Credential } from './credential';
import { cacheCredentials } from './credential-cache';

const credential: Credential = {
  credentialId: 'c1',
  tenantId: '6fa459ea-ee8a-4ca4-894e-db77e160355e',
  kind: 'api_key',
  mode: 'sandbox',
  scopes: ['ops'],
  secretDigest: 'd1',
  walletId: null,
  ipAllowList: [],
  revoked: false,
};

function arrange() {
  const now = fakeClock('2026-01-01T00:00:00.000Z');
  const stored = { current: credential as Credential | undefined, reads: 0 };
  const read = async () => {
    stored.reads++;
    return stored.current;
  };
  const cache = cacheCredentials({ byId: read, byKeyDigest: read }, { lifetimeMs: 1_000, now });
  return { now, stored, cache };
}

describe('credential cache', () => {
  test('reads once in a lifetime, for unknown credentials too', async () => {
    const { now, stored, cache } = arrange();
    stored.current = undefined;
    expect([await cache.byId('c1'), await cache.byId('c1')]).toEqual([undefined, undefined]);
    expect(stored.reads).toBe(1);
    stored.current = credential;
    now.advance(1_000);
    expect(await cache.byId('c1')).toBe(credential);
    expect(stored.reads).toBe(2);
  });

  test('forgets what was invalidated, by id and by digest', async () => {
    const { stored, cache } = arrange();
    await cache.byId('c1');
    await cache.byKeyDigest('d1');
    stored.current = { ...credential, revoked: true };
    cache.invalidate({ credentialId: 'c1', secretDigest: 'd1' });
    expect((await cache.byId('c1'))?.revoked).toBe(true);
    expect((await cache.byKeyDigest('d1'))?.revoked).toBe(true);
  });

  test('does not keep what it read before the change was committed', async () => {
    const { now, stored, cache } = arrange();
    cache.invalidate({ credentialId: 'c1', secretDigest: null });
    expect((await cache.byId('c1'))?.revoked).toBe(false);
    stored.current = { ...credential, revoked: true };
    expect((await cache.byId('c1'))?.revoked).toBe(true);
    now.advance(1_000);
    await cache.byId('c1');
    const { reads } = stored;
    await cache.byId('c1');
    expect(stored.reads).toBe(reads);
  });

  test('holds a bounded number of entries', async () => {
    const { stored, cache } = arrange();
    for (let i = 0; i <= 10_000; i++) await cache.byId(`id-${i}`);
    const { reads } = stored;
    await cache.byId('id-10000');
    expect(stored.reads).toBe(reads);
    await cache.byId('id-0');
    expect(stored.reads).toBe(reads + 1);
  });
});
