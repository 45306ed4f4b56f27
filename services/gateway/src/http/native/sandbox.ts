import { intentAssets, intentCurrencies, simulateDeposit } from '@daybook/contracts';
import { FailureError } from '@daybook/http';
import { codeFrom, uuidv7 } from '@daybook/runtime';
import { z } from 'zod';
import type { Services } from '../../ports';
import { amountOf, amountToken, optionalKeyHeader, text } from '../fields';
import { accepted } from '../rejections';
import { bodyFailures, errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect, nativeRejections, sandboxOnly } from './dialect';

export function sandboxRoutes({
  services: { chainWatcher },
}: {
  readonly services: Pick<Services, 'chainWatcher'>;
}): Route[] {
  return [
    route({
      dialect: 'native',
      method: 'post',
      path: '/v1/sandbox/deposits',
      summary: 'Simulate a deposit',
      description:
        'Puts a payment into the next block of a simulated chain. From there it takes the path of a real one. ' +
        '`address` is the `payment_address` of an intent, `asset` its currency.',
      access: ['intents'],
      request: {
        query: z.strictObject({}),
        headers: optionalKeyHeader,
        body: z.strictObject({
          address: text(2_048),
          asset: z.enum(intentCurrencies),
          amount: amountToken,
        }),
        bodyExample: { address: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t', asset: 'USDT_TRC20', amount: '99.50' },
      },
      responses: {
        201: {
          description: 'In a block.',
          schema: z.strictObject({ chain: z.string(), transaction_id: z.string(), block_number: z.number().int() }),
          example: { chain: 'tron-sandbox', transaction_id: '25a589255a298bf6', block_number: 42 },
        },
        ...errorsOf(nativeDialect, [
          ...bodyFailures,
          sandboxOnly,
          nativeRejections.asset_not_simulated,
          nativeRejections.address_not_found,
          nativeRejections.deposit_exists_with_different_fields,
        ]),
      },
      async handle({ caller, headers, body }) {
        if (caller.mode !== 'sandbox') throw new FailureError(sandboxOnly);
        const asset = intentAssets[body.asset];
        const key = headers['Idempotency-Key'];
        const { tenantId, mode } = caller;
        const outcome = await chainWatcher(simulateDeposit, {
          tenantId,
          mode,
          address: body.address,
          asset,
          amount: amountOf(body.amount, asset),
          depositKey: key === undefined ? uuidv7() : codeFrom('DEP', [tenantId, mode, 'sandbox.deposit', key]),
        });
        const deposit = accepted<typeof simulateDeposit>(outcome, nativeRejections);
        return {
          status: 201,
          body: { chain: deposit.chain, transaction_id: deposit.transactionId, block_number: deposit.blockNumber },
        };
      },
    }),
  ];
}
