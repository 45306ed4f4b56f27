/**
 * Standard output and standard error of the process. What is under way goes on when one of them is closed or full: what it
 * has changed is changed, and the exit code tells of that.
 */
import type { Writable } from 'node:stream';
import { exitCodes } from './exit-codes';

type Streams = { readonly stdout: Writable; readonly stderr: Writable };

export type StandardStreams = {
  out(text: string): void;
  err(text: string): void;
  /** Resolves when all is written or cannot be, with the code to exit with. */
  settle(code: number): Promise<number>;
};

export function standardStreams({ stdout, stderr }: Streams): StandardStreams {
  const [results, messages] = [sinkOf(stdout), sinkOf(stderr)];
  return {
    out: results.write,
    err: messages.write,
    async settle(code) {
      const failure = await results.settled();
      // Whoever reads has had enough, as `head`: nothing is to be said of that.
      const isLost = failure !== null && failure.code !== 'EPIPE';
      if (isLost) messages.write(`daybook: the output cannot be written: ${failure.code ?? failure.message}\n`);
      await messages.settled();
      return isLost && code === exitCodes.ok ? exitCodes.output : code;
    },
  };
}

/** Remembers the first failure, and is told no more after it. */
function sinkOf(stream: Writable) {
  let failure: NodeJS.ErrnoException | null = null;
  let last = Promise.resolve();
  const failed = (error: NodeJS.ErrnoException) => void (failure ??= error);
  // Also of what others write to it, as a bar of progress.
  stream.on('error', failed);
  return {
    write(text: string): void {
      if (failure !== null) return;
      last = new Promise((resolve) => {
        stream.write(text, (error) => {
          if (error) failed(error);
          resolve();
        });
      });
    },
    async settled(): Promise<NodeJS.ErrnoException | null> {
      await last;
      return failure;
    },
  };
}
