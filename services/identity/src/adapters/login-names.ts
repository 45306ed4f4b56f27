import { createHmac, hkdfSync } from 'node:crypto';
import type { PersonalData } from '@daybook/event-store';
import type { Secret } from '@daybook/runtime';
import type { LoginNames } from '../ports';

/** The digest is keyed, so that a copy of the store does not tell whether a known name is in it. */
export function loginNames(masterKey: Secret, personalData: PersonalData): LoginNames {
  const key = Buffer.from(hkdfSync('sha256', Buffer.from(masterKey.reveal(), 'base64'), '', 'login name digest', 32));
  return {
    digest(name) {
      const normalised = name.normalize('NFKC').trim().toLowerCase();
      return createHmac('sha256', key).update(normalised).digest('hex');
    },
    encrypt: (subject, name) => personalData.encrypt(subject, name),
  };
}
