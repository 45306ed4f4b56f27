import { z } from 'zod';
import { defineCall } from '../call-contract';

/** Who follows a service's own log: read models that are shown, the relay that tells others, and what else has a place in it. */
const reader = z.object({
  name: z.string(),
  /** For how many seconds it has not moved although there is an event for it; 0 when there is none. */
  waitsS: z.number().nonnegative(),
});

/** Served by every service but the edge, under its own name, while it is ready. */
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
