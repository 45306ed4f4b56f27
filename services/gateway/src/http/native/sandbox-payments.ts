/** What happens at the sandbox provider: the payer decides, and money goes back. */
import { getPayment, paymentStatuses, simulatePayment, simulateReturn, type paymentView } from '@daybook/contracts';
import { FailureError } from '@daybook/http';
import { z } from 'zod';
import type { Services } from '../../ports';
import { amountOf, amountToken } from '../fields';
import { transactionId } from '../partner/fields';
import { accepted } from '../rejections';
import { bodyFailures, errorsOf, invalidField } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect, nativeRejections, sandboxOnly } from './dialect';
import { decimal, decimalOf } from './ledger-fields';

type Deps = { readonly services: Pick<Services, 'intents'> };

export function sandboxPaymentRoutes(deps: Deps): Route[] {
  return [simulate(deps), giveBack(deps)];
}

function simulate({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/sandbox/payments/{transaction_id}',
    summary: 'Decide a sandbox payment',
    description: 'Plays the payer of a payment that was made through a sandbox gateway. The first decision stays.',
    access: ['partner'],
    request: {
      params: z.strictObject({ transaction_id: transactionId }),
      query: z.strictObject({}),
      body: z.strictObject({ outcome: z.enum(['succeeded', 'failed']) }),
      bodyExample: { outcome: 'succeeded' },
    },
    paramsInvalid: nativeRejections.payment_not_found,
    responses: {
      200: {
        description: 'Decided.',
        schema: z.strictObject({ transaction_id: z.string(), status: z.enum(paymentStatuses) }),
        example: { transaction_id: 'TX4G7Q1ZK0WB8N3RDC5VYM', status: 'processing' },
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        sandboxOnly,
        nativeRejections.payment_not_found,
        nativeRejections.payment_not_simulated,
        nativeRejections.payment_decided_otherwise,
      ]),
    },
    async handle({ caller: { tenantId, mode }, params, body }) {
      if (mode !== 'sandbox') throw new FailureError(sandboxOnly);
      const outcome = await intents(simulatePayment, {
        tenantId,
        mode,
        transactionId: params.transaction_id,
        outcome: body.outcome,
      });
      const { payment } = accepted<typeof simulatePayment>(outcome, nativeRejections);
      return { body: { transaction_id: payment.transactionId, status: payment.status } };
    },
  });
}

function giveBack({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/sandbox/payments/{transaction_id}/returns',
    summary: 'Give back money of a sandbox payment',
    description:
      "Plays the sandbox provider's merchant, who refunds, and the payer's bank, which charges back. Both amounts are what went back " +
      'in all, so a repeat changes nothing; less than before is a refund that failed or a dispute that was won, and what is left ' +
      'out is none.',
    access: ['partner'],
    request: {
      params: z.strictObject({ transaction_id: transactionId }),
      query: z.strictObject({}),
      body: z.strictObject({ refunded: amountToken.optional(), charged_back: amountToken.optional() }),
      bodyExample: { refunded: '40.00' },
    },
    paramsInvalid: nativeRejections.payment_not_found,
    responses: {
      200: {
        description: 'Given back.',
        schema: z.strictObject({
          transaction_id: z.string(),
          status: z.enum(paymentStatuses),
          refunded: decimal,
          charged_back: decimal,
        }),
        example: {
          transaction_id: 'TX4G7Q1ZK0WB8N3RDC5VYM',
          status: 'completed',
          refunded: '40.00',
          charged_back: '0.00',
        },
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        invalidField('refunded', 'must be greater than zero'),
        sandboxOnly,
        nativeRejections.payment_not_found,
        nativeRejections.payment_not_simulated,
        nativeRejections.payment_not_taken,
        nativeRejections.returned_beyond_payment,
      ]),
    },
    async handle({ caller: { tenantId, mode }, params, body }) {
      if (mode !== 'sandbox') throw new FailureError(sandboxOnly);
      const owned = { tenantId, mode, transactionId: params.transaction_id };
      // The currency, which never changes, says how many decimals the amounts may have.
      const { payment: found } = accepted<typeof getPayment>(await intents(getPayment, owned), nativeRejections);
      const units = (field: keyof typeof body) => {
        const token = body[field];
        return token === undefined ? 0n : amountOf(token, found.asset, field);
      };
      const outcome = await intents(simulateReturn, {
        ...owned,
        refunded: units('refunded'),
        chargedBack: units('charged_back'),
      });
      return { body: returnedView(accepted<typeof simulateReturn>(outcome, nativeRejections).payment) };
    },
  });
}

function returnedView({ transactionId: id, status, asset, returned }: z.output<typeof paymentView>) {
  const { refunded = 0n, chargedBack = 0n } = returned ?? {};
  return {
    transaction_id: id,
    status,
    refunded: decimalOf(refunded, asset),
    charged_back: decimalOf(chargedBack, asset),
  };
}
