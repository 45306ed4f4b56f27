import { getBalance } from '@daybook/contracts';
import { FailureError, jsonNumber } from '@daybook/http';
import { z } from 'zod';
import type { Credential } from '../../app/credential';
import type { Services } from '../../ports';
import { amountNumber, timestampField } from '../fields';
import { accepted } from '../rejections';
import { errorsOf } from '../responses';
import { route, type Route } from '../route';
import { payDialect, payRejections, walletMissing } from './dialect';

/** The wallet that the credential acts for. */
export function walletOf(caller: Credential): string {
  if (caller.walletId === null) throw new FailureError(walletMissing);
  return caller.walletId;
}

export function walletRoutes({ services: { ledger } }: { readonly services: Pick<Services, 'ledger'> }): Route[] {
  return [
    route({
      dialect: 'pay',
      method: 'get',
      path: '/pay/v1/wallet/balance',
      summary: 'Wallet balance',
      description: 'What may be spent now, and what is on its way to the wallet.',
      access: ['pay'],
      request: { query: z.strictObject({}) },
      responses: {
        200: {
          description: 'The balance.',
          schema: z.strictObject({
            wallet_id: z.string(),
            currency: z.literal('TXC'),
            available_balance: z.number(),
            pending_balance: z.number(),
            last_updated: timestampField,
          }),
          example: {
            wallet_id: 'WALLET123',
            currency: 'TXC',
            available_balance: jsonNumber('1250.75'),
            pending_balance: jsonNumber('50.00'),
            last_updated: '2026-02-11T10:00:00Z',
          },
        },
        ...errorsOf(payDialect, [payRejections.account_not_found]),
      },
      async handle({ caller }) {
        const { mode, tenantId } = caller;
        const outcome = await ledger(getBalance, { mode, tenantId, accountId: walletOf(caller) });
        const balance = accepted<typeof getBalance>(outcome, payRejections);
        // An account of another asset is no wallet here: its units would be shown as TXC.
        if (balance.asset !== 'TXC') throw new FailureError(payRejections.account_not_found);
        return {
          body: {
            wallet_id: balance.accountId,
            currency: 'TXC',
            available_balance: amountNumber(balance.available, 'TXC'),
            pending_balance: amountNumber(balance.incoming, 'TXC'),
            last_updated: balance.updatedAt,
          },
        };
      },
    }),
  ];
}
