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

/**
 * Parses JSON and keeps every number as the token that was sent. Refuses what would be read differently elsewhere:
 * repeated keys, `__proto__`, lone surrogates, a byte order mark, and nesting deeper than 20.
 */
export function parseJson(text: string): unknown {
  refuseDeep(text);
  let value: unknown;
  try {
    value = parse(text, (key, member: unknown) => {
      if (key === '__proto__' || key === 'constructor' || key === 'prototype')
        throw new JsonError(`key ${key} is not allowed`);
      if (loneSurrogate.test(key) || (typeof member === 'string' && loneSurrogate.test(member)))
        throw new JsonError('body contains invalid Unicode');
      return member;
    });
  } catch (error) {
    if (error instanceof JsonError) throw error;
    throw new JsonError(`body is not valid JSON: ${(error as Error).message}`);
  }
  return value;
}

function refuseDeep(text: string): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (inString) {
      if (character === '\\') i++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') {
      depth++;
      if (depth > depthMax) throw new JsonError(`body is nested deeper than ${depthMax} levels`);
    } else if (character === '}' || character === ']') depth--;
  }
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
  .custom<string | LosslessNumber>(
    (value) => typeof value === 'string' || isLosslessNumber(value),
    'must be a decimal number',
  )
  .transform(String);

/** A whole JSON number within the safe range. */
export const jsonInteger = z
  .custom<LosslessNumber>(
    (value) => isLosslessNumber(value) && /^-?\d{1,15}$/.test(value.value),
    'must be a whole number',
  )
  .transform((token) => parseInt(token.value, 10));

/** Reads the body into `req.body` losslessly and keeps its exact text for signatures. An empty body is `undefined`. */
export function losslessBody(limitBytes: number): RequestHandler[] {
  return [
    express.raw({ type: ['application/json', 'application/*+json'], limit: limitBytes }),
    (req, res, next) => {
      if (!Buffer.isBuffer(req.body) || req.body.length === 0) {
        req.body = undefined;
        res.locals.rawBody = '';
        return next();
      }
      const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
      try {
        res.locals.rawBody = text.decode(req.body);
      } catch {
        throw new JsonError('body is not UTF-8');
      }
      req.body = parseJson(res.locals.rawBody as string);
      next();
    },
  ];
}
