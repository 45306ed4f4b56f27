import { isUtf8 } from 'node:buffer';
import express, { type RequestHandler } from 'express';
import { isLosslessNumber, LosslessNumber, parse, stringify } from 'lossless-json';
import { z } from 'zod';

/** Levels of nesting that a request body may have. */
const depthMax = 20;
const loneSurrogate = /\p{Surrogate}/u;

/** The body is not JSON that can be read without loss or ambiguity. `message` is fit for a client. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
}

/** Keys that reach an object's prototype when an object is copied key by key. */
const keysRefused = ['__proto__', 'constructor', 'prototype'];

/**
 * Parses JSON and keeps every number as the token that was sent. Refuses what would be read differently elsewhere:
 * repeated keys, `__proto__`, lone surrogates, a byte order mark, and nesting deeper than 20.
 */
export function parseJson(text: string): unknown {
  const canonical = parseCanonical(text);
  if (canonical !== undefined) return canonical;
  refuseAmbiguous(text);
  try {
    return parse(text, (_key, member: unknown) => {
      if (typeof member === 'string') refuseLoneSurrogate(member);
      return member;
    });
  } catch (error) {
    if (error instanceof JsonError) throw error;
    throw new JsonError(`body is not valid JSON: ${(error as Error).message}`);
  }
}

/** Text that may hold what is refused although it reads back as it is. */
const suspicious = /\\u|__proto__|constructor|prototype/;

/**
 * Text that the engine's own parser and writer give back as it came has no key twice, and no number that lost anything:
 * most bodies are like that, and this is several times as fast. Undefined when it is not, or not surely to be taken.
 */
function parseCanonical(text: string): unknown {
  if (suspicious.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return JSON.stringify(value) === text ? withTokens(value, 0) : undefined;
  } catch {
    // What is wrong with it is for the parser that can say so.
    return undefined;
  }
}

/** Puts the token in the place of every number. Undefined when it is nested too deep. */
function withTokens(value: unknown, depth: number): unknown {
  if (typeof value === 'number') return new LosslessNumber(String(value));
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= depthMax) return undefined;
  const members = value as Record<string, unknown>;
  for (const name of Object.keys(members)) {
    const member = members[name];
    if (typeof member !== 'number' && typeof member !== 'object') continue;
    const read = withTokens(member, depth + 1);
    if (read === undefined) return undefined;
    members[name] = read;
  }
  return value;
}

/**
 * One pass over the text before it is parsed: depth, and the keys of every object. The parser alone would take a key
 * that is repeated with an equal value. Text that is not JSON may pass; the parser refuses it.
 */
function refuseAmbiguous(text: string): void {
  /** Keys seen so far of each open object; null for an open array. */
  const open: (Set<string> | null)[] = [];
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '"') {
      const begin = i;
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++;
      const keys = open.at(-1);
      if (keys && isFollowedByColon(text, i + 1)) refuseKey(keys, text.slice(begin, i + 1));
    } else if (character === '{' || character === '[') {
      if (open.push(character === '{' ? new Set() : null) > depthMax)
        throw new JsonError(`body is nested deeper than ${depthMax} levels`);
    } else if (character === '}' || character === ']') open.pop();
  }
}

function isFollowedByColon(text: string, from: number): boolean {
  let i = from;
  while (text[i] === ' ' || text[i] === '\n' || text[i] === '\r' || text[i] === '\t') i++;
  return text[i] === ':';
}

function refuseKey(seen: Set<string>, quoted: string): void {
  const key = keyOf(quoted);
  refuseLoneSurrogate(key);
  if (keysRefused.includes(key)) throw new JsonError(`key ${key} is not allowed`);
  if (seen.has(key)) throw new JsonError(`key ${JSON.stringify(key.slice(0, 100))} is repeated`);
  seen.add(key);
}

function keyOf(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw new JsonError('body is not valid JSON: a key is malformed');
  }
}

function refuseLoneSurrogate(text: string): void {
  if (loneSurrogate.test(text)) throw new JsonError('body contains invalid Unicode');
}

/** Number text that is written to JSON as it stands, such as `99.50`. */
export function jsonNumber(token: string): LosslessNumber {
  return new LosslessNumber(token);
}

export function stringifyJson(value: unknown): string {
  return stringify(value) ?? 'null';
}

/** A decimal sent as a JSON number or a string: its raw token. What it may look like is for the amount's parser. */
export const decimalToken = z
  .custom<string | LosslessNumber>((value) => typeof value === 'string' || isLosslessNumber(value), {
    error: ({ input }) => (input === undefined ? 'is required' : 'must be a decimal number'),
  })
  .transform(String);

/** A JSON number as it was sent, of at most so many characters. */
export const numberToken = (lengthMax: number) =>
  z
    .custom<LosslessNumber>(
      (value) => isLosslessNumber(value) && value.value.length <= lengthMax,
      `must be a number of at most ${lengthMax} characters`,
    )
    .transform(String)
    .meta({ override: { type: 'number' } });

/** A whole JSON number within the safe range. */
export const jsonInteger = z
  .custom<LosslessNumber>((value) => isLosslessNumber(value) && /^-?\d{1,15}$/.test(value.value), {
    error: ({ input }) => (input === undefined ? 'is required' : 'must be a whole number'),
  })
  .transform((token) => parseInt(token.value, 10));

/** As `parseJson`, and the exact text. */
export function parseJsonBytes(bytes: Buffer): { readonly text: string; readonly value: unknown } {
  if (!isUtf8(bytes)) throw new JsonError('body is not UTF-8');
  const text = bytes.toString('utf8');
  return { text, value: parseJson(text) };
}

/** Reads the bytes of the body into `req.body`, whatever it is said to be. */
export function readBody(limitBytes: number): RequestHandler {
  return express.raw({ type: () => true, limit: limitBytes });
}

/** Parses what `readBody` has read, losslessly, and keeps its exact text for signatures. An empty body is `undefined`. */
export const parseBody: RequestHandler = (req, res, next) => {
  if (!Buffer.isBuffer(req.body) || req.body.length === 0) {
    req.body = undefined;
    res.locals.rawBody = '';
    return next();
  }
  const { text, value } = parseJsonBytes(req.body);
  res.locals.rawBody = text;
  req.body = value;
  next();
};
