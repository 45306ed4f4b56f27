/**
 * Files of keys and credentials, which are often kept nowhere else: whole or absent, on the disk when a function returns,
 * and for their owner alone.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Writes JSON. A reader sees the old file or the whole new one. */
export function writePrivateFile(path: string, value: unknown): void {
  replacePrivateFile(path, textOf(value), 0o600);
}

/** Writes JSON unless the file is there: of several that make it at the same moment, one does. */
export function createPrivateFile(path: string, value: unknown): void {
  const draft = writeDraft(path, textOf(value), 0o600);
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  flushDirectory(path);
}

/** Writes exactly this text, for those that `mode` lets. */
export function replacePrivateFile(path: string, text: string, mode: number): void {
  renameSync(writeDraft(path, text, mode), path);
  flushDirectory(path);
}

function textOf(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function writeDraft(path: string, text: string, mode: number): string {
  const draft = `${path}.${randomBytes(8).toString('hex')}.tmp`;
  try {
    writeFileSync(draft, text, { mode, flag: 'wx', flush: true });
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  return draft;
}

/** A name that a power cut could take back is not kept. */
function flushDirectory(path: string): void {
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
