import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import type { Passwords } from '../ports';

/** Argon2id, which is the library's default, at the strength that OWASP names as its minimum. */
const strength = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export function argon2Passwords(): Passwords {
  const nobodys = hash(randomBytes(32).toString('base64url'), strength);
  // Awaited at the first use; until then a failure is not an unhandled rejection.
  nobodys.catch(() => undefined);
  return {
    hash: (password) => hash(password, strength),
    async verify(known, password) {
      const matches = await verify(known ?? (await nobodys), password);
      return known !== undefined && matches;
    },
  };
}
