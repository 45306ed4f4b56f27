import type { Mode } from '@daybook/contracts';
import { returnIdOf, underpaidIdOf } from '../domain/verdict';
import type { Fact } from '../domain/facts';
import { contentHashOf, type Books } from './books';

/** The journal already has other content under the fact's id. A person has to find out which of the two is true. */
export class FactConflict extends Error {
  override readonly name = 'FactConflict';
}

export type PostFact = (posted: { mode: Mode; fact: Fact; effectiveAt: string }) => Promise<void>;

/** Returns when the fact is in the journal; a fact that is there already is left as it is. */
export function postFact(books: Books): PostFact {
  return async ({ mode, fact, effectiveAt }) => {
    const transactionId = transactionIdOf(fact);
    // The time is not a part of the content: the same fact may be told again later.
    const command = { type: 'PostFact', transactionId, contentHash: contentHashOf(fact), fact, effectiveAt } as const;
    const outcome = await books.of(mode).submit(command);
    if (!outcome.ok) throw new FactConflict(`${fact.type} ${transactionId}: ${outcome.rejection}`);
  };
}

function transactionIdOf(fact: Fact): string {
  switch (fact.type) {
    case 'intent_payment':
    case 'wallet_funding':
    case 'wallet_sweep':
    case 'intent_receipt':
      return fact.depositId;
    case 'receipt_move':
      return fact.moveId;
    case 'intent_underpaid':
      return underpaidIdOf(fact.intentId);
    case 'settlement':
      return fact.settlementId;
    case 'provider_payment':
    case 'chain_send':
    case 'institution_transfer':
      return fact.transactionId;
    case 'provider_payment_return':
    case 'provider_payment_reinstatement':
      return returnIdOf(fact.returnId);
    case 'institution_transfer_return':
      return returnIdOf(fact.transactionId);
  }
}
