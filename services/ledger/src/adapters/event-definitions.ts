/** What the definitions of stored events say of their fields, for what compiles them. */
import type { z } from 'zod';
import { impliedOf, type Implied } from './implied-fields';

/** The fields of the seal: the event's own type, and the hash of the one before. */
export type Seal = { readonly type: string; readonly hash: string };

export const identifier = /^[A-Za-z_]\w*$/;

/** `def` of a zod schema, as far as it is used here. */
export type Def = {
  readonly type: string;
  readonly format?: string;
  readonly checks?: readonly { readonly _zod: { readonly def: { readonly pattern?: RegExp } } }[];
  readonly values?: readonly unknown[];
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly valueType?: z.ZodType;
};

export function defOf(schema: z.ZodType): Def {
  return (schema as unknown as { readonly def: Def }).def;
}

/** What a field is when it is there, and what it is otherwise. */
export function toldOf(field: z.ZodType): { readonly told: z.ZodType; readonly how: Implied | undefined } {
  const how = impliedOf(field);
  return { told: how === undefined ? field : defOf(field).innerType!, how };
}
