/** What can be asked of a book. The caller names what it asks for: that id has one answer, for ever. */
import { assertNever } from '@daybook/core';
import type { AssetCode } from '@daybook/money';
import type { AccountFields, Entry, Metadata } from './account';
import type { TransferFailure } from './book-events';
import type { Fact } from './facts';
import { holdIdsOf } from './posting-rules';

/** `contentHash` is of what the caller sent under the id: it tells a repeat from another command with a used id. */
export type BookCommand =
  | ({
      readonly type: 'OpenAccount';
      readonly ceiling?: bigint | null;
      readonly metadata?: Metadata | null;
      /** Who, of a tenant or of the operator for null; absent for what the ledger and other services open. */
      readonly asked?: { readonly tenantId: string | null; readonly actor: string };
    } & Omit<AccountFields, 'ceiling' | 'metadata'>)
  | {
      readonly type: 'SetAccountLimits';
      readonly changeId: string;
      readonly contentHash: string;
      /** Whose own account it has to be; null for any account. */
      readonly tenantId: string | null;
      readonly accountId: string;
      readonly floor: bigint | null;
      readonly ceiling: bigint | null;
      readonly actor: string;
    }
  | {
      readonly type: 'SetAccountFrozen';
      /** Null, as its content, when nobody named it: it then only sees to the state, and nothing is answered for ever. */
      readonly changeId: string | null;
      readonly contentHash: string | null;
      readonly accountId: string;
      readonly frozen: boolean;
      readonly actor: string;
    }
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
  | {
      readonly type: 'PostFact';
      readonly transactionId: string;
      readonly contentHash: string;
      readonly fact: Fact;
      readonly effectiveAt: string;
    }
  | {
      readonly type: 'PostTransaction';
      readonly transactionId: string;
      readonly contentHash: string;
      /** Whose own accounts the entries have to be on; null for an operator, who may post to any. */
      readonly tenantId: string | null;
      /** `recording` is for operators, and is not refused for what it does to balances, nor for frozen accounts. */
      readonly mode: 'authorizing' | 'recording';
      readonly entries: readonly Entry[];
      /** Null for now. */
      readonly effectiveAt: string | null;
      /** What to do when that is in a closed period: say no, or post it as of the first instant that is still open. */
      readonly closedPeriod: 'refuse' | 'adjust';
      readonly description: string | null;
      readonly metadata: Metadata | null;
      readonly actor: string;
    }
  | {
      readonly type: 'ReverseTransaction';
      readonly reversalId: string;
      readonly contentHash: string;
      /** Who posted it; null for an operator, who may reverse any. */
      readonly tenantId: string | null;
      readonly transactionId: string;
      /** Of the first entry; null for all that is left. */
      readonly amount: bigint | null;
      readonly actor: string;
    }
  | {
      readonly type: 'PlaceHold';
      readonly holdId: string;
      readonly contentHash: string;
      readonly tenantId: string | null;
      readonly accountId: string;
      readonly asset: AssetCode;
      readonly amount: bigint;
      readonly expiresAt: string | null;
      readonly metadata: Metadata | null;
      readonly actor: string;
    }
  | {
      readonly type: 'CaptureHold';
      readonly captureId: string;
      readonly contentHash: string;
      readonly tenantId: string | null;
      readonly holdId: string;
      /** Null for all that is left. */
      readonly amount: bigint | null;
      readonly creditAccountId: string;
      /** What is left after it is released. */
      readonly final: boolean;
      readonly actor: string;
    }
  | {
      readonly type: 'ReleaseHold';
      readonly releaseId: string;
      readonly contentHash: string;
      readonly tenantId: string | null;
      readonly holdId: string;
      readonly actor: string;
    }
  | { readonly type: 'ExpireHold'; readonly holdId: string }
  | {
      readonly type: 'ClosePeriod';
      readonly closeId: string;
      readonly contentHash: string;
      /** The last instant of the period. */
      readonly through: string;
      readonly actor: string;
    }
  | {
      readonly type: 'SignCheckpoint';
      readonly checkpointId: string;
      readonly contentHash: string;
      /** Events that the root covers. */
      readonly size: number;
      /** Size of the checkpoint before it, as its signer knows the book; 0 when it is the first. */
      readonly after: number;
      readonly root: string;
      readonly keyId: string;
      /** The exact text that is signed (`@daybook/proof`); size, root and key id are read from it. */
      readonly checkpoint: string;
      readonly signature: string;
    };

export type CommandOf<Type extends BookCommand['type']> = Extract<BookCommand, { type: Type }>;

/** The ids of the records that have to be in memory when the command is decided: its own, and what it refers to. */
export function recordIdsNeeded(command: BookCommand): readonly string[] {
  switch (command.type) {
    case 'OpenAccount':
      return [];
    case 'SetAccountFrozen':
      return command.changeId === null ? [] : [command.changeId];
    case 'SetAccountLimits':
      return [command.changeId];
    case 'PostFact':
      return [command.transactionId, ...holdIdsOf(command.fact)];
    case 'IssueFunds':
    case 'PostTransaction':
      return [command.transactionId];
    case 'AcceptTransfer':
    case 'ConfirmTransfer':
    case 'FailTransfer':
      return [command.transferId];
    case 'ReverseTransfer':
      return [command.reversalId, command.transferId];
    case 'ReverseTransaction':
      return [command.reversalId, command.transactionId];
    case 'PlaceHold':
    case 'ExpireHold':
      return [command.holdId];
    case 'CaptureHold':
      return [command.captureId, command.holdId];
    case 'ReleaseHold':
      return [command.releaseId, command.holdId];
    case 'ClosePeriod':
      return [command.closeId];
    case 'SignCheckpoint':
      return [command.checkpointId];
    default:
      return assertNever(command);
  }
}
