import type { Scope } from '@daybook/contracts';
import type { Failure } from '@daybook/http';
import type { z } from 'zod';
import type { Credential } from '../app/credential';

export type DialectName = 'pay' | 'intents' | 'native' | 'partner';

/** Who may call: holders of any of the scopes, holders of any credential, or everybody. There is no default. */
export type Access = readonly [Scope, ...Scope[]] | 'any credential' | 'public';

export type ResponseSpec = {
  readonly description: string;
  /** Absent for an answer without a body. */
  readonly schema?: z.ZodType;
  readonly example?: unknown;
  readonly headers?: z.ZodObject;
  /** application/json unless said. */
  readonly mediaType?: string;
};

/** `data` is sent as JSON. */
export type ServerSentEvent = { readonly event: string; readonly data: unknown };

export type Answer = {
  /** 200 unless said. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Absent for an answer without a body. */
  readonly body?: unknown;
  /** Instead of a body: what is told as it comes, until there is no more or the signal says that nobody listens. */
  readonly events?: (signal: AbortSignal) => AsyncIterable<ServerSentEvent>;
  /** Instead of a body: JSON Lines, some at a time, each with its end. One that fails is cut off. */
  readonly lines?: AsyncIterable<string>;
};

/** The request as it came, for what is checked byte by byte. */
export type RawRequest = {
  readonly method: string;
  /** Path and query, not decoded. */
  readonly url: string;
  readonly body: string;
  header(name: string): string | undefined;
};

type ObjectSchema = z.ZodObject | undefined;
type BodySchema = z.ZodType | undefined;
type OutputOf<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

export type RouteInput<Params, Query, Headers, Body, Allowed> = {
  readonly params: OutputOf<Params>;
  readonly query: OutputOf<Query>;
  readonly headers: OutputOf<Headers>;
  readonly body: OutputOf<Body>;
  readonly caller: Allowed extends 'public' ? undefined : Credential;
  readonly raw: RawRequest;
};

type Definition<
  Params extends ObjectSchema,
  Query extends ObjectSchema,
  Headers extends ObjectSchema,
  Body extends BodySchema,
  Allowed extends Access,
> = {
  readonly dialect: DialectName;
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** As OpenAPI writes it, from the root: `/pay/v1/transfer/{transaction_id}`. */
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly access: Allowed;
  readonly request: {
    readonly params?: Params;
    /** Parameters that are not named here are refused. */
    readonly query?: Query;
    /** Keys are the headers' names as documented. Other headers are not looked at. */
    readonly headers?: Headers;
    readonly body?: Body;
    /** No body is read as an object without fields. */
    readonly bodyOptional?: true;
    readonly bodyExample?: unknown;
  };
  /** Largest body in bytes, where it is not 1 MB. */
  readonly bodyBytesMax?: number;
  /** Name of a part of the path, on a route for notices of providers: counted by it, and apart from what clients ask. */
  readonly noticesOf?: string;
  /** The answer to an id in the path that no resource can have. */
  readonly paramsInvalid?: Failure;
  readonly responses: Readonly<Record<number, ResponseSpec>>;
  readonly handle: (input: RouteInput<Params, Query, Headers, Body, Allowed>) => Promise<Answer>;
};

type AnyInput = {
  readonly params: unknown;
  readonly query: unknown;
  readonly headers: unknown;
  readonly body: unknown;
  readonly caller: Credential | undefined;
  readonly raw: RawRequest;
};

/** A route as the mount and the OpenAPI document read it. */
export type Route = Omit<Definition<ObjectSchema, ObjectSchema, ObjectSchema, BodySchema, Access>, 'handle'> & {
  /** Gets the parts as their schemas read them. */
  readonly handle: (input: AnyInput) => Promise<Answer>;
};

/** Defines a route once: the express route and its place in the OpenAPI document are both made from this. */
export function route<
  const Allowed extends Access,
  Params extends ObjectSchema = undefined,
  Query extends ObjectSchema = undefined,
  Headers extends ObjectSchema = undefined,
  Body extends BodySchema = undefined,
>(definition: Definition<Params, Query, Headers, Body, Allowed>): Route {
  return definition as unknown as Route;
}
