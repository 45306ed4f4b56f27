import type { CallOutcome, CallRequest, getPayment, getPayments, listPayments } from '@daybook/contracts';
import type { PersonalData } from '@daybook/event-store';
import { summaryOf, type PaymentSummary } from '../domain/provider-payment';
import type { PaymentKey, PaymentQuery, PaymentStore } from '../ports';
import { paymentStream } from './ask-provider';
import { viewOfPayment } from './payment-view';

/** `find` and `count` see every payment that was created before the call. */
export function paymentReads(deps: {
  readonly payments: PaymentStore;
  readonly personalData: PersonalData;
  readonly find: (query: PaymentQuery) => Promise<readonly PaymentKey[]>;
  readonly rowsOf: (request: CallRequest<typeof getPayments>) => Promise<readonly PaymentSummary[]>;
  readonly count: (query: PaymentQuery) => Promise<number>;
}) {
  const { payments, personalData } = deps;
  return {
    async getPayment({
      tenantId,
      mode,
      transactionId,
    }: CallRequest<typeof getPayment>): Promise<CallOutcome<typeof getPayment>> {
      const { state } = await payments.load(paymentStream(transactionId));
      if (state.stage === 'none' || state.tenantId !== tenantId || state.mode !== mode)
        return { ok: false, rejection: 'payment_not_found' };
      return { ok: true, value: { payment: await viewOfPayment(personalData, summaryOf(state)) } };
    },

    async listPayments(request: CallRequest<typeof listPayments>): Promise<CallOutcome<typeof listPayments>> {
      const [found, total] = await Promise.all([deps.find(request), deps.count(request)]);
      return { ok: true, value: { payments: [...found], total } };
    },

    async getPayments(request: CallRequest<typeof getPayments>): Promise<CallOutcome<typeof getPayments>> {
      const found = await deps.rowsOf(request);
      const views = await Promise.all(found.map((summary) => viewOfPayment(personalData, summary)));
      return { ok: true, value: { payments: views } };
    },
  };
}
