/**
 * Fields that the stored form of an event leaves out when they say nothing: most events of a book are made of few of their
 * fields, and every byte is hashed, sent, written, read and kept for ever. In an event itself every field is there.
 */
import { z } from 'zod';

type Fields = Readonly<Record<string, unknown>>;

/** What a field is when it is left out, and whether it is that. `fields` are the others of the event. */
export type Implied = {
  readonly kind: 'null' | 'none' | 'other';
  readonly value: (fields: Fields) => unknown;
  readonly holds: (value: never, fields: Fields) => boolean;
};

const rules = new WeakMap<z.ZodType, Implied>();

/** How the field is left out, if it may be. */
export function impliedOf(field: z.ZodType): Implied | undefined {
  return rules.get(field);
}

export function implied<Field extends z.ZodType>(
  field: Field,
  value: (fields: Fields) => z.output<Field>,
  holds: (value: z.output<Field>, fields: Fields) => boolean,
): z.ZodOptional<Field> {
  return ruled(z.optional(field), { kind: 'other', value, holds });
}

/** Left out when it is null. */
export function orNull<Field extends z.ZodType>(field: Field): z.ZodOptional<Field> {
  return ruled(z.optional(field), { kind: 'null', value: () => null, holds: (value) => value === null });
}

/** Left out when there is none. */
export function orNone<Field extends z.ZodType>(list: z.ZodArray<Field>): z.ZodOptional<z.ZodArray<Field>> {
  const holds = (value: readonly unknown[]) => value.length === 0;
  return ruled(z.optional(list), { kind: 'none', value: () => [], holds });
}

function ruled<Field extends z.ZodType>(field: Field, rule: Implied): Field {
  rules.set(field, rule);
  return field;
}

type Shape = Readonly<Record<string, z.ZodType>>;

/** The event without the fields that are implied. */
export function shortened(shape: Shape, event: Fields): Fields {
  const isTold = ([name, value]: readonly [string, unknown]) =>
    shape[name] === undefined || impliedOf(shape[name])?.holds(value as never, event) !== true;
  return Object.fromEntries(Object.entries(event).filter(isTold));
}

/** The event with all of its fields. */
export function completed(shape: Shape, told: Fields): Fields {
  const missing = Object.entries(shape).flatMap(([name, field]) => {
    const how = told[name] === undefined ? impliedOf(field) : undefined;
    return how === undefined ? [] : [[name, how.value(told)]];
  });
  return { ...told, ...Object.fromEntries(missing) };
}
