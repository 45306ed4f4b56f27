/**
 * A disk of our own that can be filled: a small tmpfs, mounted where nobody else sees it (`isolation.ts`). A file takes
 * all that is left of it, and gives it back.
 */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export type Disk = {
  readonly directory: string;
  /** Takes every byte that is left, again and again: whoever deletes something does not get room by it. */
  fill(): void;
  free(): void;
};

const piecesBytes = [1_048_576, 4_096];

/** The one that FAULTS_DISK names. */
export function fullableDisk(): Disk | undefined {
  const directory = process.env['FAULTS_DISK'];
  if (directory === undefined || directory === '') return undefined;
  const filler = join(directory, 'filler');
  return {
    directory,
    fill() {
      const file = openSync(filler, 'a');
      try {
        for (const bytes of piecesBytes) takeAll(file, Buffer.alloc(bytes));
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler, { force: true }),
  };
}

function takeAll(file: number, piece: Buffer): void {
  for (;;) {
    try {
      writeSync(file, piece);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
      throw error;
    }
  }
}
