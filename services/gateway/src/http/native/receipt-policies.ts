import { getReceiptPolicy, receiptPlaces, setReceiptPolicy, type receiptPolicyView } from '@daybook/contracts';
import { jsonInteger } from '@daybook/http';
import { assetCodes, type AssetCode } from '@daybook/money';
import { z } from 'zod';
import type { Services } from '../../ports';
import { amountOf, amountToken, timestampField } from '../fields';
import { accepted } from '../rejections';
import { bodyFailures, errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect } from './dialect';
import { decimal, decimalOf } from './ledger-fields';

type Deps = { readonly services: Pick<Services, 'intents'> };
type Policy = z.output<typeof receiptPolicyView>;

/** Where a tenant's money goes that came to an address and cannot be applied to its intent. */
export function receiptPolicyRoutes(deps: Deps): Route[] {
  return [read(deps), replace(deps)];
}

const restPlaces = ['credited', 'held', 'refundable'] as const;
const toleranceMeta = { description: 'An intent with no more than this missing is paid; in 1/10,000 of its amount.' };
/** Answers have it as a number; requests are read without losing digits. */
const toleranceShown = z.number().int().min(0).max(1_000).meta(toleranceMeta);
const toleranceGiven = jsonInteger
  .refine((bps) => bps >= 0 && bps <= 1_000, 'must be a whole number from 0 to 1000')
  .meta({ ...toleranceMeta, override: { type: 'integer', minimum: 0, maximum: 1_000 } });

const underOf = <Tolerance extends z.ZodType<number>>(tolerance: Tolerance) =>
  z
    .strictObject({ tolerance_bps: tolerance, place: z.enum(['held', 'refundable']) })
    .meta({ description: 'When the intent ends with less than its amount.' });

const parts = {
  over: z.enum(restPlaces).meta({ description: 'What is more than the amount.' }),
  late: z.enum(restPlaces).meta({ description: 'What comes after the intent expired.' }),
  wrong_asset: z
    .enum(['held', 'refundable', 'suspense'])
    .meta({ description: 'Another asset than the intent is in. It is never converted.' }),
};
const dustOf = <Amount extends z.ZodType>(amount: Amount) =>
  z
    .strictObject({ below: z.partialRecord(z.enum(assetCodes), amount), place: z.enum(receiptPlaces) })
    .meta({ description: 'What is less than `below` for its asset goes there instead.' });

const shape = {
  under: underOf(toleranceShown),
  ...parts,
  dust: dustOf(decimal),
  changed_at: timestampField.nullable().meta({ description: 'Null while it is the default.' }),
};

const bodyExample = {
  under: { tolerance_bps: 50, place: 'held' },
  over: 'refundable',
  late: 'credited',
  wrong_asset: 'suspense',
  dust: { below: { USDT_TRC20: '1.00' }, place: 'credited' },
};
const example = { ...bodyExample, changed_at: '2026-02-11T10:05:00.000Z' };

function describe({ under, over, late, wrongAsset, dust }: Policy, changedAt: string | null) {
  return {
    under: { tolerance_bps: under.toleranceBps, place: under.place },
    over,
    late,
    wrong_asset: wrongAsset,
    dust: {
      below: Object.fromEntries(entriesOf(dust.below).map(([asset, units]) => [asset, decimalOf(units, asset)])),
      place: dust.place,
    },
    changed_at: changedAt,
  };
}

function entriesOf<Value>(byAsset: Readonly<Partial<Record<AssetCode, Value>>>): (readonly [AssetCode, Value])[] {
  return assetCodes.flatMap((asset) => {
    const value = byAsset[asset];
    return value === undefined ? [] : [[asset, value] as const];
  });
}

function read({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/admin/receipt-policies',
    summary: 'Read the receipt policy',
    description: 'Where money goes that came to a payment address and cannot be applied to its intent.',
    access: ['admin'],
    request: { query: z.strictObject({}) },
    responses: {
      200: { description: 'The policy that holds.', schema: z.strictObject(shape), example },
      ...errorsOf(nativeDialect),
    },
    async handle({ caller: { tenantId, mode } }) {
      const outcome = await intents(getReceiptPolicy, { tenantId, mode });
      const { policy, changedAt } = accepted<typeof getReceiptPolicy>(outcome, {});
      return { body: describe(policy, changedAt) };
    },
  });
}

function replace({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'put',
    path: '/v1/admin/receipt-policies',
    summary: 'Replace the receipt policy',
    description: 'All of it, for what is received from now on. What was decided before stays as it is.',
    access: ['admin'],
    request: {
      query: z.strictObject({}),
      body: z.strictObject({ under: underOf(toleranceGiven), ...parts, dust: dustOf(amountToken) }),
      bodyExample,
    },
    responses: {
      200: { description: 'The policy that holds now.', schema: z.strictObject(shape), example },
      ...errorsOf(nativeDialect, bodyFailures),
    },
    async handle({ caller: { tenantId, mode, credentialId }, body }) {
      const { under, over, late, wrong_asset: wrongAsset, dust } = body;
      const below = Object.fromEntries(
        entriesOf(dust.below).map(([asset, token]) => [asset, amountOf(token, asset, `dust.below.${asset}`)]),
      );
      const outcome = await intents(setReceiptPolicy, {
        tenantId,
        mode,
        policy: {
          under: { toleranceBps: under.tolerance_bps, place: under.place },
          over,
          late,
          wrongAsset,
          dust: { below, place: dust.place },
        },
        actor: credentialId,
      });
      const { policy, changedAt } = accepted<typeof setReceiptPolicy>(outcome, {});
      return { body: describe(policy, changedAt) };
    },
  });
}
