import { createIntent, getIntent, intentAssets, intentCurrencies } from '@daybook/contracts';
import { FailureError, jsonNumber } from '@daybook/http';
import { z } from 'zod';
import type { Services } from '../../ports';
import { amountOf, amountToken, optionalKeyHeader, pathUuid, text } from '../fields';
import { accepted } from '../rejections';
import { replayedHeader, replayedIf } from '../replayed';
import { bodyFailures, errorsOf, invalidField } from '../responses';
import { route, type Route } from '../route';
import { intentsDialect, intentsRejections, methodUnsupported } from './dialect';
import {
  describeIntent,
  describeStatus,
  intentExample,
  intentShape,
  isIntentCurrency,
  settledExample,
  statusShape,
} from './view';

type Deps = { readonly services: Pick<Services, 'intents'> };

export function paymentIntentRoutes(deps: Deps): Route[] {
  return [create(deps), fetchStatus(deps)];
}

function create({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'intents',
    method: 'post',
    path: '/api/v1/intents/create-payment',
    summary: 'Create a payment intent',
    description:
      'Creates an intent with an address of its own and returns the deposit parameters. A repeat with the same ' +
      '`Idempotency-Key` returns that intent. So does a repeat without one, of equal order, currency and amount, while ' +
      'the intent is open and when it is paid or settled: a second charge of the same order needs an `Idempotency-Key`.',
    access: ['intents'],
    request: {
      query: z.strictObject({}),
      headers: optionalKeyHeader,
      body: z.strictObject({
        amount: amountToken,
        currency: z
          .string()
          .max(100)
          .meta({ override: { enum: [...intentCurrencies] } }),
        order_id: text(200),
      }),
      bodyExample: { amount: jsonNumber('99.50'), currency: 'USDT_TRC20', order_id: 'INV_298418_XYZ' },
    },
    responses: {
      200: {
        description: 'The intent.',
        schema: z.strictObject({ success: z.literal(true), ...intentShape }),
        example: { success: true, ...intentExample },
        headers: replayedHeader,
      },
      ...errorsOf(intentsDialect, [
        ...bodyFailures,
        methodUnsupported,
        invalidField('amount', 'must be greater than zero'),
        intentsRejections.idempotency_key_reused,
      ]),
    },
    async handle({ caller, headers, body }) {
      if (!isIntentCurrency(body.currency)) throw new FailureError(methodUnsupported);
      const outcome = await intents(createIntent, {
        tenantId: caller.tenantId,
        mode: caller.mode,
        currency: body.currency,
        amount: amountOf(body.amount, intentAssets[body.currency]),
        orderId: body.order_id,
        idempotencyKey: headers['Idempotency-Key'] ?? null,
      });
      const { intent, replayed } = accepted<typeof createIntent>(outcome, intentsRejections);
      return {
        headers: replayedIf(replayed),
        body: { success: true, ...describeIntent(intent) },
      };
    },
  });
}

function fetchStatus({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'intents',
    method: 'get',
    path: '/api/v1/intents/{intent_id}',
    summary: 'Fetch intent status',
    description:
      'The intent as it is now. `transaction_hash` is that of the last payment that was applied to it: an intent that was ' +
      'paid only when it was late keeps null. `verified_at` is null until it is settled.',
    access: ['intents'],
    request: { params: z.strictObject({ intent_id: pathUuid }), query: z.strictObject({}) },
    paramsInvalid: intentsRejections.intent_not_found,
    responses: {
      200: {
        description: 'The intent.',
        schema: z.strictObject({ ...intentShape, ...statusShape }),
        example: settledExample,
      },
      ...errorsOf(intentsDialect, [intentsRejections.intent_not_found]),
    },
    async handle({ caller, params }) {
      const outcome = await intents(getIntent, {
        tenantId: caller.tenantId,
        mode: caller.mode,
        intentId: params.intent_id,
      });
      const { intent } = accepted<typeof getIntent>(outcome, intentsRejections);
      return { body: { ...describeIntent(intent), ...describeStatus(intent) } };
    },
  });
}
