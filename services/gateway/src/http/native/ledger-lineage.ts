import { getLineage } from '@daybook/contracts';
import { z } from 'zod';
import type { Services } from '../../ports';
import { cursor, limit, pathId } from '../fields';
import { accepted } from '../rejections';
import { errorsOf } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect } from './dialect';
import { decimal, decimalOf, readerOf, watermark, watermarkExample } from './ledger-fields';
import { ledgerRejections } from './ledger-rejections';
import {
  describeEntry,
  describeHead,
  entry,
  entryExample,
  ledgerReferenceExample,
  transactionHead,
  transactionHeadExample,
} from './ledger-views';
import { accountIdOf, accountRefOf } from './own-accounts';

type Deps = { readonly services: Pick<Services, 'ledger'> };

const sourceEvent = z.strictObject({
  sequence: z.number().int(),
  type: z.string(),
  ledger_reference: z.string().meta({ description: "0x and the SHA-256 of the event's exact bytes." }),
  correlation_id: z.string(),
  causation_id: z.string(),
});

const page = {
  description: 'A page. `next_cursor` is null on the last one.',
  schema: z.strictObject({
    account_id: z.string(),
    posted: decimal.nullable().meta({ description: 'Null on a page without entries.' }),
    hops: z.array(z.strictObject({ entry, transaction: transactionHead, event: sourceEvent })),
    next_cursor: z.string().nullable(),
    watermark,
  }),
  example: {
    account_id: 'cash',
    posted: '1250.75',
    hops: [
      {
        entry: entryExample,
        transaction: transactionHeadExample,
        event: {
          sequence: 17,
          type: 'TransactionPosted',
          ledger_reference: ledgerReferenceExample,
          correlation_id: 'c-1',
          causation_id: 'c-1',
        },
      },
    ],
    next_cursor: null,
    watermark: watermarkExample,
  },
};

/** From an account's balance down to what caused it. */
export function lineageRoute({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ledger/accounts/{id}/lineage',
    summary: 'Where a balance comes from',
    description:
      'From the balance down, newest first: each entry, its transaction, the event that recorded it and why.',
    access: ['ledger:read', 'ops'],
    request: { params: z.strictObject({ id: pathId }), query: z.strictObject({ limit, cursor: cursor.optional() }) },
    paramsInvalid: ledgerRejections.account_not_found,
    responses: {
      200: page,
      ...errorsOf(nativeDialect, [ledgerRejections.cursor_invalid, ledgerRejections.account_not_found]),
    },
    async handle({ caller, params, query }) {
      const outcome = await ledger(getLineage, {
        ...readerOf(caller),
        accountId: accountIdOf(caller, params.id),
        limit: query.limit,
        cursor: query.cursor ?? null,
      });
      const value = accepted<typeof getLineage>(outcome, ledgerRejections);
      const code = value.hops[0]?.entry.asset;
      return {
        body: {
          account_id: accountRefOf(caller, value.accountId),
          posted: code === undefined ? null : decimalOf(value.posted, code),
          hops: value.hops.map((hop) => ({
            entry: describeEntry(caller, hop.entry),
            transaction: describeHead(caller, hop.transaction),
            event: {
              sequence: hop.event.sequence,
              type: hop.event.type,
              ledger_reference: hop.event.ledgerReference,
              correlation_id: hop.event.correlationId,
              causation_id: hop.event.causationId,
            },
          })),
          next_cursor: value.nextCursor,
          watermark: value.watermark,
        },
      };
    },
  });
}
