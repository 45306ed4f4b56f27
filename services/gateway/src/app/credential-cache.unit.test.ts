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
  userNumber: null,
  ipAllowList: [],
  revoked: false,
};

function arrange(lifetimeMs = 1_000) {
  const now = fakeClock('2026-01-01T00:00:00.000Z');
  const stored = { current: credential as Credential | undefined, reads: 0, failing: false };
  const read = async () => {
    stored.reads++;
    const { current, failing } = stored;
    if (failing) throw new Error('the source fails');
    return current;
  };
  const cache = cacheCredentials({ byId: read, byKeyDigest: read }, { lifetimeMs, now });
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

  test('looks for an unknown credential again after two seconds at most', async () => {
    const { now, stored, cache } = arrange(60_000);
    stored.current = undefined;
    expect(await cache.byId('c1')).toBeUndefined();
    now.advance(1_999);
    await cache.byId('c1');
    expect(stored.reads).toBe(1);
    now.advance(1);
    stored.current = credential;
    expect(await cache.byId('c1')).toBe(credential);
    now.advance(59_999);
    await cache.byId('c1');
    expect(stored.reads).toBe(2);
  });

  test('asks once for all who ask at the same time, and again after it failed', async () => {
    const { stored, cache } = arrange();
    await Promise.all([cache.byId('c1'), cache.byId('c1'), cache.byId('c1')]);
    expect(stored.reads).toBe(1);
    stored.failing = true;
    const failed = await Promise.allSettled([cache.byId('c2'), cache.byId('c2')]);
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    stored.failing = false;
    expect(await cache.byId('c2')).toBe(credential);
    expect(stored.reads).toBe(3);
  });

  test('does not hand what is being read to who asks after a change', async () => {
    const { stored, cache } = arrange();
    const before = cache.byId('c1');
    cache.invalidate({ credentialId: 'c1', secretDigest: null });
    stored.current = { ...credential, revoked: true };
    expect((await cache.byId('c1'))?.revoked).toBe(true);
    expect((await before)?.revoked).toBe(false);
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
