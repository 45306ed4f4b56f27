/** Operations of callers as commands of the book. */
import type { BookOperation } from '@daybook/contracts';
import { sha256Hex } from '@daybook/runtime';
import type { Metadata } from '../domain/account';
import type { BookCommand } from '../domain/book-commands';
import { knownIdOf, newIdOf } from './caller-ids';

export type Asked = { readonly tenantId: string | null; readonly actor: string };

export function commandOf(operation: BookOperation, { tenantId, actor }: Asked): BookCommand {
  const contentHash = hashOf(operation);
  switch (operation.type) {
    case 'post': {
      const { mode, entries, effectiveAt, closedPeriod, description, metadata } = operation;
      const transactionId = newIdOf(tenantId, operation.transactionId);
      const fields = { mode, entries, effectiveAt, closedPeriod, description, metadata: metadataOf(metadata) };
      return { type: 'PostTransaction', transactionId, contentHash, tenantId, ...fields, actor };
    }
    case 'reverse': {
      const reversalId = newIdOf(tenantId, operation.reversalId);
      const transactionId = knownIdOf(tenantId, operation.transactionId);
      const { amount } = operation;
      return { type: 'ReverseTransaction', reversalId, contentHash, tenantId, transactionId, amount, actor };
    }
    case 'hold': {
      const { accountId, asset, amount, expiresAt } = operation;
      const holdId = newIdOf(tenantId, operation.holdId);
      const fields = { accountId, asset, amount, expiresAt, metadata: metadataOf(operation.metadata) };
      return { type: 'PlaceHold', holdId, contentHash, tenantId, ...fields, actor };
    }
    case 'capture': {
      const { amount, creditAccountId, final } = operation;
      const captureId = newIdOf(tenantId, operation.captureId);
      const holdId = knownIdOf(tenantId, operation.holdId);
      return { type: 'CaptureHold', captureId, contentHash, tenantId, holdId, amount, creditAccountId, final, actor };
    }
    case 'release': {
      const releaseId = newIdOf(tenantId, operation.releaseId);
      const holdId = knownIdOf(tenantId, operation.holdId);
      return { type: 'ReleaseHold', releaseId, contentHash, tenantId, holdId, actor };
    }
  }
}

/** No metadata and none of it are the same. */
export function metadataOf(metadata: Metadata | null): Metadata | null {
  return metadata === null || Object.keys(metadata).length === 0 ? null : metadata;
}

/**
 * Of all that the caller sent, whichever order its metadata came in. Who asked is not a part of it: a colleague who
 * repeats a request repeats the same decision.
 */
export function hashOf(content: object): string {
  return sha256Hex(canonicalText(content));
}

/** JSON with the names of every object in order, and numbers of any size as strings. A bulk has thousands of them. */
function canonicalText(value: unknown): string {
  if (typeof value === 'bigint') return `"${value}"`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalText).join()}]`;
  const fields = value as Readonly<Record<string, unknown>>;
  let text = '';
  for (const name of Object.keys(fields).toSorted()) {
    const field = fields[name];
    if (field !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${canonicalText(field)}`;
  }
  return `{${text}}`;
}
