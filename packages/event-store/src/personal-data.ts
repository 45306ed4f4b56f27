/**
 * Personal data for stored events: encrypted under a key of its subject, which is stored wrapped by the master key.
 * Erasing the key erases the person from every event, while the bytes and hashes of the log stay as they are.
 */
import { assert } from '@daybook/core';
import { createSealer, Secret, systemClock, type Clock, type Sealer } from '@daybook/runtime';
import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { asOperational } from './operational';

export type PersonalData = {
  /** What to store in the event instead of `text`. For an erased subject the text is not kept. */
  encrypt(subject: string, text: string): Promise<string>;
  /** The text, or null when the subject has been erased. */
  decrypt(subject: string, token: string): Promise<string | null>;
  /** For good: what was encrypted stays unreadable, and nothing more is kept of the subject. */
  erase(subject: string): Promise<void>;
};

/** Stands for the text of a subject that had been erased before the text arrived. */
const erasedToken = 'erased';

/** An erasure by another process is noticed after this time. */
const cacheMs = 30_000;
const cachedSubjectsMax = 10_000;
const dataKeyBytes = 32;

type SubjectKey = Sealer | 'erased' | 'none';

/** `masterKey` is 32 bytes in base64, as `sealingKeySetting` checks. */
export function createPersonalData(options: {
  readonly pool: Pool;
  readonly masterKey: Secret;
  readonly now?: Clock;
}): PersonalData {
  const { pool, masterKey, now = systemClock } = options;
  const master = createSealer(masterKey);
  const cache = new Map<string, { readonly sealer: Sealer; readonly until: number }>();
  let erasures = 0;

  async function query(text: string, values: readonly unknown[]): Promise<{ wrapped_key: string | null }[]> {
    try {
      return (await pool.query<{ wrapped_key: string | null }>(text, [...values])).rows;
    } catch (error) {
      throw asOperational(error);
    }
  }

  async function keyOf(subject: string): Promise<SubjectKey> {
    const cached = cache.get(subject);
    if (cached && now().getTime() < cached.until) return cached.sealer;
    cache.delete(subject);
    const erasuresBefore = erasures;
    const [row] = await query(`select wrapped_key from subject_keys where subject = $1`, [subject]);
    if (!row) return 'none';
    if (row.wrapped_key === null) return 'erased';
    const sealer = createSealer(new Secret(master.open(row.wrapped_key, contextOf(subject))));
    // What was read before an erasure must not come back after it.
    if (erasures !== erasuresBefore) return sealer;
    const oldest = cache.keys().next();
    if (cache.size >= cachedSubjectsMax && !oldest.done) cache.delete(oldest.value);
    cache.set(subject, { sealer, until: now().getTime() + cacheMs });
    return sealer;
  }

  async function keyMadeFor(subject: string): Promise<SubjectKey> {
    const found = await keyOf(subject);
    if (found !== 'none') return found;
    const wrapped = master.seal(randomBytes(dataKeyBytes).toString('base64'), contextOf(subject));
    // Whoever inserts first decides the key; reading it back gives all writers the same.
    await query(`insert into subject_keys (subject, wrapped_key) values ($1, $2) on conflict do nothing`, [
      subject,
      wrapped,
    ]);
    return keyOf(subject);
  }

  return {
    async encrypt(subject, text) {
      const key = await keyMadeFor(subject);
      if (key === 'erased') return erasedToken;
      assert(key !== 'none', `no key of ${subject} after making one`);
      return key.seal(text, subject);
    },
    async decrypt(subject, token) {
      if (token === erasedToken) return null;
      const key = await keyOf(subject);
      if (key === 'erased') return null;
      assert(key !== 'none', `no key of ${subject}, and it was not erased`);
      return key.open(token, subject);
    },
    async erase(subject) {
      await query(
        `insert into subject_keys (subject, erased_at) values ($1, clock_timestamp())
         on conflict (subject) do update set wrapped_key = null, erased_at = coalesce(subject_keys.erased_at, excluded.erased_at)`,
        [subject],
      );
      erasures++;
      cache.delete(subject);
    },
  };
}

/** Authenticated with the wrapped key: one moved to another subject does not open. */
function contextOf(subject: string): string {
  return `subject key ${subject}`;
}
