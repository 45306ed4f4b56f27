import { fakeClock } from '@daybook/testing';
import { Secret } from '@daybook/runtime';
import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { createPersonalData } from '../src/personal-data';
import { schemas } from './fixtures';

const newKey = () => new Secret(randomBytes(32).toString('base64'));

let databases: Awaited<ReturnType<typeof schemas>>;
let pool: Pool;
const masterKey = newKey();
beforeAll(async () => {
  databases = await schemas();
});
afterAll(() => databases.end());
beforeEach(async () => {
  ({ pool } = await databases.fresh());
});

describe('personal data', () => {
  test('reads back what it encrypted, in another process too, and never stores the text', async () => {
    const text = 'Zoë 😀 zoe@example.com';
    const token = await createPersonalData({ pool, masterKey }).encrypt('person-1', text);
    expect(token).not.toContain('zoe');
    expect(await createPersonalData({ pool, masterKey }).decrypt('person-1', token)).toBe(text);
    const { rows } = await pool.query<{ stored: string }>(`select subject_keys::text as stored from subject_keys`);
    expect(rows[0]?.stored).not.toContain('zoe');
  });

  test('the same text gives another token each time', async () => {
    const people = createPersonalData({ pool, masterKey });
    expect(await people.encrypt('p', 'x')).not.toBe(await people.encrypt('p', 'x'));
  });

  test('an erased subject reads as null for good, others stay', async () => {
    const people = createPersonalData({ pool, masterKey });
    const [token, other] = [await people.encrypt('p', 'x'), await people.encrypt('q', 'y')];
    await people.erase('p');
    await people.erase('p');
    expect(await people.decrypt('p', token)).toBeNull();
    expect(await people.decrypt('q', other)).toBe('y');
    const later = await people.encrypt('p', 'arrived late');
    expect(await people.decrypt('p', later)).toBeNull();
    const { rows } = await pool.query(`select wrapped_key from subject_keys where subject = 'p'`);
    expect(rows).toEqual([{ wrapped_key: null }]);
  });

  test('a subject may be erased before anything of it was kept', async () => {
    const people = createPersonalData({ pool, masterKey });
    await people.erase('p');
    expect(await people.decrypt('p', await people.encrypt('p', 'x'))).toBeNull();
  });

  test('another process notices an erasure within half a minute', async () => {
    const now = fakeClock('2026-01-01T00:00:00.000Z');
    const [one, other] = [createPersonalData({ pool, masterKey }), createPersonalData({ pool, masterKey, now })];
    const token = await other.encrypt('p', 'x');
    await one.erase('p');
    now.advance(29_999);
    expect(await other.decrypt('p', token)).toBe('x');
    now.advance(1);
    expect(await other.decrypt('p', token)).toBeNull();
  });

  test('writers that make the first key of a subject at the same moment share it', async () => {
    const writers = Array.from({ length: 8 }, () => createPersonalData({ pool, masterKey }));
    const tokens = await Promise.all(writers.map((writer, n) => writer.encrypt('p', `text ${n}`)));
    const reader = createPersonalData({ pool, masterKey });
    expect(await Promise.all(tokens.map((token) => reader.decrypt('p', token)))).toEqual(
      tokens.map((_, n) => `text ${n}`),
    );
  });

  test('refuses the token of another subject, a wrapped key that was moved and another master key', async () => {
    const people = createPersonalData({ pool, masterKey });
    const token = await people.encrypt('p', 'x');
    await people.encrypt('q', 'y');
    await expect(people.decrypt('q', token)).rejects.toMatchObject({ name: 'AssertionError' });
    await expect(people.decrypt('unknown', token)).rejects.toMatchObject({ name: 'AssertionError' });
    const stranger = createPersonalData({ pool, masterKey: newKey() });
    await expect(stranger.decrypt('p', token)).rejects.toMatchObject({ name: 'AssertionError' });
    await pool.query(
      `update subject_keys set wrapped_key = (select wrapped_key from subject_keys where subject = 'p') where subject = 'q'`,
    );
    const fresh = createPersonalData({ pool, masterKey });
    await expect(fresh.decrypt('q', token)).rejects.toMatchObject({ name: 'AssertionError' });
  });
});
