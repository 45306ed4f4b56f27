import {
  getTransactionProof,
  listSigningKeys,
  mode,
  planExport,
  readExport,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import { FailureError, type Failure } from '@daybook/http';
import { z } from 'zod';
import type { Services } from '../../ports';
import { timestampField } from '../fields';
import { accepted, type RejectionOf } from '../rejections';
import { errorsOf, invalidField } from '../responses';
import { route, type Route } from '../route';
import { nativeDialect } from './dialect';
import { journalId, journalIdsOf, sequenceMeant, shownId } from './journal-ids';
import { instant, readerOf, wholeNumber } from './ledger-fields';

type Deps = { readonly services: Pick<Services, 'ledger'> };
type Checkpoint = Extract<CallOutcome<typeof getTransactionProof>, { ok: true }>['value']['checkpoint'];

/** What lets somebody who has nothing but a public key check the journal. */
export function proofRoutes(deps: Deps): Route[] {
  return [transactionProof(deps), signingKeys(deps), exportJournal(deps)];
}

type ProofRejection = RejectionOf<typeof getTransactionProof | typeof planExport | typeof readExport>;
const rejections = {
  transaction_not_found: { status: 404, code: 'TRANSACTION_NOT_FOUND', message: 'There is no such transaction.' },
  withheld: {
    status: 403,
    code: 'PROOF_WITHHELD',
    message:
      'Its bytes say what only its poster, or the owner of another of its accounts, may see. The operator has it.',
  },
  not_signed_yet: {
    status: 409,
    code: 'NOT_SIGNED_YET',
    message: 'No signed checkpoint covers the transaction yet; ask again in some seconds.',
  },
  since_beyond_checkpoint: invalidField('since', 'is beyond the latest signed checkpoint'),
  range_invalid: invalidField('from', 'is after to, or beyond the end of the journal'),
} as const satisfies Record<ProofRejection, Failure>;

const signed = z.strictObject({
  text: z.string().meta({ description: 'What is signed, exactly.' }),
  signature: z.string().meta({ description: 'Ed25519, of the bytes of the text; base64.' }),
});
const checkpoint = signed.extend({
  size: z.number().int().meta({ description: 'Events that it covers, from the first.' }),
  key_id: z.string(),
  signed_at: timestampField,
  sequence: z.number().int().meta({ description: 'Of the event that records it.' }),
});
const hashes = z.array(z.string());

const keyId = '9f86d081'.repeat(8);
const rawKey = '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=';
const root = 'ARpcoqKLAH8NiXvmQ8mRlA8k5jxQ9WK7Ss21hZ0uD1o=';
const signature = `${'Uqlq8MJ2'.repeat(10)}Uqlq8A==`;
const checkpointExample = {
  text: `daybook/book-live\n1200\n${root}\nhead ${keyId}\ntime 2026-02-11T10:06:10.000Z\nkey ${keyId} ${rawKey}\n`,
  signature,
  size: 1_200,
  key_id: keyId,
  signed_at: '2026-02-11T10:06:10.000Z',
  sequence: 1_200,
};

const describeCheckpoint = ({ keyId: id, signedAt, ...rest }: Checkpoint) => ({
  text: rest.text,
  signature: rest.signature,
  size: rest.size,
  key_id: id,
  signed_at: signedAt,
  sequence: rest.sequence,
});

function transactionProof({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ledger/transactions/{id}/proof',
    summary: 'Prove a transaction',
    description:
      "The journal event's exact bytes and the RFC 9162 inclusion proof that it stands at `sequence` in the tree of " +
      'the latest signed checkpoint. With `since`, also the proof that this tree continues the one of so many events. ' +
      'For transactions with an entry on an account of the caller, unless somebody else has noted something on it, or ' +
      "it left somebody else's account beyond its limits: the bytes would tell. Operators see all.",
    access: ['ledger:read', 'ops'],
    request: {
      params: z.strictObject({ id: journalId }),
      query: z.strictObject({
        sequence: sequenceMeant,
        since: wholeNumber
          .refine((size) => size > 0, 'must be greater than zero')
          .optional()
          .meta({ description: 'Size of an earlier checkpoint.', override: { type: 'integer', minimum: 1 } }),
      }),
    },
    paramsInvalid: rejections.transaction_not_found,
    responses: {
      200: {
        description: 'The proof. Hashes are base64, from the leaf to the root.',
        schema: z.strictObject({
          transaction_id: z.string(),
          sequence: z.number().int(),
          payload_base64: z.string(),
          inclusion: hashes,
          checkpoint,
          consistency: hashes.nullable(),
        }),
        example: {
          transaction_id: 'TX2001',
          sequence: 17,
          payload_base64: 'eyJldmVudCI6IlRyYW5zZmVyQ29uZmlybWVkIn0=',
          inclusion: [root],
          checkpoint: checkpointExample,
          consistency: null,
        },
      },
      ...errorsOf(nativeDialect, [
        rejections.since_beyond_checkpoint,
        rejections.withheld,
        rejections.transaction_not_found,
        rejections.not_signed_yet,
      ]),
    },
    async handle({ caller, params, query }) {
      const proof = await proofOf(ledger, journalIdsOf(caller, params.id), {
        ...readerOf(caller),
        ...(query.sequence === undefined ? {} : { sequence: query.sequence }),
        since: query.since ?? null,
      });
      return {
        body: {
          transaction_id: shownId(caller, proof.transactionId),
          sequence: proof.sequence,
          payload_base64: proof.payload,
          inclusion: proof.inclusion,
          checkpoint: describeCheckpoint(proof.checkpoint),
          consistency: proof.consistency,
        },
      };
    },
  });
}

type Asked = Omit<CallRequest<typeof getTransactionProof>, 'transactionId'>;

async function proofOf(ledger: Services['ledger'], [first, ...others]: readonly [string, ...string[]], asked: Asked) {
  let outcome = await ledger(getTransactionProof, { ...asked, transactionId: first });
  for (const transactionId of others)
    if (!outcome.ok && outcome.rejection === 'transaction_not_found')
      outcome = await ledger(getTransactionProof, { ...asked, transactionId });
  return accepted<typeof getTransactionProof>(outcome, rejections);
}

function signingKeys({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ledger/keys',
    summary: 'Keys that sign checkpoints',
    description:
      'The public keys of a book, oldest first, and its latest signed checkpoint. Keep a key that you have seen: each ' +
      'later one is introduced by a checkpoint that the one before has signed.',
    access: 'public',
    request: { query: z.strictObject({ mode: mode.default('live') }) },
    responses: {
      200: {
        description: 'The keys. The last one signs now.',
        schema: z.strictObject({
          origin: z.string().meta({ description: "First line of the book's checkpoints." }),
          keys: z.array(
            z.strictObject({
              key_id: z.string().meta({ description: 'Hex SHA-256 of the raw public key.' }),
              algorithm: z.literal('Ed25519'),
              public_key: z.string().meta({ description: 'The raw 32 bytes, base64.' }),
              signs_after: z.number().int(),
              signs_up_to: z.number().int().nullable(),
              introduced_by: signed.nullable(),
            }),
          ),
          latest_checkpoint: checkpoint.nullable(),
        }),
        example: {
          origin: 'daybook/book-live',
          keys: [
            {
              key_id: keyId,
              algorithm: 'Ed25519',
              public_key: rawKey,
              signs_after: 0,
              signs_up_to: null,
              introduced_by: null,
            },
          ],
          latest_checkpoint: checkpointExample,
        },
      },
      ...errorsOf(nativeDialect, [invalidField('mode', 'must be sandbox or live')]),
    },
    async handle({ query }) {
      const outcome = await ledger(listSigningKeys, { mode: query.mode });
      const { origin, keys, latest } = accepted<typeof listSigningKeys>(outcome, {});
      return {
        body: {
          origin,
          keys: keys.map((key) => ({
            key_id: key.keyId,
            algorithm: 'Ed25519',
            public_key: key.publicKey,
            signs_after: key.after,
            signs_up_to: key.upTo,
            introduced_by:
              key.introducedBy === null ? null : { text: key.introducedBy.text, signature: key.introducedBy.signature },
          })),
          latest_checkpoint: latest === null ? null : describeCheckpoint(latest),
        },
      };
    },
  });
}

/** An instant as `to` ends at the last event at the latest; only a sequence can be beyond it. */
const endInvalid = invalidField('to', 'is before from, or beyond the end of the journal');

type Bound = NonNullable<CallRequest<typeof planExport>['from']>;

const bound = z
  .union(
    [
      wholeNumber.transform((sequence): Bound => ({ sequence })),
      instant.transform((text): Bound => ({ instant: text })),
    ],
    { error: 'must be a sequence, or an instant such as 2026-02-01T00:00:00Z' },
  )
  .optional()
  .meta({
    description: 'A sequence, or an instant such as 2026-02-01T00:00:00Z.',
    override: { type: 'string' },
  });

function exportJournal({ services: { ledger } }: Deps): Route {
  return route({
    dialect: 'native',
    method: 'get',
    path: '/v1/ops/journal/export',
    summary: 'Export the journal',
    description:
      "A range of the book of the credential's mode, as a file that `daybook verify` checks with nothing but the public " +
      'key: from `from`, or the first event recorded then or later, up to and with the sequence `to`, or the last event ' +
      'recorded before it. Without `to` it goes to the last event, and ends before that one when it is a signed ' +
      'checkpoint, which does not cover itself: `Checkpoint-Left-Out` then names it, and the next export begins there. ' +
      'A file without its manifest, which is the last line, was cut off.',
    access: ['ops'],
    request: { query: z.strictObject({ from: bound, to: bound }) },
    responses: {
      200: {
        description: 'The file.',
        mediaType: 'application/x-ndjson',
        schema: z.string(),
        example: '{"type":"header"}\n{"type":"event","sequence":0,"payload":"{}"}\n{"type":"manifest"}\n',
        headers: z.object({
          'Checkpoint-Left-Out': z
            .string()
            .optional()
            .meta({ description: 'Sequence of the last event of the book, where the file ends before it.' }),
        }),
      },
      ...errorsOf(nativeDialect, [rejections.range_invalid, endInvalid]),
    },
    async handle({ caller, query }) {
      const request = { mode: caller.mode, from: query.from ?? null, to: query.to ?? null };
      const refused = request.to !== null && 'sequence' in request.to ? endInvalid : rejections.range_invalid;
      const plan = accepted<typeof planExport>(await ledger(planExport, request), { range_invalid: refused });
      const headers = plan.leftOut === null ? {} : { 'Checkpoint-Left-Out': String(plan.leftOut) };
      return { headers, lines: linesOf(plan) };

      async function* linesOf({ first, last, header, manifest }: typeof plan): AsyncGenerator<string> {
        yield header;
        for (let next = first; next <= last;) {
          const outcome = await ledger(readExport, { mode: caller.mode, first, last, next });
          if (!outcome.ok) throw new FailureError(rejections[outcome.rejection]);
          yield outcome.value.lines;
          next = outcome.value.next;
        }
        yield manifest;
      }
    },
  });
}
