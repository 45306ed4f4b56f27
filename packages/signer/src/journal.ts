/**
 * The journal of signatures: a file that only grows, one record a line, forced to disk before an answer leaves. Each line
 * begins with the digest of the line before it and itself, so a line that was changed, removed or put between is found. A
 * last line without an end was never answered and is cut off; anything else that does not fit stops the start.
 */
import { assert } from '@daybook/core';
import { assetCodes } from '@daybook/money';
import { sha256Hex, StartRefusal } from '@daybook/runtime';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { SendSigned } from './domain/signing';
import type { Journal } from './ports';
import { signAnswer } from './protocol';

const format = 'daybook-signer-journal-1';
const units = z.codec(z.string().regex(/^\d+$/), z.bigint(), { decode: BigInt, encode: String });
const asset = z.enum(assetCodes);
const record = z.strictObject({
  at: z.number().int(),
  terms: z.strictObject({
    sendId: z.string(),
    digest: z.string(),
    to: z.string(),
    asset,
    amount: units,
    way: z.string(),
    slots: z.array(z.string()).readonly(),
    exclusive: z.boolean(),
    feeAsset: asset,
    fee: units,
  }),
  answer: signAnswer,
});
const header = z.strictObject({ format: z.literal(format), keyId: z.string() });

/** The journal cannot be trusted. The message says what to do about it. */
class JournalError extends StartRefusal {
  override readonly name = 'JournalError';
}

/** Makes an empty journal of the key. Fails when there is a file. */
export async function createJournal(path: string, keyId: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(lineOf(JSON.stringify({ format, keyId }), '').line);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(dirname(path));
}

/** Reads all of it, oldest first, through `remember`, and keeps it open for more. */
export async function openJournal(
  path: string,
  keyId: string,
  remember: (signed: SendSigned) => void,
): Promise<Journal> {
  const bytes = await readFile(path);
  let digest = '';
  let end = 0;
  for (let newline = bytes.indexOf(10); newline >= 0; newline = bytes.indexOf(10, end)) {
    const text = bytes.toString('utf8', end, newline);
    const json = text.slice(65);
    const expected = lineOf(json, digest);
    if (text !== expected.line.slice(0, -1))
      throw new JournalError(
        `${path} was changed at byte ${end}: restore it from a copy, and sign nothing before that`,
      );
    if (end === 0) expectHeader(path, json, keyId);
    else remember(z.decode(record, JSON.parse(json) as never));
    digest = expected.digest;
    end = newline + 1;
  }
  if (end === 0) throw new JournalError(`${path} has no header: restore it from a copy`);
  const file = await open(path, 'a');
  if (end < bytes.length) {
    await file.truncate(end);
    await file.sync();
  }
  return appendable(path, file, { digest, size: end });
}

function appendable(path: string, file: FileHandle, last: { digest: string; size: number }): Journal {
  return {
    async append(signed) {
      await expectSize(path, file, last.size);
      const { line, digest } = lineOf(JSON.stringify(z.encode(record, signed)), last.digest);
      await file.appendFile(line);
      await file.datasync();
      last.size += Buffer.byteLength(line);
      last.digest = digest;
      // Two that write at the same moment both find out here, before either has answered.
      await expectSize(path, file, last.size);
    },
    close: () => file.close(),
  };
}

/** Two signers on one journal would each allow what is allowed once. */
async function expectSize(path: string, file: FileHandle, size: number): Promise<void> {
  const { size: found } = await file.stat();
  if (found !== size) throw new JournalError(`${path} has ${found} bytes, not ${size}: another signer writes to it`);
}

function expectHeader(path: string, json: string, keyId: string): void {
  const found = header.safeParse(JSON.parse(json));
  assert(found.success, `${path} is no journal of signatures`);
  if (found.data.keyId !== keyId)
    throw new JournalError(`${path} is of key ${found.data.keyId}, not ${keyId}: each key has a journal of its own`);
}

function lineOf(json: string, previous: string): { readonly line: string; readonly digest: string } {
  const digest = sha256Hex(`${previous}${json}`);
  return { line: `${digest} ${json}\n`, digest };
}

/** Makes the names in a directory durable. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
