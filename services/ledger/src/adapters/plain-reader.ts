/**
 * Reads the stored text of an event by position: the text is what the encoder wrote, field after field in the order of
 * the definition, so it need not be taken apart as JSON of any kind. Anything that is not exactly that is not read here,
 * and whoever asked parses it as JSON; a text with something to escape is among that.
 *
 * Control characters, which JSON has only escaped, are read as they stand: that the bytes are those that were written is for
 * the chain of hashes to say.
 *
 * A text is read into slices of itself, which keep all of it in memory as long as one of them is kept.
 */
import { minorUnits, signedMinorUnits, tenantId } from '@daybook/contracts';
import type { z } from 'zod';
import { defOf, identifier, toldOf, type Seal } from './event-definitions';
import type { Implied } from './implied-fields';

type Fields = Readonly<Record<string, unknown>>;

/** The event of a text and its seal; undefined when the text is not plain. */
export type ReadPlain = (text: string) => { readonly event: Fields; readonly previousHash: string } | undefined;

const giveUp = 'return undefined;';

/** Characters. A part of a longer one would keep too much that nobody needs. */
const longest = 2_048;

/** Undefined when a field that is always there is of a kind that is not read by position. */
export function compileReader(type: string, schema: z.ZodObject, seal: Seal): ReadPlain | undefined {
  const names = createNames();
  const instants = { last: '' };
  const rules: Implied[] = [];
  const source: string[] = [];
  const fields: string[] = [];
  const later: string[] = [];
  for (const [name, field] of Object.entries(schema.shape) as [string, z.ZodType][]) {
    if (name === seal.type) {
      source.push(expected(`{${JSON.stringify(name)}:${JSON.stringify(type)}`));
      continue;
    }
    const { told, how } = toldOf(field);
    const value = readerOf(told, `,${JSON.stringify(name)}:`, names);
    if (value === undefined && how === undefined) return undefined;
    const into = name === seal.hash ? 'previousHash' : names();
    source.push(`let ${into};`);
    // One that cannot be read makes what follows it another text than the expected one.
    if (value !== undefined) source.push(how === undefined ? value.must(into) : value.may(into));
    if (name === seal.hash) continue;
    // It stays with every account that the event changes, and is the same for all events of a moment.
    if (name === 'at')
      source.push(`${into} = ${into} === instants.last ? instants.last : (instants.last = own(${into}));`);
    fields.push(`${name}: ${how?.kind === 'null' ? `${into} ?? null` : how?.kind === 'none' ? `${into} ?? []` : into}`);
    if (how?.kind === 'other') {
      later.push(`if (${into} === undefined) event.${name} = rules[${rules.push(how) - 1}].value(event);`);
    }
  }
  const body = `
    if (s.length > ${longest} || s.indexOf('\\\\') >= 0) ${giveUp}
    let a = 0, b = 0;
    ${source.join('\n')}
    if (a + 1 !== s.length || s.charCodeAt(a) !== 125) ${giveUp}
    const event = { type: ${JSON.stringify(type)}, ${fields.join(', ')} };
    ${later.join(' ')}
    return { event, previousHash };`;
  // eslint-disable-next-line no-new-func -- The source is made of the definitions in this folder.
  const read = new Function('s', 'rules', 'instants', 'own', body) as (
    text: string,
    ...known: readonly unknown[]
  ) => ReturnType<ReadPlain>;
  return (text) => read(text, rules, instants, ownText);
}

/** The same text in memory of its own. */
const ownText = (slice: string) => Buffer.from(slice).toString();

/** Statements that put the value behind some text into a variable: one that has to be there, and one that may be. */
type Reader = { must(into: string): string; may(into: string): string };

/** V8 makes no copy of a longer part of a text, and compares what is no copy in its runtime. */
const copiedMax = 12;
/** Of `,"name":`, the first character by which names differ. */
const nameAt = 2;

/** `a` is where the reading stands. Most that is not there is told by one character. */
function next(text: string): string {
  const parts = text.length > nameAt ? [`s.charCodeAt(a + ${nameAt}) === ${text.charCodeAt(nameAt)}`] : [];
  for (let from = 0; from < text.length; from += copiedMax) {
    const part = text.slice(from, from + copiedMax);
    parts.push(`s.slice(a + ${from}, a + ${from + part.length}) === ${JSON.stringify(part)}`);
  }
  return parts.join(' && ');
}
const expected = (text: string) => `if (!(${next(text)})) ${giveUp} a += ${text.length};`;

function readerOf(schema: z.ZodType, before: string, names: () => string): Reader | undefined {
  const value = valueReaderOf(schema, names);
  if (value === undefined) return undefined;
  const head = before + value.begins;
  return {
    must: (into) => `${expected(head)} ${value.read(into)}`,
    may: (into) => `if (${next(head)}) { a += ${head.length}; ${value.read(into)} }`,
  };
}

/** What a value begins with, and statements that read on from there. */
type Value = { readonly begins: string; read(into: string): string };

function valueReaderOf(schema: z.ZodType, names: () => string): Value | undefined {
  if (schema === minorUnits || schema === signedMinorUnits) return text((slice) => `BigInt(${slice})`, noSpace);
  if (schema === tenantId) return text((slice) => `${slice}.toLowerCase()`);
  const def = defOf(schema);
  switch (def.type) {
    case 'string':
    case 'enum':
      return text((slice) => slice);
    case 'array':
      return listOf(def.element!, names);
    case 'object':
      return objectOf(def.shape!, names);
    case 'record':
      return defOf(def.valueType!).type === 'string' ? recordOf(names) : undefined;
    default:
      return undefined;
  }
}

/** JSON has no line breaks in a text, which `BigInt` would take for space around a number. */
const noSpace = `if (s.charCodeAt(a) <= 32 || s.charCodeAt(b - 1) <= 32) ${giveUp}`;

function text(valueOf: (slice: string) => string, check = ''): Value {
  return {
    begins: '"',
    read: (into) =>
      `b = s.indexOf('"', a); if (b < 0) ${giveUp} ${check} ${into} = ${valueOf('s.slice(a, b)')}; a = b + 1;`,
  };
}

function listOf(element: z.ZodType, names: () => string): Value | undefined {
  const each = valueReaderOf(element, names);
  const one = names();
  return (
    each && {
      begins: '[',
      read: (into) => `
        ${into} = [];
        if (s.charCodeAt(a) === 93) a += 1;
        else for (;;) {
          ${expected(each.begins)}
          let ${one}; ${each.read(one)} ${into}.push(${one});
          const after = s.charCodeAt(a++);
          if (after === 93) break;
          if (after !== 44) ${giveUp}
        }`,
    }
  );
}

function objectOf(shape: Readonly<Record<string, z.ZodType>>, names: () => string): Value | undefined {
  const parts = Object.entries(shape).map(([name, field], index) => {
    const value = identifier.test(name) ? valueReaderOf(field, names) : undefined;
    return value && { name, value, into: names(), head: `${index === 0 ? '{' : ','}${JSON.stringify(name)}:` };
  });
  if (parts.length === 0 || parts.includes(undefined)) return undefined;
  const known = parts as NonNullable<(typeof parts)[number]>[];
  const [first] = known;
  return {
    begins: first!.head + first!.value.begins,
    read: (into) => `
      ${known
        .map(
          ({ value, head, into: field }, index) =>
            `let ${field}; ${index === 0 ? '' : expected(head + value.begins)} ${value.read(field)}`,
        )
        .join('\n')}
      ${expected('}')}
      ${into} = { ${known.map(({ name, into: field }) => `${name}: ${field}`).join(', ')} };`,
  };
}

/** Texts by name. A name that is not one of the object's own when it is assigned is left to JSON. */
function recordOf(names: () => string): Value {
  const name = names();
  return {
    begins: '{',
    read: (into) => `
      ${into} = {};
      if (s.charCodeAt(a) === 125) a += 1;
      else for (;;) {
        if (s.charCodeAt(a) !== 34) ${giveUp}
        b = s.indexOf('"', ++a); if (b < 0) ${giveUp}
        const ${name} = s.slice(a, b); a = b;
        if (${name} === '__proto__') ${giveUp}
        ${expected('":"')}
        b = s.indexOf('"', a); if (b < 0) ${giveUp}
        ${into}[${name}] = s.slice(a, b); a = b + 1;
        const after = s.charCodeAt(a++);
        if (after === 125) break;
        if (after !== 44) ${giveUp}
      }`,
  };
}

function createNames(): () => string {
  let made = 0;
  return () => `v${made++}`;
}
