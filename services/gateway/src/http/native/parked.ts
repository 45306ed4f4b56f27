import { label, type ParkedCalls } from '@daybook/contracts';
import { isOperationalError } from '@daybook/core';
import { z } from 'zod';
import { consumingServices, type ConsumingService, type ParkedMessages } from '../../ports';
import { limit, timestampField } from '../fields';
import { accepted } from '../rejections';
import { bodyFailures, errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect, nativeRejections } from './dialect';

export type ParkedDeps = { readonly parked: Readonly<Record<ConsumingService, ParkedMessages>> };

/** Messages belong to no mode before they are handled: an operator of either sees and redrives all. */
export function parkedRoutes(deps: ParkedDeps): Route[] {
  return [list(deps), redrive(deps)];
}

const service = z.enum(consumingServices);
const cause = z
  .string()
  .nullable()
  .meta({ description: 'Why the first of them could not be handled, when it was tried.' });

const example = {
  service: 'ledger',
  group: 'ledger.intents',
  topic: 'intents.intents',
  key: '018f3a52-7c1e-7b44-9d0a-5c0f2c1e8a01',
  messages: 3,
  first_parked_at: '2026-02-11T10:06:10.000Z',
  cause: 'Error: the intent has no posting rule',
  types: ['IntentUnderpaid', 'PaymentReceived'],
};

const parkedKey = z.strictObject({
  service,
  group: z.string(),
  topic: z.string(),
  key: z.string(),
  messages: z.number().int(),
  first_parked_at: timestampField,
  cause,
  types: z.array(z.string()),
});

function list({ parked }: ParkedDeps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ops/parked',
    summary: 'List parked messages',
    description:
      'Messages that a service could not handle, and those of the same key that wait behind them: one entry a key, ' +
      'oldest first. A service that does not answer is named in `unavailable`, and what it has parked is missing.',
    access: ['ops'],
    request: {
      query: z.strictObject({
        service: service.optional(),
        group: label.optional(),
        topic: label.optional(),
        key: label.optional(),
        limit,
      }),
    },
    responses: {
      200: {
        description: 'What is parked. `more`: there are other keys than fit.',
        schema: z.strictObject({ parked: z.array(parkedKey), more: z.boolean(), unavailable: z.array(service) }),
        example: { parked: [example], more: false, unavailable: ['settlement'] },
      },
      ...errorsOf(nativeDialect),
    },
    async handle({ query: { service: only, limit: most, ...filter } }) {
      const asked = only === undefined ? consumingServices : [only];
      const answers = await Promise.all(
        asked.map(async (name) => {
          const outcome = await orNothing(parked[name].list({ ...filter, limit: most }));
          return { name, found: outcome && accepted<ParkedCalls['list']>(outcome, {}) };
        }),
      );
      const keys = answers
        .flatMap(({ name, found }) => (found?.keys ?? []).map((key) => shown(name, key)))
        .toSorted((a, b) => Date.parse(a.first_parked_at) - Date.parse(b.first_parked_at));
      return {
        body: {
          parked: keys.slice(0, most),
          more: keys.length > most || answers.some(({ found }) => found?.more),
          unavailable: answers.filter(({ found }) => found === undefined).map(({ name }) => name),
        },
      };
    },
  });
}

async function orNothing<Answer>(asking: Promise<Answer>): Promise<Answer | undefined> {
  return asking.catch((error: unknown) => {
    if (isOperationalError(error)) return undefined;
    throw error;
  });
}

type Found = Extract<Awaited<ReturnType<ParkedMessages['list']>>, { ok: true }>['value']['keys'][number];

function shown(name: ConsumingService, { firstParkedAt, ...key }: Found) {
  return { service: name, ...key, first_parked_at: firstParkedAt };
}

function redrive({ parked }: ParkedDeps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/ops/parked/redrive',
    summary: 'Redrive a parked key',
    description:
      'Handles the messages of the key again, in their order, until one fails or a few seconds are over. Those that ' +
      'are left stay parked; repeat the request to go on. The service takes later messages once none is left.',
    access: ['ops'],
    request: {
      query: z.strictObject({}),
      body: z.strictObject({ service, group: label, key: label }),
      bodyExample: { service: example.service, group: example.group, key: example.key },
    },
    responses: {
      200: {
        description: 'Tried. `still_parked` is 0 when all of them are handled.',
        schema: z.strictObject({
          service,
          group: z.string(),
          key: z.string(),
          handled: z.number().int(),
          still_parked: z.number().int(),
          cause,
        }),
        example: {
          service: example.service,
          group: example.group,
          key: example.key,
          handled: 1,
          still_parked: 2,
          cause: example.cause,
        },
      },
      ...errorsOf(nativeDialect, [...bodyFailures, nativeRejections.parked_key_not_found]),
    },
    async handle({ caller, body: { service: name, group, key } }) {
      const outcome = await parked[name].redrive({ group, key, actor: caller.credentialId });
      const result = accepted<ParkedCalls['redrive']>(outcome, nativeRejections);
      return {
        body: {
          service: name,
          group,
          key,
          handled: result.handled,
          still_parked: result.stillParked,
          cause: result.cause,
        },
      };
    },
  });
}
