/** Payouts can be stopped: sends and transfers through institutions, of all tenants of a mode. */
import { z } from 'zod';
import { defineCall } from '../call-contract';
import { label, mode, storableText, timestamp } from '../fields';

const reason = storableText(500).min(1);

/** What operators see. Payouts go on when there is no stop. */
const payouts = z.object({
  /** Why they do not, the oldest first. */
  stops: z.array(
    z.object({ number: z.number().int().positive(), reason: z.string(), actor: z.string(), at: timestamp }),
  ),
  /** Payouts that are pending: sends that are not signed, transfers of which no institution says anything yet. */
  waiting: z.object({ sends: z.number().int().nonnegative(), transfers: z.number().int().nonnegative() }),
});

export const getPayouts = defineCall({
  name: 'settlement.get-payouts',
  request: z.strictObject({ mode }),
  response: payouts,
});

/** A repeat with the same reason changes nothing. */
export const stopPayouts = defineCall({
  name: 'settlement.stop-payouts',
  request: z.strictObject({ mode, reason, actor: label }),
  response: payouts,
});

/** Ends all stops if the caller has seen the newest, by its number. Without any it changes nothing. */
export const resumePayouts = defineCall({
  name: 'settlement.resume-payouts',
  request: z.strictObject({ mode, seen: z.number().int().nonnegative(), actor: label }),
  response: payouts,
  rejections: ['stopped_again'],
});
