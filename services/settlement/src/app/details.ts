/** People's words about a transaction, in events and read models: encrypted under a key of the transaction, and erased with it. */
import type { PersonalData } from '@daybook/event-store';
import { z } from 'zod';

const details = z.object({ description: z.string().nullable() });
const recipient = z.record(z.string(), z.string());

/** Whom an institution is to pay, by the names of its own forms. */
export type Recipient = Readonly<Record<string, string>>;

const subjectOf = (transactionId: string) => `transaction:${transactionId}`;

export function sealDescription(
  personalData: PersonalData,
  transactionId: string,
  description: string | null,
): Promise<string> {
  return personalData.encrypt(subjectOf(transactionId), JSON.stringify({ description }));
}

/** Null when there is none, and when it was erased. */
export async function openDescription(
  personalData: PersonalData,
  { transactionId, encryptedDetails }: { readonly transactionId: string; readonly encryptedDetails: string },
): Promise<string | null> {
  const text = await personalData.decrypt(subjectOf(transactionId), encryptedDetails);
  return text === null ? null : details.parse(JSON.parse(text)).description;
}

export function sealRecipient(personalData: PersonalData, transactionId: string, to: Recipient): Promise<string> {
  return personalData.encrypt(subjectOf(transactionId), JSON.stringify(to));
}

/** Null when it was erased. */
export async function openRecipient(
  personalData: PersonalData,
  { transactionId, encryptedRecipient }: { readonly transactionId: string; readonly encryptedRecipient: string },
): Promise<Recipient | null> {
  const text = await personalData.decrypt(subjectOf(transactionId), encryptedRecipient);
  return text === null ? null : recipient.parse(JSON.parse(text));
}
