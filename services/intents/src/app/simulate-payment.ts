import type {
  CallOutcome,
  CallRequest,
  simulatePayment as simulatePaymentCall,
  simulateReturn as simulateReturnCall,
} from '@daybook/contracts';
import type { PersonalData } from '@daybook/event-store';
import { summaryOf, type PaymentState, type Returned } from '../domain/provider-payment';
import type { PaymentStore } from '../ports';
import { paymentStream, type AskProvider } from './ask-provider';
import { viewOfPayment } from './payment-view';

type Deps = { readonly payments: PaymentStore; readonly personalData: PersonalData; readonly ask: AskProvider };

/** What happens to a payment at the sandbox provider, which is asked at once. */
async function simulated<Rejection extends string>(
  deps: Deps,
  { tenantId, mode, transactionId }: Omit<CallRequest<typeof simulateReturnCall>, keyof Returned>,
  /** Undefined when it is so now. */
  happen: (reference: string, state: Exclude<PaymentState, { stage: 'none' }>) => Promise<Rejection | undefined>,
) {
  const { state } = await deps.payments.load(paymentStream(transactionId));
  if (state.stage === 'none' || state.tenantId !== tenantId || state.mode !== mode)
    return { ok: false, rejection: 'payment_not_found' } as const;
  if (state.provider !== 'sandbox' || state.reference === null)
    return { ok: false, rejection: 'payment_not_simulated' } as const;
  const rejection = await happen(state.reference, state);
  if (rejection !== undefined) return { ok: false, rejection } as const;
  const now = await deps.ask(transactionId, true);
  const summary = summaryOf(now.stage === 'none' ? state : now);
  return { ok: true, value: { payment: await viewOfPayment(deps.personalData, summary) } } as const;
}

/** The payer of a payment decides. */
export function simulatePayment(
  deps: Deps & {
    /** Answers which decision is the first, which stays. */
    readonly decide: (reference: string, outcome: 'succeeded' | 'failed') => Promise<'succeeded' | 'failed'>;
  },
) {
  return async ({
    outcome,
    ...payment
  }: CallRequest<typeof simulatePaymentCall>): Promise<CallOutcome<typeof simulatePaymentCall>> =>
    simulated(deps, payment, async (reference) =>
      (await deps.decide(reference, outcome)) === outcome ? undefined : 'payment_decided_otherwise',
    );
}

/** Some of a payment's money goes back, or comes again. */
export function simulateReturn(
  deps: Deps & {
    /** What went back from now on, in all. False when the payer has not paid. */
    readonly giveBack: (reference: string, returned: Omit<Returned, 'disputed'>) => Promise<boolean>;
  },
) {
  return async ({
    refunded,
    chargedBack,
    ...payment
  }: CallRequest<typeof simulateReturnCall>): Promise<CallOutcome<typeof simulateReturnCall>> =>
    simulated(deps, payment, async (reference, { amount }) => {
      if (refunded + chargedBack > amount) return 'returned_beyond_payment';
      return (await deps.giveBack(reference, { refunded, chargedBack })) ? undefined : 'payment_not_taken';
    });
}
