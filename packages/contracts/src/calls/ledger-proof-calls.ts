import { z } from 'zod';
import { defineCall } from '../call-contract';
import { mode, tenantId, timestamp } from '../fields';

/** What makes the books provable to somebody who has nothing but a public key; see docs/verify.md. */

const sequence = z.number().int().nonnegative();
/** A number of events from the first. */
const size = z.number().int().positive();
const hash = z.string().regex(/^[A-Za-z0-9+/]{43}=$/);

/** The exact text that is signed, and the Ed25519 signature of its bytes in base64. */
const signedCheckpoint = z.object({ text: z.string(), signature: z.string() });

const checkpointView = signedCheckpoint.extend({
  size,
  keyId: z.string(),
  signedAt: timestamp,
  /** Of the event that records it. */
  sequence,
});

/**
 * Visible to a tenant when an entry of the transaction is on one of its accounts; `tenantId` null sees all. Withheld from a
 * tenant when the bytes say what only others may see: what its poster noted, or that their accounts crossed a limit.
 */
export const getTransactionProof = defineCall({
  name: 'ledger.get-transaction-proof',
  request: z.strictObject({
    mode,
    tenantId: tenantId.nullable(),
    transactionId: z.string(),
    /** Only if it stands there. */
    sequence: sequence.optional(),
    /** Also show that the checkpoint continues the tree of so many events; null for no. */
    since: size.nullable(),
  }),
  response: z.object({
    transactionId: z.string(),
    sequence,
    /** The event's exact bytes, base64. */
    payload: z.base64(),
    /** The latest. */
    checkpoint: checkpointView,
    /** Inclusion proof of RFC 9162: hashes in base64, from the leaf to the root. */
    inclusion: z.array(hash),
    /** Consistency proof of RFC 9162, from `since` to the size of the checkpoint. */
    consistency: z.array(hash).nullable(),
  }),
  rejections: ['transaction_not_found', 'withheld', 'not_signed_yet', 'since_beyond_checkpoint'],
});

/** The keys that have signed checkpoints of a book, oldest first; the last one signs now. */
export const listSigningKeys = defineCall({
  name: 'ledger.list-signing-keys',
  request: z.strictObject({ mode }),
  response: z.object({
    /** First line of the book's checkpoints. */
    origin: z.string(),
    keys: z.array(
      z.object({
        keyId: z.string(),
        /** The raw key, base64. */
        publicKey: z.string(),
        /** It signs checkpoints of more events than this, up to and with `upTo`; null while it is in use. */
        after: sequence,
        upTo: size.nullable(),
        /** The checkpoint by which the key before introduced this one; null for the first. */
        introducedBy: signedCheckpoint.nullable(),
      }),
    ),
    /** Null before the first. */
    latest: checkpointView.nullable(),
  }),
});

const bound = z.union([z.strictObject({ sequence }), z.strictObject({ instant: timestamp })]);

/**
 * The range of an export: from a sequence, or the first event recorded at or after an instant, up to and with a sequence,
 * or up to the last event recorded before an instant. Null is the first event, or the last one there is; but a checkpoint
 * that is last of all is left out, because it does not cover itself.
 */
export const planExport = defineCall({
  name: 'ledger.plan-export',
  request: z.strictObject({ mode, from: bound.nullable(), to: bound.nullable() }),
  response: z.object({
    first: sequence,
    /** `first - 1` when there is none. */
    last: z.number().int().min(-1),
    /** Of the event that records the checkpoint that was left out; a ledger of before never leaves one out. */
    leftOut: sequence.nullable().default(null),
    /** First and last line of the file, with their ends. */
    header: z.string(),
    manifest: z.string(),
  }),
  rejections: ['range_invalid'],
});

/** Some of the lines between, from the event `next` of the planned range on. The range is read when `next` is beyond it. */
export const readExport = defineCall({
  name: 'ledger.read-export',
  request: z.strictObject({ mode, first: sequence, last: sequence, next: sequence }),
  response: z.object({ lines: z.string(), next: sequence }),
  rejections: ['range_invalid'],
});
