import { z } from 'zod';
import { defineCall } from '../call-contract';

/** Of a service's own log: its read models, and the relay that tells others. */
const reader = z.object({
  name: z.string(),
  /** How long the first event is there that it has not applied, in seconds; 0 when it has applied all. */
  waitsS: z.number().nonnegative(),
});

/** Served by every service but the edge, under its own name: it tells of the log that it owns. */
export function serviceStatusCall(service: string) {
  return defineCall({
    name: `${service}.read-status`,
    request: z.strictObject({}),
    response: z.object({
      readers: z.array(reader),
      /** Who holds all readers back: the oldest open transaction of the cluster that has written. */
      oldestWriter: z
        .object({ application: z.string(), database: z.string(), ageS: z.number().nonnegative() })
        .nullable(),
    }),
  });
}

export type ServiceStatusCall = ReturnType<typeof serviceStatusCall>;
