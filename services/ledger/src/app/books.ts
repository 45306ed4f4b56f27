import { assert } from '@daybook/core';
import { mode as modeSchema, type CallContract, type Mode } from '@daybook/contracts';
import { sha256Hex, type Component } from '@daybook/runtime';
import type { z } from 'zod';
import type { BookState } from '../domain/book-state';
import { createEngine, type Engine, type EngineDeps } from './engine';

/** One book for each mode: sandbox and live never meet. */
export type Books = Component & {
  of(mode: Mode): Engine;
  ready(): boolean;
};

const streamPrefix = 'book-';

export function streamOf(mode: Mode): string {
  return streamPrefix + mode;
}

export function modeOfStream(stream: string): Mode {
  assert(stream.startsWith(streamPrefix), `${stream} is not a book`);
  return modeSchema.parse(stream.slice(streamPrefix.length));
}

export function createBooks(deps: Omit<EngineDeps, 'stream'>): Books {
  const engines = new Map(modeSchema.options.map((mode) => [mode, createEngine({ ...deps, stream: streamOf(mode) })]));
  const all = [...engines.values()];
  return {
    name: 'books',
    of: (mode) => engines.get(mode)!,
    ready: () => all.every((engine) => engine.ready()),
    async start() {
      await Promise.all(all.map((engine) => engine.start()));
    },
    async stop() {
      await Promise.all(all.map((engine) => engine.stop()));
    },
  };
}

/** The last event that a strong read has seen. */
export function watermarkOf({ length, lastAt }: BookState): { sequence: number | null; at: string | null } {
  return length === 0 ? { sequence: null, at: null } : { sequence: length - 1, at: lastAt };
}

/** Tells a repeat of a command from another one with the same id. Fields are what the caller sent, in a fixed order. */
export function contentHashOf(fields: Readonly<Record<string, string | bigint | null>>): string {
  return sha256Hex(
    JSON.stringify(Object.entries(fields).map(([name, value]) => [name, value === null ? null : value.toString()])),
  );
}

/** A no of the book as an answer to a call. One that the call does not name would be a bug. */
export function refusalOf<Rejection extends string>(
  call: CallContract<z.ZodType, z.ZodType, Rejection>,
  rejection: string,
  replayed = false,
): { readonly ok: false; readonly rejection: Rejection; readonly replayed?: true } {
  const named = call.rejections.find((one) => one === rejection);
  assert(named !== undefined, `${call.name} does not name ${rejection}`);
  return { ok: false, rejection: named, ...(replayed ? { replayed } : {}) };
}
