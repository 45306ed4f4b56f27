import type { CallOutcome, getTransfer } from '@daybook/contracts';
import type { Notes } from './notes';

type TransferView = Extract<CallOutcome<typeof getTransfer>, { ok: true }>['value']['transfer'];

/** A transfer as the read model keeps it: the note is still encrypted. */
export type TransferRow = Omit<TransferView, 'note'> & { readonly encryptedNote: string | null };

export async function withNote(notes: Notes, { encryptedNote, ...row }: TransferRow): Promise<TransferView> {
  return { ...row, note: await notes.decrypt(row.debitAccountId, encryptedNote) };
}
