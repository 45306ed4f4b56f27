/** The verifier of an export. It reads two files and asks nobody. */
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import {
  createExportVerifier,
  KeyError,
  parsePublicKey,
  type ExportVerdict,
  type ExportVerifier,
  type PublicKey,
} from '@daybook/proof';
import { CliError, exitCodes, interruption, type ExitCode } from '../exit-codes';
import { printable } from '../table';
import { progressBar, type Terminal } from '../terminal';
import { printJson, type Register } from './context';

export const registerVerify: Register = (program, terminal, finish) => {
  program
    .command('verify')
    .description('verify an export with nothing but a public key')
    .argument('<file>', 'the export')
    .requiredOption('--pub <key>', 'the public key: a file, or 32 bytes in base64')
    .option('--origin <text>', 'of which instance and book it has to be, such as daybook/book-live')
    .option('--json', 'print JSON, for scripts')
    .action(async (file: string, { pub, origin, json }: { pub: string; origin?: string; json?: true }) => {
      const verdict = await verifyFile(file, createExportVerifier(publicKeyOf(pub), { origin }), terminal);
      if (json === true) printJson(terminal, described(verdict));
      else terminal.out(render(verdict));
      finish(codeOf(verdict));
    });
};

function publicKeyOf(given: string): PublicKey {
  const isFile = existsSync(given);
  try {
    return parsePublicKey(isFile ? readFileSync(given, 'utf8') : given);
  } catch (error) {
    const why = error instanceof KeyError ? error.message : (error as Error).message;
    const missing = isFile ? '' : `there is no file ${printable(given)}, and as a key it is `;
    throw new CliError(`--pub: ${missing}${why}`, exitCodes.usage, { cause: error });
  }
}

/** A line that is longer is none of an export: a transaction has a largest size. */
const lineBytesMax = 64 * 1_048_576;

async function verifyFile(file: string, verifier: ExportVerifier, terminal: Terminal): Promise<ExportVerdict> {
  const total = sizeOf(file);
  const bar = progressBar(terminal, 'bytes');
  const interrupted = new AbortController();
  const forget = terminal.onInterrupt((signal) => interrupted.abort(signal));
  let rest: Buffer[] = [];
  let done = 0;
  try {
    for await (const chunk of chunksOf(file, interrupted.signal)) {
      done += chunk.length;
      bar.update({ phase: 'verifying', done, total });
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        const line = Buffer.concat([...rest, chunk.subarray(start, end)]);
        rest = [];
        start = end + 1;
        if (!verifier.line(line)) return verifier.end();
      }
      rest.push(chunk.subarray(start));
      if (rest.reduce((sum, { length }) => sum + length, 0) > lineBytesMax) break;
    }
    return verifier.end(Buffer.concat(rest));
  } finally {
    forget();
    bar.stop();
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch (error) {
    return unreadable(file, error);
  }
}

async function* chunksOf(file: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(file, { highWaterMark: 1_048_576, signal }) as AsyncIterable<Buffer>;
  } catch (error) {
    if (signal.aborted) throw interruption(signal.reason, 'interrupted');
    unreadable(file, error);
  }
}

/** A directory too: it has a size, and is refused when it is read. */
function unreadable(file: string, cause: unknown): never {
  throw new CliError(`${file} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, exitCodes.usage, { cause });
}

function codeOf({ status }: ExportVerdict): ExitCode {
  return { valid: exitCodes.ok, invalid: exitCodes.negative, incomplete: exitCodes.incomplete }[status];
}

function described(verdict: ExportVerdict) {
  return {
    status: verdict.status,
    problem: verdict.problem,
    origin: verdict.origin,
    book: verdict.book,
    first: verdict.first,
    last: verdict.last,
    events: verdict.events,
    events_signed: verdict.eventsSigned,
    checkpoints: verdict.checkpoints,
    signed_at: verdict.signedAt,
    key_ids: verdict.keyIds,
  };
}

function render(verdict: ExportVerdict): string {
  const { status, problem, first, last, events, eventsSigned, checkpoints, signedAt, keyIds } = verdict;
  if (problem !== null) {
    const where = problem.sequence === null ? '' : ` event ${problem.sequence}`;
    return `INVALID${where}: ${printable(problem.reason)} (line ${problem.line})\n`;
  }
  if (events === 0 && status === 'incomplete')
    return `INCOMPLETE no events from ${first} of ${printable(verdict.origin)}, and no signature that says so\n`;
  const range =
    events === 0
      ? `no events from ${first} of ${printable(verdict.origin)}`
      : `events ${first} to ${last} of ${printable(verdict.origin)}: ${events}, in one unbroken chain, balanced`;
  const signature = `signed by ${keyIds.map((id) => id.slice(0, 16)).join(', ')}, last at ${signedAt}`;
  if (status === 'valid') return `VALID ${range}; ${checkpoints} checkpoints fit, ${signature}\n`;
  const covered =
    eventsSigned === 0 ? 'no signature covers any of them' : `${signature}, up to event ${first! + eventsSigned - 1}`;
  return `INCOMPLETE ${range}; ${covered}; the last ${events - eventsSigned} are not covered by a signature\n`;
}
