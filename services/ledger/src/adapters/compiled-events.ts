/**
 * The stored form of events without the cost of checking it: the zod definitions, walked once, give functions that write
 * and read the same JSON. A book encodes every event that it decides and decodes all of them when it is loaded; there
 * its own values need no validation, because the types hold them, and stored bytes need none, because the chain does.
 *
 *   encode   the same bytes as zod's, for every event that zod accepts; an amount out of range is left to zod to refuse
 *   decode   the same values as zod's, for every payload of the current version that zod accepts
 *
 * A definition with a kind of field that is not known here is not compiled, and zod does it all. A property test holds
 * both against zod for every type of event.
 */
import { minorUnits, signedMinorUnits } from '@daybook/contracts';
import type { z } from 'zod';

type Fields = Readonly<Record<string, unknown>>;

export type CompiledEvent = {
  /** The stored text of an event behind the one with this hash; undefined when zod has to look at it. */
  encode(event: Fields, previousHash: string): string | undefined;
  /** The event of a parsed payload, without its seal. */
  decode(type: string, data: Fields): Fields;
};

type Codec = {
  /** May be left out of its object. */
  readonly optional?: true;
  readonly encode: (value: unknown) => string;
  /** Null when what is parsed is already the value. */
  readonly decode: ((value: unknown) => unknown) | null;
};

/** A value that the definition does not take. */
class OutOfRange extends Error {}

/** `sealType` and `sealHash` are the fields of the seal: the event's own type, and the hash of the one before. */
export function compileEvent(
  schema: z.ZodObject,
  { sealType, sealHash }: { readonly sealType: string; readonly sealHash: string },
): CompiledEvent | undefined {
  const fields = fieldsOf(schema.shape);
  if (fields === undefined) return undefined;
  const seal = { [sealType]: true, [sealHash]: true };
  const own = fields.filter(({ name }) => !Object.hasOwn(seal, name));
  const encodeFields = encoderOf(fields, sealType, sealHash);
  return {
    encode(event, previousHash) {
      try {
        return encodeFields(event, previousHash);
      } catch (error) {
        if (error instanceof OutOfRange) return undefined;
        throw error;
      }
    },
    decode(type, data) {
      const event: Record<string, unknown> = { type };
      for (const { name, codec } of own) {
        const value = data[name];
        const decoded = codec.decode === null ? value : codec.decode(value);
        if (decoded !== undefined || !codec.optional) event[name] = decoded;
      }
      return event;
    },
  };
}

/** `def` of a zod schema, as far as it is used here. */
type Def = {
  readonly type: string;
  readonly values?: readonly unknown[];
  readonly entries?: Readonly<Record<string, string>>;
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly valueType?: z.ZodType;
  readonly defaultValue?: unknown;
};

function codecOf(schema: z.ZodType): Codec | undefined {
  if (schema === minorUnits) return amount(0n);
  if (schema === signedMinorUnits) return amount(-amountLimit + 1n);
  const def = (schema as unknown as { readonly def: Def }).def;
  switch (def.type) {
    case 'string':
      return { encode: (value) => quote(value as string), decode: null };
    case 'boolean':
    case 'number':
      return { encode: String, decode: null };
    case 'literal':
      return def.values?.length === 1 ? literal(def.values[0]) : undefined;
    case 'enum':
      return choice(Object.values(def.entries!));
    case 'nullable':
      return nullable(codecOf(def.innerType!));
    case 'optional':
      return optional(codecOf(def.innerType!));
    case 'default':
      return withDefault(codecOf(def.innerType!), def.defaultValue);
    case 'array':
      return arrayOf(codecOf(def.element!));
    case 'object':
      return objectOf(def.shape!);
    case 'record':
      return recordOf(codecOf(def.valueType!));
    default:
      return undefined;
  }
}

const amountLimit = 10n ** 38n;

function amount(least: bigint): Codec {
  return {
    encode(value) {
      if ((value as bigint) < least || (value as bigint) >= amountLimit) throw new OutOfRange();
      return `"${value as bigint}"`;
    },
    decode: (value) => BigInt(value as string),
  };
}

function literal(value: unknown): Codec {
  const text = JSON.stringify(value);
  return { encode: () => text, decode: null };
}

function choice(values: readonly string[]): Codec {
  const texts = new Map(values.map((value) => [value, JSON.stringify(value)]));
  return { encode: (value) => texts.get(value as string) ?? outOfRange(), decode: null };
}

function nullable(inner: Codec | undefined): Codec | undefined {
  if (inner === undefined) return undefined;
  const { decode } = inner;
  return {
    encode: (value) => (value === null ? 'null' : inner.encode(value)),
    decode: decode === null ? null : (value) => (value === null ? null : decode(value)),
  };
}

function optional(inner: Codec | undefined): Codec | undefined {
  if (inner === undefined) return undefined;
  const { encode, decode } = inner;
  return { optional: true, encode, decode: decode && ((value) => (value === undefined ? undefined : decode(value))) };
}

/** Written like the value itself; absent only in what was stored before the field was. */
function withDefault(inner: Codec | undefined, absent: unknown): Codec | undefined {
  if (inner === undefined) return undefined;
  const { decode } = inner;
  return {
    encode: (value) => inner.encode(value),
    decode: (value) => (value === undefined ? absent : decode === null ? value : decode(value)),
  };
}

function arrayOf(element: Codec | undefined): Codec | undefined {
  if (element === undefined) return undefined;
  const { decode } = element;
  return {
    encode(value) {
      const items = value as readonly unknown[];
      let text = '[';
      for (let index = 0; index < items.length; index++) {
        if (index > 0) text += ',';
        text += element.encode(items[index]);
      }
      return `${text}]`;
    },
    decode:
      decode === null
        ? null
        : (value) => {
            const items = value as unknown[];
            for (let index = 0; index < items.length; index++) items[index] = decode(items[index]);
            return items;
          },
  };
}

type Field = { readonly name: string; readonly key: string; readonly codec: Codec };

function fieldsOf(shape: Readonly<Record<string, unknown>>): readonly Field[] | undefined {
  const fields: Field[] = [];
  for (const [name, schema] of Object.entries(shape)) {
    const codec = codecOf(schema as z.ZodType);
    if (codec === undefined) return undefined;
    fields.push({ name, key: `${JSON.stringify(name)}:`, codec });
  }
  return fields;
}

function encoderOf(fields: readonly Field[], sealType?: string, sealHash?: string) {
  return (value: Fields, hash?: string): string => {
    let text = '{';
    for (let index = 0; index < fields.length; index++) {
      const { name, key, codec } = fields[index]!;
      const item = name === sealType ? value['type'] : name === sealHash ? hash : value[name];
      if (item === undefined && codec.optional) continue;
      text += text.length === 1 ? key + codec.encode(item) : `,${key}${codec.encode(item)}`;
    }
    return `${text}}`;
  };
}

function objectOf(shape: Readonly<Record<string, z.ZodType>>): Codec | undefined {
  const fields = fieldsOf(shape);
  if (fields === undefined) return undefined;
  const encode = encoderOf(fields) as Codec['encode'];
  const decoded = fields.filter(({ codec }) => codec.decode !== null);
  if (decoded.length === 0) return { encode, decode: null };
  return {
    encode,
    decode(value) {
      const object = value as Record<string, unknown>;
      for (const { name, codec } of decoded) {
        const item = codec.decode!(object[name]);
        if (item !== undefined) object[name] = item;
      }
      return object;
    },
  };
}

function recordOf(value: Codec | undefined): Codec | undefined {
  if (value === undefined || value.decode !== null) return undefined;
  return {
    encode: (record) =>
      `{${Object.entries(record as Fields)
        .map(([name, item]) => `${JSON.stringify(name)}:${value.encode(item)}`)
        .join()}}`,
    decode: null,
  };
}

const plain = /^[ !#-[\]-~]*$/;

function quote(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}

function outOfRange(): never {
  throw new OutOfRange();
}
