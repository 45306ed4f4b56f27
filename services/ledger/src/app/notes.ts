import { createHmac } from 'node:crypto';
import type { PersonalData } from '@daybook/event-store';
import type { Secret } from '@daybook/runtime';

/** The free text of a transfer, which belongs to the sender's account and can be erased with it. */
export type Notes = {
  digest(note: string): string;
  encrypt(accountId: string, note: string): Promise<string>;
  /** Null when there was none, or when it was erased. */
  decrypt(accountId: string, token: string | null): Promise<string | null>;
};

export function createNotes(personalData: PersonalData, key: Secret): Notes {
  const digestKey = createHmac('sha256', key.reveal()).update('ledger note digest').digest();
  const subjectOf = (accountId: string) => `account:${accountId}`;
  return {
    digest: (note) => createHmac('sha256', digestKey).update(note).digest('hex'),
    encrypt: (accountId, note) => personalData.encrypt(subjectOf(accountId), note),
    decrypt: async (accountId, token) => (token === null ? null : personalData.decrypt(subjectOf(accountId), token)),
  };
}
