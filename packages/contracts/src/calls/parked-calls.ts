import { z } from 'zod';
import { defineCall } from '../call-contract';
import { label, timestamp } from '../fields';

/** The messages of one key that a consumer has set aside. What they carry stays in the service. */
const parkedKey = z.object({
  group: z.string(),
  topic: z.string(),
  key: z.string(),
  /** Those waiting behind the first included. */
  messages: z.number().int().positive(),
  firstParkedAt: timestamp,
  /** Why the first could not be handled. Null when it has only waited behind one that was redriven since. */
  cause: z.string().nullable(),
  /** Of all of them. One that could not be read has none. */
  types: z.array(z.string()),
});

export type ParkedCalls = ReturnType<typeof parkedCalls>;

/** Served by every service that consumes, under its own name. */
export function parkedCalls(service: string) {
  return {
    /** Oldest first. `more` when there are others than fit. */
    list: defineCall({
      name: `${service}.list-parked`,
      request: z.strictObject({
        group: label.optional(),
        topic: label.optional(),
        key: label.optional(),
        limit: z.number().int().min(1).max(100),
      }),
      response: z.object({ keys: z.array(parkedKey), more: z.boolean() }),
    }),
    /**
     * Handles the messages of the key again, in their order, until one fails or the time of a call is over: then
     * `stillParked` is not 0, and `cause` is why the first of those failed, or null if it was not tried.
     */
    redrive: defineCall({
      name: `${service}.redrive-parked`,
      request: z.strictObject({ group: label, key: label, /** Credential of the operator. */ actor: z.string() }),
      response: z.object({
        handled: z.number().int().nonnegative(),
        stillParked: z.number().int().nonnegative(),
        cause: z.string().nullable(),
      }),
      rejections: ['parked_key_not_found'],
    }),
  };
}
