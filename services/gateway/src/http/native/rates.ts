import { createQuote, getQuote, getRate, type quoteView } from '@daybook/contracts';
import { assetCodes } from '@daybook/money';
import { z } from 'zod';
import type { Services } from '../../ports';
import { amountOf, amountToken, optionalKeyHeader, pathUuid, timestampField } from '../fields';
import { accepted } from '../rejections';
import { replayedHeader, replayedIf } from '../replayed';
import { bodyFailures, errorsOf, invalidField } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect, nativeRejections, noRate } from './dialect';
import { decimal, decimalOf } from './ledger-fields';

type Deps = { readonly services: Pick<Services, 'intents'> };

/** What one asset is worth in another, and quotes that hold for a while. */
export function rateRoutes(deps: Deps): Route[] {
  return [rates(deps), issue(deps), read(deps)];
}

const asset = z.enum(assetCodes);
const digits = z.string().regex(/^[1-9]\d*$/);
const rateShape = {
  from: asset,
  to: asset,
  rate: z
    .strictObject({ numerator: digits, denominator: digits })
    .meta({ description: 'Units of `to` for one unit of `from`, as an exact fraction.' }),
  sources: z.array(z.string()).meta({ description: 'Who said so.' }),
  observed_at: timestampField.meta({ description: 'When the oldest of them did.' }),
};
const rateExample = {
  from: 'BTC',
  to: 'USD',
  rate: { numerator: '6500012', denominator: '100' },
  sources: ['coinbase', 'kraken'],
  observed_at: '2026-02-11T10:05:00.000Z',
};

const quoteShape = {
  quote_id: z.uuid(),
  ...rateShape,
  amount: decimal.meta({ description: 'Of `from`.' }),
  to_amount: decimal.meta({ description: 'Of `to`: by the rate, rounded down.' }),
  created_at: timestampField,
  expires_at: timestampField.meta({ description: 'It may be used as often as one likes until then.' }),
  expired: z.boolean(),
};
const quoteExample = {
  quote_id: '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d',
  ...rateExample,
  amount: '0.10',
  to_amount: '6500.01',
  created_at: '2026-02-11T10:05:02.000Z',
  expires_at: '2026-02-11T10:06:02.000Z',
  expired: false,
};

type Quote = z.output<typeof quoteView>;

function describeRate(told: Pick<Quote, 'from' | 'to' | 'numerator' | 'denominator' | 'sources' | 'observedAt'>) {
  return {
    from: told.from,
    to: told.to,
    rate: { numerator: told.numerator.toString(), denominator: told.denominator.toString() },
    sources: told.sources,
    observed_at: told.observedAt,
  };
}

function describeQuote(quote: Quote, expired: boolean) {
  return {
    quote_id: quote.quoteId,
    ...describeRate(quote),
    amount: decimalOf(quote.amount, quote.from),
    to_amount: decimalOf(quote.toAmount, quote.to),
    created_at: quote.createdAt,
    expires_at: quote.expiresAt,
    expired,
  };
}

function rates({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/rates',
    summary: 'Read a rate',
    description:
      'What one unit of an asset is worth in another at this moment. A rate that is not a number, not positive, older than ' +
      'a minute, of no likely size, upside down or far from the last good one is refused, and said so. Sandbox ' +
      'credentials get fixed rates.',
    access: ['intents', 'partner'],
    request: { query: z.strictObject({ from: asset, to: asset }) },
    responses: {
      200: { description: 'The rate.', schema: z.strictObject(rateShape), example: rateExample },
      ...errorsOf(nativeDialect, Object.values(noRate)),
    },
    async handle({ caller: { mode }, query }) {
      const outcome = await intents(getRate, { mode, ...query });
      return { body: describeRate(accepted<typeof getRate>(outcome, nativeRejections).rate) };
    },
  });
}

function issue({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/quotes',
    summary: 'Quote an amount in another asset',
    description:
      'The rate is recorded with the quote, which holds until it expires. A repeat with the same `Idempotency-Key` gets ' +
      'the original quote, expired or not.',
    access: ['intents', 'partner'],
    request: {
      query: z.strictObject({}),
      headers: optionalKeyHeader,
      body: z.strictObject({ from: asset, to: asset, amount: amountToken }),
      bodyExample: { from: 'BTC', to: 'USD', amount: '0.1' },
    },
    responses: {
      201: {
        description: 'Quoted, or quoted before with the same key.',
        schema: z.strictObject(quoteShape),
        example: quoteExample,
        headers: replayedHeader,
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        invalidField('Idempotency-Key', 'must be 1 to 200 printable ASCII characters without spaces'),
        quoteReused,
        nativeRejections.amount_too_small,
        nativeRejections.amount_too_large,
        ...Object.values(noRate),
      ]),
    },
    async handle({ caller: { tenantId, mode }, headers, body }) {
      const amount = amountOf(body.amount, body.from);
      const key = headers['Idempotency-Key'] ?? null;
      const request = { tenantId, mode, from: body.from, to: body.to, amount, idempotencyKey: key };
      const outcome = await intents(createQuote, request);
      const table = { ...nativeRejections, idempotency_key_reused: quoteReused };
      const { quote, isExpired, replayed } = accepted<typeof createQuote>(outcome, table);
      return {
        status: 201,
        headers: replayedIf(replayed),
        body: describeQuote(quote, isExpired),
      };
    },
  });
}

const quoteReused = {
  status: 409,
  code: 'IDEMPOTENCY_KEY_REUSED',
  message: 'Idempotency-Key was already used for another quote.',
} as const;

function read({ services: { intents } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/quotes/{quote_id}',
    summary: 'Read a quote',
    description: 'As it was issued, and whether it still holds.',
    access: ['intents', 'partner'],
    request: { params: z.strictObject({ quote_id: pathUuid }), query: z.strictObject({}) },
    paramsInvalid: nativeRejections.quote_not_found,
    responses: {
      200: { description: 'The quote.', schema: z.strictObject(quoteShape), example: quoteExample },
      ...errorsOf(nativeDialect, [nativeRejections.quote_not_found]),
    },
    async handle({ caller: { tenantId, mode }, params }) {
      const outcome = await intents(getQuote, { tenantId, mode, quoteId: params.quote_id });
      const { quote, isExpired } = accepted<typeof getQuote>(outcome, nativeRejections);
      return { body: describeQuote(quote, isExpired) };
    },
  });
}
