/**
 * The stored form of events without the cost of checking it: from the zod definitions, walked once, the source of two
 * functions is written that write and read the same JSON. A book encodes every event that it decides and decodes all of
 * them when it is loaded; there its own values need no validation, because the types hold them, and stored bytes need
 * none, because the chain does.
 *
 *   encode   the same bytes as zod's, for every event that zod accepts; an amount out of range is left to zod to refuse
 *   decode   the same values as zod's, for every payload of the current version that zod accepts
 *
 * A definition with a kind of field that is not known here is not compiled, and zod does it all. A property test holds
 * both against zod for every type of event. The source is made of the definitions alone, never of data.
 */
import { minorUnits, signedMinorUnits } from '@daybook/contracts';
import type { z } from 'zod';
import { amountLimit, createJsonText, type JsonText } from './json-text';

type Fields = Readonly<Record<string, unknown>>;

export type CompiledEvent = {
  /** The stored bytes of an event behind the one with this hash; undefined when zod has to look at it. */
  encode(event: Fields, previousHash: string): Buffer | undefined;
  /** The event of a parsed payload, without its seal. */
  decode(data: Fields): Fields;
};

/** The fields of the seal: the event's own type, and the hash of the one before. */
type Seal = { readonly type: string; readonly hash: string };

const json = createJsonText();

export function compileEvent(type: string, schema: z.ZodObject, seal: Seal): CompiledEvent | undefined {
  const shape = Object.entries(schema.shape) as [string, z.ZodType][];
  const own = shape.filter(([name]) => name !== seal.type && name !== seal.hash);
  const written = shape.map(([name, field]): [string, string | undefined] => {
    if (name === seal.type) return [name, constant(JSON.stringify(type))];
    if (name === seal.hash) return [name, safe('hash')];
    return [name, encoderOf(field, `event.${name}`)];
  });
  const read = own.map(([name, field]): [string, string | null | undefined] => [name, decoderOf(field)]);
  const isKnown = ([, code]: readonly [string, unknown]) => code !== undefined;
  const optional = own.some(([, field]) => defOf(field).type === 'optional');
  if (!written.every(isKnown) || !read.every(isKnown) || optional || !shape.every(([name]) => identifier.test(name)))
    return undefined;

  const encode = build<(event: Fields, hash: string, json: JsonText) => string>(
    ['event', 'hash', 'json'],
    `return ${objectText(written as [string, string][])};`,
  );
  const values = read.map(([name, code]) => `${name}: ${code === null ? `data.${name}` : `(${code})(data.${name})`}`);
  const decode = build<(data: Fields) => Fields>(
    ['data'],
    `return { type: ${JSON.stringify(type)}, ${values.join(', ')} };`,
  );
  return { encode: (event, hash) => json.write(() => encode(event, hash, json)), decode };
}

const identifier = /^[A-Za-z_]\w*$/;

function build<Built>(parameters: readonly string[], body: string): Built {
  // eslint-disable-next-line no-new-func -- The source is made of the definitions in this folder.
  return new Function(...parameters, body) as Built;
}

/** `def` of a zod schema, as far as it is used here. */
type Def = {
  readonly type: string;
  readonly format?: string;
  readonly checks?: readonly { readonly _zod: { readonly def: { readonly pattern?: RegExp } } }[];
  readonly values?: readonly unknown[];
  readonly entries?: Readonly<Record<string, string>>;
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly valueType?: z.ZodType;
  readonly defaultValue?: unknown;
};

function defOf(schema: z.ZodType): Def {
  return (schema as unknown as { readonly def: Def }).def;
}

/** A constant piece of JSON, as source. */
function constant(text: string): string {
  return JSON.stringify(text);
}

/** The text of a string that needs no escaping, as source. */
function safe(value: string): string {
  return `'"' + ${value} + '"'`;
}

/** Source that gives the JSON of `value`; undefined for what is not known. Parts are joined by `+`. */
function encoderOf(schema: z.ZodType, value: string): string | undefined {
  if (schema === minorUnits) return safe(`json.amount(${value}, 0n)`);
  if (schema === signedMinorUnits) return safe(`json.amount(${value}, ${1n - amountLimit}n)`);
  const def = defOf(schema);
  switch (def.type) {
    case 'string':
      return isPlain(def) ? safe(value) : `json.text(${value})`;
    case 'boolean':
    case 'number':
      return `String(${value})`;
    case 'literal':
      return def.values?.length === 1 ? constant(JSON.stringify(def.values[0])) : undefined;
    case 'enum':
      return Object.values(def.entries!).every((each) => /^[\w-]*$/.test(each)) ? safe(value) : undefined;
    case 'nullable': {
      const inner = encoderOf(def.innerType!, value);
      return inner && `(${value} === null ? 'null' : ${inner})`;
    }
    case 'default':
      return encoderOf(def.innerType!, value);
    case 'array': {
      const inner = encoderOf(def.element!, 'each');
      return inner && `'[' + json.list(${value}, (each) => ${inner}) + ']'`;
    }
    case 'object': {
      const fields = Object.entries(def.shape!).map(([name, field]) => [name, encoderOf(field, `${value}.${name}`)]);
      const known = fields.every(([name, code]) => code !== undefined && identifier.test(name!));
      return known && fields.length > 0 ? objectText(fields as [string, string][]) : undefined;
    }
    case 'record':
      return defOf(def.valueType!).type === 'string' ? `json.any(${value})` : undefined;
    default:
      return undefined;
  }
}

/** Hashes, times and UUIDs: what the definition lets through has nothing to escape. */
function isPlain({ format, checks = [] }: Def): boolean {
  if (format === 'datetime' || format === 'uuid') return true;
  return checks.some(({ _zod }) => _zod.def.pattern?.source === '^[0-9a-f]{64}$');
}

function objectText(fields: readonly (readonly [string, string])[]): string {
  const parts = fields.map(
    ([name, code], index) => `${constant(`${index === 0 ? '{' : ','}${JSON.stringify(name)}:`)} + ${code}`,
  );
  return `${parts.join(' + ')} + '}'`;
}

/** Source of a function that makes the value of what was parsed; null when that is the value. */
function decoderOf(schema: z.ZodType): string | null | undefined {
  if (schema === minorUnits || schema === signedMinorUnits) return '(value) => BigInt(value)';
  const def = defOf(schema);
  switch (def.type) {
    case 'string':
    case 'boolean':
    case 'number':
    case 'literal':
    case 'enum':
      return null;
    case 'record':
      return decoderOf(def.valueType!) === null ? null : undefined;
    case 'nullable': {
      const inner = decoderOf(def.innerType!);
      return inner && `(value) => value === null ? null : (${inner})(value)`;
    }
    case 'default': {
      const inner = decoderOf(def.innerType!);
      const absent = JSON.stringify(def.defaultValue);
      return inner === undefined ? undefined : `(value) => value === undefined ? ${absent} : (${inner ?? same})(value)`;
    }
    case 'array': {
      const inner = decoderOf(def.element!);
      return (
        inner && `(value) => { for (let i = 0; i < value.length; i++) value[i] = (${inner})(value[i]); return value; }`
      );
    }
    case 'object': {
      const fields = Object.entries(def.shape!).map(([name, field]) => [name, decoderOf(field)] as const);
      if (fields.some(([, code]) => code === undefined)) return undefined;
      const changed = fields.filter(([, code]) => code !== null);
      if (changed.length === 0) return null;
      return `(value) => { ${changed.map(([name, code]) => `value.${name} = (${code})(value.${name});`).join(' ')} return value; }`;
    }
    default:
      return undefined;
  }
}

const same = '(value) => value';
