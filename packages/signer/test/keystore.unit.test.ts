import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secret } from '@daybook/runtime';
import { createKeystore, KeystoreError, newPhrase, openKeystore } from '../src/keystore';

test('of two key ceremonies at the same moment one makes the keystore, and the other is told that there is one', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'daybook-keystore-'));
  try {
    const passwords = ['one', 'other'].map((word) => new Secret(`the password of ${word}`));
    const phrases = [await newPhrase(), await newPhrase()];
    const made = await Promise.allSettled(phrases.map((phrase, n) => createKeystore(directory, phrase, passwords[n]!)));
    expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const winner = made.findIndex(({ status }) => status === 'fulfilled');
    const [kept, refused] = [made[winner], made[1 - winner]] as [
      PromiseFulfilledResult<{ keyId: string }>,
      PromiseRejectedResult,
    ];
    expect(refused.reason).toBeInstanceOf(KeystoreError);
    expect((await openKeystore(directory, passwords[winner]!)).keyId).toBe(kept.value.keyId);
  } finally {
    await rm(directory, { recursive: true });
  }
});
