/** Stopping payouts, for operators: all that leaves, in the mode of the credential. */
import { getPayouts, resumePayouts, stopPayouts, type CallOutcome } from '@daybook/contracts';
import { jsonInteger } from '@daybook/http';
import { z } from 'zod';
import type { Services } from '../../ports';
import { text, timestampField } from '../fields';
import { accepted } from '../rejections';
import { bodyFailures, errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect, nativeRejections } from './dialect';

type Deps = { readonly services: Pick<Services, 'settlement'> };
type Payouts = Extract<CallOutcome<typeof getPayouts>, { ok: true }>['value'];

export function payoutRoutes(deps: Deps): Route[] {
  return [show(deps), stop(deps), resume(deps)];
}

const schema = z.strictObject({
  stopped: z.boolean(),
  stops: z
    .array(
      z.strictObject({
        number: z.number().int(),
        reason: z.string(),
        actor: z.string().meta({ description: 'A credential, or `settlement` where it stopped payouts by itself.' }),
        at: timestampField,
      }),
    )
    .meta({ description: 'Why they are stopped, the oldest first.' }),
  waiting_sends: z.number().int().meta({ description: 'Pending sends, of which nothing has been signed.' }),
  waiting_transfers: z
    .number()
    .int()
    .meta({ description: 'Pending transfers, of which no institution says anything yet.' }),
});

const leaving = { stopped: false, stops: [], waiting_sends: 0, waiting_transfers: 0 };
const stopped = {
  stopped: true,
  stops: [
    {
      number: 1,
      reason: 'the key of a partner leaked',
      actor: '0190f5a4-7c1e-7b3a-8d2f-4e5a6b7c8d9e',
      at: '2026-02-11T10:06:10.000Z',
    },
  ],
  waiting_sends: 2,
  waiting_transfers: 1,
};

function describe({ stops, waiting }: Payouts) {
  const { sends, transfers } = waiting;
  return { stopped: stops.length > 0, stops, waiting_sends: sends, waiting_transfers: transfers };
}

function show({ services: { settlement } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ops/payouts',
    summary: 'Whether payouts leave',
    description: 'Sends on chains and transfers through institutions, of all tenants, in the mode of the credential.',
    access: ['ops'],
    request: { query: z.strictObject({}) },
    responses: {
      200: { description: 'As it is now.', schema, example: leaving },
      ...errorsOf(nativeDialect),
    },
    async handle({ caller: { mode } }) {
      return { body: describe(accepted<typeof getPayouts>(await settlement(getPayouts, { mode }), {})) };
    },
  });
}

function stop({ services: { settlement } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/ops/payouts/stop',
    summary: 'Stop payouts',
    description:
      'From the answer on nothing more is signed, given to a network for the first time, or told to an institution, but for ' +
      'what was in the middle of it. What is asked for meanwhile is taken, held and waits. What has left is followed to its ' +
      'end. A repeat with the same reason changes nothing; another reason is one more stop.',
    access: ['ops'],
    request: {
      query: z.strictObject({}),
      body: z.strictObject({ reason: text(500) }),
      bodyExample: { reason: 'the key of a partner leaked' },
    },
    responses: {
      200: { description: 'Stopped.', schema, example: stopped },
      ...errorsOf(nativeDialect, bodyFailures),
    },
    async handle({ caller: { mode, credentialId }, body: { reason } }) {
      const outcome = await settlement(stopPayouts, { mode, reason, actor: credentialId });
      return { body: describe(accepted<typeof stopPayouts>(outcome, {})) };
    },
  });
}

function resume({ services: { settlement } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/ops/payouts/resume',
    summary: 'Let payouts leave again',
    description:
      'Ends all stops, if the newest of them is the one that was seen: `last_seen` is its `number`. What waits goes on at ' +
      'once. A repeat changes nothing.',
    access: ['ops'],
    request: {
      query: z.strictObject({}),
      body: z.strictObject({
        last_seen: jsonInteger
          .refine((seen) => seen >= 1, 'must be the number of a stop')
          .meta({ override: { type: 'integer', minimum: 1 } }),
      }),
      bodyExample: { last_seen: 1 },
    },
    responses: {
      200: { description: 'They leave.', schema, example: leaving },
      ...errorsOf(nativeDialect, [...bodyFailures, nativeRejections.stopped_again]),
    },
    async handle({ caller: { mode, credentialId }, body }) {
      const outcome = await settlement(resumePayouts, { mode, seen: body.last_seen, actor: credentialId });
      return { body: describe(accepted<typeof resumePayouts>(outcome, nativeRejections)) };
    },
  });
}
