import type { Mode } from '@daybook/contracts';
import { uuidFrom } from '@daybook/runtime';

export type Owner = { readonly tenantId: string; readonly mode: Mode };

export const institutionsStream = ({ tenantId, mode }: Owner) => `institutions-${tenantId}-${mode}`;
export const transferStream = (transactionId: string) => `bank_transfer-${transactionId}`;
/** A statement's id is the bank's, and may have any characters. */
export const statementStream = (institutionId: string, statementId: string) =>
  `bank_statement-${uuidFrom(['bank statement', institutionId, statementId])}`;

const transactionPrefix = 'TX';
const transferPrefix = 'TRF';

/** What the bank knows a transfer by. The same characters, so that each can be told from the other. */
export function transferIdOf(transactionId: string): string {
  return transferPrefix + transactionId.slice(transactionPrefix.length);
}

export function transactionIdOf(transferId: string): string | null {
  return transferId.startsWith(transferPrefix) ? transactionPrefix + transferId.slice(transferPrefix.length) : null;
}

const transactionId = /^TX[0-9A-HJKMNP-TV-Z]{20}$/;

export function isTransactionId(text: string | null): text is string {
  return text !== null && transactionId.test(text);
}
