/**
 * The stored form of events without the cost of checking it: from the zod definitions, walked once, the source of
 * functions is written that write and read the same JSON. A book encodes every event that it decides and decodes all of
 * them when it is loaded; there its own values need no validation, because the types hold them, and stored bytes need
 * none, because the chain does.
 *
 *   encode   the same bytes as zod's, for every event that zod accepts and that has ids of tenants in the one spelling; an
 *            amount out of range is left to zod to refuse
 *   decode   the same values as zod's, for every payload of the current version that zod accepts
 *
 * with the fields left out that say nothing (`implied-fields.ts`).
 *
 * A definition with a kind of field that is not known here is not compiled, and zod does it all. A property test holds
 * both against zod for every type of event. The source is made of the definitions alone, never of data.
 */
import { minorUnits, signedMinorUnits, tenantId } from '@daybook/contracts';
import type { z } from 'zod';
import { defOf, identifier, toldOf, type Def, type Seal } from './event-definitions';
import type { Implied } from './implied-fields';
import { jsonTexts, outOfRange, type JsonTexts } from './json-text';
import { compileReader, type ReadPlain } from './plain-reader';

type Fields = Readonly<Record<string, unknown>>;

export type CompiledEvent = {
  /**
   * The stored text of an event behind the one with this hash, a byte for each character; undefined when a text of it has
   * something to escape, or when zod has to look at it.
   */
  encodePlain(event: Fields, previousHash: string): string | undefined;
  /** The stored text of any event; undefined when zod has to look at it. */
  encode(event: Fields, previousHash: string): string | undefined;
  /** The event of a stored text; undefined when it is to be parsed as JSON. */
  readonly readPlain: ReadPlain | undefined;
  /** The event of a parsed payload, without its seal. */
  decode(data: Fields): Fields;
};

/** What writes a value: JSON as it stands, source of a string that is JSON, of one that is not yet, and statements. */
type Writing = readonly (
  | { readonly json: string }
  | { readonly value: string }
  | { readonly text: string }
  | { readonly statement: (careful: boolean) => string }
)[];

/** `outlived`: whether a part of the event is kept for longer than the event, so that its text must not be. */
export function compileEvent(
  type: string,
  schema: z.ZodObject,
  { seal, outlived }: { readonly seal: Seal; readonly outlived: boolean },
): CompiledEvent | undefined {
  const shape = Object.entries(schema.shape) as [string, z.ZodType][];
  const own = shape.filter(([name]) => name !== seal.type && name !== seal.hash);
  // The type comes first and is always there, so every other field begins with a comma.
  if (shape[0]?.[0] !== seal.type || !shape.every(([name]) => identifier.test(name))) return undefined;
  const rules: Implied[] = [];
  const written = shape.map(([name, field]): Writing | undefined => {
    if (name === seal.type) return [{ json: `{${JSON.stringify(name)}:${JSON.stringify(type)}` }];
    const before = { json: `,${JSON.stringify(name)}:` };
    if (name === seal.hash) return [before, ...quoted('hash')];
    const { told, how } = toldOf(field);
    const value = encoderOf(told, `event.${name}`);
    if (value === undefined || how === undefined) return value && [before, ...value];
    return choice(isLeftOut(how, name, rules), [], [before, ...value]);
  });
  const read = own.map(([name, field]) => {
    const { told, how } = toldOf(field);
    const code = decoderOf(told);
    if (code === undefined) return undefined;
    const value = code === null ? `data.${name}` : `(${code})(data.${name})`;
    return `${name}: ${how === undefined ? value : `data.${name} === undefined ? ${leftOutValue(how, rules)} : ${value}`}`;
  });
  if (written.includes(undefined) || read.includes(undefined)) return undefined;

  const encoders = buildEncoders([...(written as Writing[]).flat(), { json: '}' }], rules);
  const decode = build<(data: Fields, rules: readonly Implied[]) => Fields>(
    ['data', 'rules'],
    `return { type: ${JSON.stringify(type)}, ${read.join(', ')} };`,
  );
  const readPlain = outlived ? undefined : compileReader(type, schema, seal);
  return { ...encoders, readPlain, decode: (data) => decode(data, rules) };
}

function isLeftOut(how: Implied, name: string, rules: Implied[]): string {
  if (how.kind === 'null') return `event.${name} === null`;
  if (how.kind === 'none') return `event.${name}.length === 0`;
  return `rules[${rules.push(how) - 1}].holds(event.${name}, event)`;
}

function leftOutValue(how: Implied, rules: Implied[]): string {
  if (how.kind === 'null') return 'null';
  if (how.kind === 'none') return '[]';
  return `rules[${rules.push(how) - 1}].value(data)`;
}

type Write = (event: Fields, hash: string, json: JsonTexts, rules: readonly Implied[]) => string | undefined;

/**
 * Two of them: one for events whose texts have nothing to escape, nearly all, which puts them in as they are and gives up
 * at one that has; and a careful one.
 */
function buildEncoders(writing: Writing, rules: readonly Implied[]): Pick<CompiledEvent, 'encode' | 'encodePlain'> {
  const encoderOf = (careful: boolean) => {
    const source = `let s = ''; ${sourceOf(writing, careful)} return s;`;
    const write = build<Write>(['event', 'hash', 'json', 'rules'], source);
    return (event: Fields, hash: string) => {
      try {
        return write(event, hash, jsonTexts, rules);
      } catch (error) {
        if (error === outOfRange) return undefined;
        throw error;
      }
    };
  };
  return { encode: encoderOf(true), encodePlain: encoderOf(false) };
}

/** Pieces and values that follow each other are added in one go. */
function sourceOf(writing: Writing, careful: boolean): string {
  const source: string[] = [];
  let added: string[] = [];
  let looked: string[] = [];
  let text = '';
  const add = (value: string) => {
    if (text !== '') added.push(JSON.stringify(text));
    text = '';
    added.push(value);
  };
  const flush = () => {
    if (text !== '') added.push(JSON.stringify(text));
    text = '';
    if (added.length > 0) source.push(`s += ${added.join(' + ')};`);
    if (looked.length > 0) source.push(`if (!(${looked.join(' && ')})) return undefined;`);
    [added, looked] = [[], []];
  };
  for (const part of writing) {
    if ('json' in part) {
      text += part.json;
    } else if ('value' in part) {
      add(part.value);
    } else if ('statement' in part) {
      flush();
      source.push(part.statement(careful));
    } else if (careful) {
      add(`json.text(${part.text})`);
    } else {
      text += '"';
      add(part.text);
      text = '"';
      looked.push(`json.isPlain(${part.text})`);
    }
  }
  flush();
  return source.join(' ');
}

/** What has nothing to escape. */
function quoted(value: string): Writing {
  return [{ json: '"' }, { value }, { json: '"' }];
}

function build<Built>(parameters: readonly string[], body: string): Built {
  // eslint-disable-next-line no-new-func -- The source is made of the definitions in this folder.
  return new Function(...parameters, body) as Built;
}

/** What has its own quotes and escapes. */
function ownTextOf(value: string): Writing {
  const add = `s += json.text(${value});`;
  const addPlain = `{ const own = json.text(${value}); if (!json.isAscii(own)) return undefined; s += own; }`;
  return [{ statement: (careful) => (careful ? add : addPlain) }];
}

/** What writes the JSON of `value`, which is source; undefined for what is not known. */
function encoderOf(schema: z.ZodType, value: string): Writing | undefined {
  if (schema === minorUnits) return quoted(`json.amount(${value})`);
  if (schema === signedMinorUnits) return quoted(`json.signedAmount(${value})`);
  const def = defOf(schema);
  switch (def.type) {
    case 'string':
      return isPlainForm(def) ? quoted(value) : [{ text: value }];
    case 'enum':
      return quoted(value);
    case 'boolean':
    case 'number':
      return [{ value: `json.text(${value})` }];
    case 'literal':
      return def.values?.length === 1 ? [{ json: JSON.stringify(def.values[0]) }] : undefined;
    case 'array': {
      const inner = encoderOf(def.element!, 'each');
      return inner && [{ json: '[' }, listOf(value, inner), { json: ']' }];
    }
    case 'object': {
      const fields = Object.entries(def.shape!).map(([name, field]) => [name, encoderOf(field, `${value}.${name}`)]);
      const known = fields.every(([name, code]) => code !== undefined && identifier.test(name as string));
      return known && fields.length > 0 ? objectOf(fields as [string, Writing][]) : undefined;
    }
    case 'record':
      return defOf(def.valueType!).type === 'string' ? ownTextOf(value) : undefined;
    default:
      return undefined;
  }
}

/** Hashes, UUIDs and timestamps have nothing to escape. */
function isPlainForm({ format = '', checks = [] }: Def): boolean {
  const isHash = checks.some(({ _zod }) => _zod.def.pattern?.source === '^[0-9a-f]{64}$');
  return isHash || format === 'uuid' || format === 'datetime';
}

function choice(condition: string, yes: Writing, no: Writing): Writing {
  return [
    {
      statement: (careful) => `if (${condition}) { ${sourceOf(yes, careful)} } else { ${sourceOf(no, careful)} }`,
    },
  ];
}

/** Its own block: lists may lie in lists. */
function listOf(value: string, inner: Writing): Writing[number] {
  return {
    statement: (careful) =>
      `{ const list = ${value}; for (let at = 0; at < list.length; at++) { const each = list[at];` +
      ` if (at > 0) s += ','; ${sourceOf(inner, careful)} } }`,
  };
}

function objectOf(fields: readonly (readonly [string, Writing])[]): Writing {
  const written = fields.flatMap(([name, value], index) => [
    { json: `${index === 0 ? '{' : ','}${JSON.stringify(name)}:` },
    ...value,
  ]);
  return [...written, { json: '}' }];
}

/** Source of a function that makes the value of what was parsed; null when that is the value. */
function decoderOf(schema: z.ZodType): string | null | undefined {
  if (schema === minorUnits || schema === signedMinorUnits) return '(value) => BigInt(value)';
  // Until it had one spelling, it was stored as it came, and no table of the projections takes it in capitals.
  if (schema === tenantId) return '(value) => value.toLowerCase()';
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
