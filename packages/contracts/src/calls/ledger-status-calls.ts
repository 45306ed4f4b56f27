import { z } from 'zod';
import { defineCall } from '../call-contract';
import { mode, timestamp } from '../fields';

const count = z.number().int().nonnegative();

/** How far the ledger is: its books, and whoever reads them. */
export const getLedgerStatus = defineCall({
  name: 'ledger.get-status',
  request: z.strictObject({}),
  response: z.object({
    books: z.array(
      z.object({
        mode,
        events: count,
        /** Null before the first. `size` is the number of events that it covers. */
        lastCheckpoint: z.object({ size: count, signedAt: timestamp, keyId: z.string() }).nullable(),
        /**
         * Seconds that an event has waited to be signed beyond those that it may; 0 when none has. Null where nothing is
         * signed, absent in ledgers of earlier releases.
         */
        signingLateS: z.number().nonnegative().nullable().optional(),
      }),
    ),
    /** Read models, shown or being built, the relay and other subscribers of the journal. */
    readers: z.array(
      z.object({
        name: z.string(),
        applied: count,
        /** Events that it has not applied yet. */
        lag: count,
        movedAt: timestamp,
      }),
    ),
  }),
});
