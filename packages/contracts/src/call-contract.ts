import type { z } from 'zod';

/**
 * One internal request between two services: the caller waits for the answer. A rule's no is part of the answer
 * (`rejections`, in order of precedence), not an HTTP error.
 */
export type CallContract<
  Request extends z.ZodType = z.ZodType,
  Response extends z.ZodType = z.ZodType,
  Rejection extends string = string,
> = {
  /** `<service>.<verb-noun>`; served at `POST /calls/<name>`. */
  readonly name: string;
  readonly request: Request;
  readonly response: Response;
  readonly rejections: readonly Rejection[];
  /** Busy callers send several in one request. For calls that all take about as long: the answers come together. */
  readonly batched?: boolean;
  /**
   * The answer waits for somebody outside: a provider, a node, a name server. These calls have connections of their own, so
   * that whoever hangs makes none wait that need nobody outside.
   */
  readonly outward?: boolean;
  /** Largest request in bytes, where 1 MB is not enough. */
  readonly bodyMax?: number;
  /**
   * The request is plain but for minor units, so callers write it without asking the schema, which costs more than the
   * rest of a large call. Who answers reads it by the schema, as ever.
   */
  readonly plain?: boolean;
};

export function defineCall<
  Request extends z.ZodType,
  Response extends z.ZodType,
  const Rejection extends string = never,
>(
  contract: Omit<CallContract<Request, Response, Rejection>, 'rejections'> & {
    readonly rejections?: readonly Rejection[];
  },
): CallContract<Request, Response, Rejection> {
  return Object.freeze({ ...contract, rejections: contract.rejections ?? [] });
}

export type CallRequest<Call> = Call extends CallContract<infer Request, z.ZodType, string> ? z.output<Request> : never;
export type CallOutcome<Call> =
  Call extends CallContract<z.ZodType, infer Response, infer Rejection>
    ? | { readonly ok: true; readonly value: z.output<Response> }
      /**
       * `replayed`: it is the recorded answer to an earlier request with the same id. `about`: the id of what is the reason,
       * where the call says so.
       */
      | { readonly ok: false; readonly rejection: Rejection; readonly replayed?: true; readonly about?: string }
    : never;
