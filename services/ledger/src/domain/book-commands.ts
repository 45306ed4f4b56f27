/** What can be asked of a book. The caller names what it asks for: that id has one answer, for ever. */
import { assertNever } from '@daybook/core';
import type { AssetCode } from '@daybook/money';
import type { AccountFields } from './account';
import type { TransferFailure } from './book-events';
import type { Fact } from './posting-rules';

/** `contentHash` is of what the caller sent under the id: it tells a repeat from another command with a used id. */
export type BookCommand =
  | ({ readonly type: 'OpenAccount' } & AccountFields)
  | {
      readonly type: 'IssueFunds';
      readonly transactionId: string;
      readonly contentHash: string;
      readonly accountId: string;
      readonly asset: AssetCode;
      readonly amount: bigint;
    }
  | {
      readonly type: 'AcceptTransfer';
      readonly transferId: string;
      readonly contentHash: string;
      readonly tenantId: string;
      readonly debitAccountId: string;
      readonly creditAccountId: string;
      readonly asset: AssetCode;
      readonly amount: bigint;
      readonly referenceId: string;
      /** Encrypted. */
      readonly note: string | null;
    }
  | { readonly type: 'ConfirmTransfer'; readonly transferId: string }
  | { readonly type: 'FailTransfer'; readonly transferId: string; readonly reason: TransferFailure }
  | {
      readonly type: 'ReverseTransfer';
      readonly reversalId: string;
      readonly contentHash: string;
      readonly transferId: string;
      readonly actor: string;
    }
  | { readonly type: 'SetAccountFrozen'; readonly accountId: string; readonly frozen: boolean; readonly actor: string }
  | {
      readonly type: 'PostFact';
      readonly transactionId: string;
      readonly contentHash: string;
      readonly fact: Fact;
      readonly effectiveAt: string;
    };

export type CommandOf<Type extends BookCommand['type']> = Extract<BookCommand, { type: Type }>;

/** The ids of the records that have to be in memory when the command is decided: its own, and what it refers to. */
export function recordIdsNeeded(command: BookCommand): readonly string[] {
  switch (command.type) {
    case 'OpenAccount':
    case 'SetAccountFrozen':
      return [];
    case 'IssueFunds':
    case 'PostFact':
      return [command.transactionId];
    case 'AcceptTransfer':
    case 'ConfirmTransfer':
    case 'FailTransfer':
      return [command.transferId];
    case 'ReverseTransfer':
      return [command.reversalId, command.transferId];
    default:
      return assertNever(command);
  }
}
