import { asset, chainFamilies, listWallets, mode } from '@daybook/contracts';
import type { AssetCode } from '@daybook/money';
import { z } from 'zod';
import type { Services } from '../../ports';
import { timestampField } from '../fields';
import { accepted } from '../rejections';
import { errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect } from './dialect';
import { decimal, decimalOf } from './ledger-fields';

const wallet = z.strictObject({
  wallet_id: z.string(),
  tenant_id: z.string(),
  mode,
  chain: z.string(),
  family: z.enum(chainFamilies),
  address: z.string(),
  asset,
  on_chain: decimal.nullable(),
  in_ledger: decimal.nullable(),
  difference: decimal.nullable(),
  underway: z.number().int(),
  at: timestampField.nullable(),
});

const example = {
  wallet_id: '0190f5a4-7c1e-7b3a-8d2f-4e5a6b7c8d9e',
  tenant_id: '0190f5a4-7c1e-7b3a-8d2f-4e5a6b7c8d9f',
  mode: 'sandbox',
  chain: 'evm',
  family: 'evm',
  address: '0x9858EfFD232B4033E47d90003D41EC34EcaEda94',
  asset: 'ETH',
  on_chain: '1.25',
  in_ledger: '1.25',
  difference: '0.00',
  underway: 0,
  at: '2026-02-11T10:06:10.000Z',
};

/** Hot wallets of all tenants, in the mode of the credential. */
export function hotWalletRoutes({
  services: { settlement },
}: {
  readonly services: Pick<Services, 'settlement'>;
}): Route[] {
  return [
    route({
      dialect: 'native',
      method: 'get',
      path: '/v1/ops/wallets',
      summary: 'Hot wallets',
      description:
        "What every wallet holds by the chain's final state, beside its account in the ledger. A `difference` other than " +
        'zero while nothing is `underway` is for a person to look at. The amounts are null where the chain or the ledger ' +
        'was not reached at the last look, which was `at`.',
      access: ['ops'],
      request: { query: z.strictObject({}) },
      responses: {
        200: {
          description: 'Every wallet and asset.',
          schema: z.strictObject({ wallets: z.array(wallet) }),
          example: { wallets: [example] },
        },
        ...errorsOf(nativeDialect),
      },
      async handle({ caller }) {
        const { wallets } = accepted<typeof listWallets>(await settlement(listWallets, {}), {});
        const ofMode = wallets.filter((known) => known.mode === caller.mode);
        return {
          body: {
            wallets: ofMode.map((known) => ({
              wallet_id: known.walletId,
              tenant_id: known.tenantId,
              mode: known.mode,
              chain: known.chain,
              family: known.family,
              address: known.address,
              asset: known.asset,
              on_chain: shown(known.onChain, known.asset),
              in_ledger: shown(known.inLedger, known.asset),
              difference: shown(known.difference, known.asset),
              underway: known.underway,
              at: known.at,
            })),
          },
        };
      },
    }),
  ];
}

function shown(units: bigint | null, code: AssetCode): string | null {
  return units === null ? null : decimalOf(units, code);
}
