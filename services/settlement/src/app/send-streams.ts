import { codeFrom, uuidFrom } from '@daybook/runtime';

export const sendStream = (transactionId: string) => `send-${transactionId}`;
export const walletStream = (walletId: string) => `wallet-${walletId}`;
export const registryStream = 'wallets';
export const fundingStream = (depositId: string) => `funding-${depositId}`;
/** What the tenant knows a deposit to its wallet by. */
export const receiptIdOf = (depositId: string) => codeFrom('TX', ['deposit', depositId]);
/** Of a transaction that we signed. Ids are unique on a chain only. */
export const claimStream = (chain: string, transactionId: string) => `signed-${chain}-${transactionId}`;

/** A tenant has one hot wallet on a chain. A chain serves one mode. */
export const walletIdOf = (tenantId: string, chain: string) => uuidFrom(['wallet', tenantId, chain]);

const prefix = 'wallet:';
/** What chain-watcher knows a wallet's address by. */
export const watchReferenceOf = (walletId: string) => prefix + walletId;
export const walletIdOfReference = (reference: string) =>
  reference.startsWith(prefix) ? reference.slice(prefix.length) : undefined;
