/**
 * intents.intents → facts: a payment was received, an intent ended underpaid, somebody decided where a receipt goes. The
 * fact's id is its transaction's id, so a message that comes again, or after a crash between the journal and the inbox,
 * posts nothing more.
 */
import { intentUnderpaid, paymentReceived, receiptMoved, type receiptPlaces } from '@daybook/contracts';
import { on, type Subscription } from '@daybook/messaging';
import type { z } from 'zod';
import type { PostFact } from '../app/post-fact';
import type { Fact } from '../domain/facts';
import { underpaidIdOf } from '../domain/verdict';

export function intentsSubscription(postFact: PostFact): Subscription {
  return {
    group: 'ledger.intents',
    topic: paymentReceived.topic,
    handlers: [
      on(paymentReceived, async (_tx, { data }) => {
        await postFact({ mode: data.mode, fact: receiptOf(data), effectiveAt: data.at });
      }),
      on(intentUnderpaid, async (_tx, { data }) => {
        await postFact({ mode: data.mode, fact: underpaidOf(data), effectiveAt: data.at });
      }),
      on(receiptMoved, async (_tx, { data }) => {
        const { mode, moveId, intentId, tenantId, asset, amount, at } = data;
        const [from, to] = [purposes[data.from], purposes[data.to]];
        const fact = { type: 'receipt_move', moveId, intentId, tenantId, asset, amount, from, to } as const;
        await postFact({ mode, fact, effectiveAt: at });
      }),
    ],
  };
}

const purposes = {
  credited: 'merchant',
  held: 'held',
  refundable: 'refundable',
  suspense: 'suspense',
} as const satisfies Record<(typeof receiptPlaces)[number], string>;

/** What the rules of before can say is posted by them, so that a fact of before that is told again is the same fact. */
function receiptOf(data: z.output<typeof paymentReceived.data>): Fact {
  const { depositId, intentId, tenantId, chain, asset, applied, credited, held, refundable, suspense } = data;
  const common = { depositId, intentId, tenantId, chain, asset, applied, refundable };
  if (credited + held + suspense === 0n) return { type: 'intent_payment', ...common };
  return { type: 'intent_receipt', ...common, credited, held, suspense };
}

function underpaidOf({ intentId, tenantId, asset, amount, place }: z.output<typeof intentUnderpaid.data>): Fact {
  const common = { intentId, tenantId, asset, amount };
  if (place === 'refundable') return { type: 'intent_underpaid', ...common };
  return { type: 'receipt_move', ...common, moveId: underpaidIdOf(intentId), from: 'clearing', to: purposes[place] };
}
