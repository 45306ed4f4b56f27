/**
 * A bank that is told by files and tells by statements: a pain.001 file per transfer in the bank's folder of the outbox,
 * from where whatever connects to the bank (EBICS, SFTP) takes it. What became of it comes by statements, so that there
 * is nothing to ask meanwhile. A file is written whole under its final name or not at all, and a repeat writes the same bytes;
 * should the first have been taken by then, the bank knows the second by its message id, and what it answers to that one is
 * about no order (`statements.ts`).
 */
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { OperationalError } from '@daybook/core';
import { replaceFile } from '@daybook/runtime';
import type { Bank } from '../../ports';
import { pain001, type IsoSettings } from './pain-001';
import { isoRecipientProblem } from './recipients';

export function iso20022Bank(outbox: string, institutionId: string, settings: IsoSettings): Bank {
  const folder = join(outbox, institutionId);
  return {
    problemWith: isoRecipientProblem,
    async send(order) {
      await writeOnce(folder, `${order.transferId}.xml`, pain001(settings, order));
      return { status: 'accepted', reference: null };
    },
    observe: async () => ({ status: 'accepted', reference: null }),
  };
}

async function writeOnce(folder: string, name: string, content: string): Promise<void> {
  const path = join(folder, name);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // Two who write it at once write the same bytes, and a network's folder need not know links.
    if (!(await isThere(path))) await replaceFile(path, content);
  } catch (cause) {
    throw new OperationalError('upstream_unavailable', true, { cause, detail: 'the outbox takes no file' });
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
