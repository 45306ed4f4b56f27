import { closePeriod, getOpenPeriod, listRejections } from '@daybook/contracts';
import { z } from 'zod';
import type { Services } from '../../ports';
import { cursor, limit, timestampField } from '../fields';
import { accepted } from '../rejections';
import { replayedHeader, replayedIf } from '../replayed';
import { bodyFailures, errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect } from './dialect';
import {
  dryRun,
  dryRunShown,
  instant,
  keyHeader,
  keyInvalid,
  ofTenant,
  readerOf,
  watermark,
  watermarkExample,
} from './ledger-fields';
import { ledgerRejections } from './ledger-rejections';
import { ledgerReferenceExample } from './ledger-views';

type Deps = { readonly services: Pick<Services, 'ledger'> };

/** Periods, and what only operators see and do. */
export function ledgerOperationRoutes(deps: Deps): Route[] {
  return [openPeriod(deps), close(deps), rejections(deps)];
}

function openPeriod({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ledger/period',
    summary: 'Show which period is open',
    description:
      "Postings may be effective from `open_from` on, in the book of the credential's mode; null while no period was " +
      'closed. What happened before is refused, or posted as of then, as its sender asks with `closed_period`.',
    access: ['ledger:read', 'ops'],
    request: { query: z.strictObject({}) },
    responses: {
      200: {
        description: 'The period.',
        schema: z.strictObject({ open_from: timestampField.nullable(), watermark }),
        example: { open_from: '2026-02-01T00:00:00.000Z', watermark: watermarkExample },
      },
      ...errorsOf(nativeDialect),
    },
    async handle({ caller }) {
      const outcome = await ledger(getOpenPeriod, { mode: caller.mode });
      const { openFrom, ...value } = accepted<typeof getOpenPeriod>(outcome, {});
      return { body: { open_from: openFrom, ...value } };
    },
  });
}

function close({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'post',
    path: '/v1/ops/periods/close',
    summary: 'Close a period',
    description:
      "Nothing becomes effective up to and including `through` any more, in the book of the credential's mode. What " +
      'happened then and is told later is refused, or posted as an adjustment, as its sender asks.',
    access: ['ops'],
    request: {
      query: z.strictObject({}),
      headers: keyHeader,
      body: z.strictObject({ through: instant, dry_run: dryRun }),
      bodyExample: { through: '2026-01-31T23:59:59.999Z' },
    },
    responses: {
      200: {
        description: 'Closed, or closed before with the same key.',
        schema: z.strictObject({
          through: timestampField,
          ledger_reference: z.string().nullable(),
          closed_at: timestampField,
          dry_run: dryRunShown,
        }),
        example: {
          through: '2026-01-31T23:59:59.999Z',
          ledger_reference: ledgerReferenceExample,
          closed_at: '2026-02-11T10:06:10.000Z',
          dry_run: false,
        },
        headers: replayedHeader,
      },
      ...errorsOf(nativeDialect, [
        ...bodyFailures,
        keyInvalid,
        ledgerRejections.period_not_over,
        ledgerRejections.id_reused,
        ledgerRejections.period_closed,
      ]),
    },
    async handle({ caller, headers, body }) {
      const outcome = await ledger(closePeriod, {
        mode: caller.mode,
        actor: caller.credentialId,
        dryRun: body.dry_run,
        closeId: headers['Idempotency-Key'],
        through: body.through,
      });
      const closed = accepted<typeof closePeriod>(outcome, ledgerRejections);
      return {
        headers: replayedIf(closed.replayed),
        body: {
          through: body.through,
          ledger_reference: closed.ledgerReference,
          closed_at: closed.at,
          dry_run: body.dry_run,
        },
      };
    },
  });
}

const refusedPage = {
  description: 'A page. `next_cursor` is null on the last one.',
  schema: z.strictObject({
    rejections: z.array(
      z.strictObject({
        sequence: z.number().int(),
        command_id: z.string(),
        command_type: z.string(),
        rejection: z.string(),
        tenant_id: z.string().nullable(),
        actor: z.string().nullable(),
        request: z.record(z.string(), z.string()),
        correlation_id: z.string(),
        causation_id: z.string(),
        at: timestampField,
      }),
    ),
    next_cursor: z.string().nullable(),
    watermark,
  }),
  example: {
    rejections: [
      {
        sequence: 18,
        command_id: '018f2f7a-0000-7000-8000-00000000000a/order-1025',
        command_type: 'PostTransaction',
        rejection: 'insufficient_balance',
        tenant_id: '018f2f7a-0000-7000-8000-00000000000a',
        actor: '018f2f7a-0000-7000-8000-00000000000c',
        request: { mode: 'authorizing', entryCount: '2' },
        correlation_id: 'c-1',
        causation_id: 'c-1',
        at: '2026-02-11T10:06:10.000Z',
      },
    ],
    next_cursor: null,
    watermark: watermarkExample,
  },
};

function rejections({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ops/rejections',
    summary: 'List refused commands',
    description: 'Newest first: who asked what, and which rule said no.',
    access: ['ops'],
    request: {
      query: z.strictObject({
        rejection: z
          .string()
          .regex(/^[a-z_]{1,100}$/, 'must be a name such as insufficient_balance')
          .optional(),
        ...ofTenant,
        limit,
        cursor: cursor.optional(),
      }),
    },
    responses: {
      200: refusedPage,
      ...errorsOf(nativeDialect, [ledgerRejections.cursor_invalid]),
    },
    async handle({ caller, query }) {
      const outcome = await ledger(listRejections, {
        ...readerOf(caller, query),
        rejection: query.rejection ?? null,
        limit: query.limit,
        cursor: query.cursor ?? null,
      });
      const page = accepted<typeof listRejections>(outcome, ledgerRejections);
      return {
        body: {
          rejections: page.rejections.map((each) => ({
            sequence: each.sequence,
            command_id: each.commandId,
            command_type: each.commandType,
            rejection: each.rejection,
            tenant_id: each.tenantId,
            actor: each.actor,
            request: each.request,
            correlation_id: each.correlationId,
            causation_id: each.causationId,
            at: each.at,
          })),
          next_cursor: page.nextCursor,
          watermark: page.watermark,
        },
      };
    },
  });
}
