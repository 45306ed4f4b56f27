import type { CallOutcome, CallRequest, simulatePayment as simulatePaymentCall } from '@daybook/contracts';
import type { PersonalData } from '@daybook/event-store';
import { summaryOf } from '../domain/provider-payment';
import type { PaymentStore } from '../ports';
import { paymentStream, type AskProvider } from './ask-provider';
import { viewOfPayment } from './payment-view';

/** The payer of a payment at the sandbox provider decides, and the provider is asked at once. */
export function simulatePayment(deps: {
  readonly payments: PaymentStore;
  readonly personalData: PersonalData;
  readonly ask: AskProvider;
  /** Answers which decision is the first, which stays. */
  readonly decide: (reference: string, outcome: 'succeeded' | 'failed') => Promise<'succeeded' | 'failed'>;
}) {
  return async ({
    tenantId,
    mode,
    transactionId,
    outcome,
  }: CallRequest<typeof simulatePaymentCall>): Promise<CallOutcome<typeof simulatePaymentCall>> => {
    const { state } = await deps.payments.load(paymentStream(transactionId));
    if (state.stage === 'none' || state.tenantId !== tenantId || state.mode !== mode)
      return { ok: false, rejection: 'payment_not_found' };
    if (state.provider !== 'sandbox' || state.reference === null)
      return { ok: false, rejection: 'payment_not_simulated' };
    if ((await deps.decide(state.reference, outcome)) !== outcome)
      return { ok: false, rejection: 'payment_decided_otherwise' };
    const now = await deps.ask(transactionId, true);
    const summary = now.stage === 'none' ? summaryOf(state) : summaryOf(now);
    return { ok: true, value: { payment: await viewOfPayment(deps.personalData, summary) } };
  };
}
