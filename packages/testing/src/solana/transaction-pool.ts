/**
 * Transactions on their way to a block: each is in one block at most, and in none whose height is past its blockhash's
 * lifetime. What a fork dropped may come again. Codes and words are those of a node (agave, rpc-client-api).
 */
import type { SolanaLedger } from './ledger';
import { base58, readTransaction } from './wire';

/** Blocks for which a blockhash stays recent (MAX_PROCESSING_AGE). */
export const blockhashLifetime = 150;
const preflightFailure = -32_002;

type Answer =
  | { readonly result: string }
  | { readonly error: { readonly code: number; readonly message: string; readonly data: { readonly err: unknown } } };

export type TransactionPool = {
  send(bytes: Uint8Array, skipPreflight: boolean): Answer;
  /** What the next block takes. */
  drain(): readonly Uint8Array[];
};

export function transactionPool(ledger: SolanaLedger): TransactionPool {
  const waiting = new Map<string, Uint8Array>();
  const isMined = (id: string) => ledger.blocks.some((block) => block.transactions.some((one) => one.id === id));
  function isRecent(blockhash: string): boolean {
    const known = ledger.blocks.findLast((block) => block.blockhash === blockhash);
    return known !== undefined && ledger.blocks.length <= known.height + blockhashLifetime;
  }

  function refusalOf(id: string, bytes: Uint8Array): string | undefined {
    if (isMined(id)) return 'AlreadyProcessed';
    if (!isRecent(readTransaction(bytes).recentBlockhash)) return 'BlockhashNotFound';
    return ledger.wouldSucceed(bytes) ? undefined : 'InstructionError';
  }

  return {
    send(bytes, skipPreflight) {
      const id = base58(readTransaction(bytes).signatures[0]!);
      const refusal = skipPreflight ? undefined : refusalOf(id, bytes);
      if (refusal === undefined) {
        waiting.set(id, bytes);
        return { result: id };
      }
      const message = `Transaction simulation failed: ${refusal}`;
      return { error: { code: preflightFailure, message, data: { err: refusal } } };
    },
    drain() {
      const taken = [...waiting].filter(
        ([id, bytes]) => !isMined(id) && isRecent(readTransaction(bytes).recentBlockhash),
      );
      waiting.clear();
      return taken.map(([, bytes]) => bytes);
    },
  };
}
