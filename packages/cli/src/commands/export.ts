import { randomUUID } from 'node:crypto';
import { existsSync, rmSync, statSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import type { Json } from '../api';
import { CliError, exitCodes, type ExitCode } from '../exit-codes';
import { progressBar } from '../terminal';
import { asking, printJson, type Context, type Register } from './context';

type Options = { readonly from?: string; readonly to?: string; readonly output: string };

export const registerExport: Register = (program, terminal, finish) => {
  const command = program
    .command('export')
    .description('write a range of the journal to a file that `daybook verify` checks')
    .option('--from <place>', 'first sequence, or an instant such as 2026-02-01T00:00:00Z')
    .option('--to <place>', 'last sequence, or the instant before which it ends')
    .requiredOption('-o, --output <file>', 'the file to write');
  asking(command, terminal, finish, exportJournal);
};

async function exportJournal(context: Context, options: Options): Promise<ExitCode> {
  const { output } = options;
  if (existsSync(output) && statSync(output).isDirectory())
    throw new CliError(`--output: ${output} is a directory; name a file`, exitCodes.usage);
  tell(context, output, await write(context, options));
  return exitCodes.ok;
}

type Written = {
  readonly manifest: Json;
  /** The checkpoint that is the last event of the book, where the file ends before it. */
  readonly leftOut: number | null;
};

/** Written beside the file and put in its place when it is whole, so that a file of the name is never half an export. */
async function write({ api, terminal }: Context, { from, to, output }: Options): Promise<Written> {
  // One that is new: a file that is there already may be for others to read.
  const draft = `${output}.${randomUUID()}.part`;
  const unwritable = (error: NodeJS.ErrnoException, name = draft) => {
    throw new CliError(`${name} cannot be written: ${error.code}`, exitCodes.usage);
  };
  const file = await open(draft, 'wx', 0o600).catch(unwritable);
  const bar = progressBar(terminal, 'lines');
  const lines = lineCounter();
  const interrupted = new AbortController();
  const forget = terminal.onInterrupt(() => interrupted.abort());
  try {
    const { chunks, header } = await api.download('/v1/ops/journal/export', { from, to }, interrupted.signal);
    for await (const chunk of chunks) {
      lines.take(chunk);
      bar.update({ phase: 'exporting', done: lines.count(), total: lines.expected() });
      await file.appendFile(chunk).catch(unwritable);
    }
    const manifest = lines.manifest();
    await file.close().catch(unwritable);
    await rename(draft, output).catch((error: NodeJS.ErrnoException) => unwritable(error, output));
    return { manifest, leftOut: sequenceOf(header('Checkpoint-Left-Out')) };
  } catch (error) {
    await file.close().catch(() => undefined);
    rmSync(draft, { force: true });
    if (interrupted.signal.aborted) throw new CliError('interrupted; nothing was written', exitCodes.interrupted);
    throw error;
  } finally {
    forget();
    bar.stop();
  }
}

function sequenceOf(header: string | null): number | null {
  return header !== null && /^\d{1,15}$/.test(header) ? parseInt(header, 10) : null;
}

const whyLeftOut = 'it records a signed checkpoint, which does not cover itself';

function tell({ terminal, json }: Context, file: string, { manifest, leftOut }: Written): void {
  const { book, first, last, events } = manifest;
  const signed = manifest.coveredBy !== null;
  if (json) {
    const left = leftOut === null ? null : { sequence: leftOut, reason: whyLeftOut };
    return printJson(terminal, { file, book, first, last, events, signed, left_out: left });
  }
  const range = events === 0 ? `no events from ${String(first)} on` : `events ${String(first)} to ${String(last)}`;
  const open = signed || events === 0 ? '' : '; the last of them are not signed yet';
  terminal.out(`${file}: ${range} of the ${String(book)} book${open}\n`);
  if (leftOut !== null)
    terminal.err(`event ${leftOut} is left out: ${whyLeftOut}; the next export is --from ${leftOut}\n`);
}

/** What answers may be a proxy that knows nothing of exports. */
function parsed(line: string): Json {
  let value: unknown = null;
  try {
    value = JSON.parse(line);
  } catch {
    // As good as none.
  }
  if (typeof value === 'object' && value !== null) return value as Json;
  throw new CliError('the answer is no export; is the URL that of the gateway?');
}

/** Looks at the first line and the last one of what goes by. */
function lineCounter() {
  let count = 0;
  let expected: number | null = null;
  let last = Buffer.alloc(0);
  return {
    take(chunk: Uint8Array) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, end + 1)) count += 1;
      const joined = Buffer.concat([last, bytes]);
      if (expected === null && joined.includes(10)) {
        const header = parsed(joined.subarray(0, joined.indexOf(10)).toString());
        expected = Number(header.last) - Number(header.first) + 3;
      }
      // All but what may still be a part of the last line.
      const from = joined.lastIndexOf(10, -2) + 1;
      last = Buffer.from(joined.subarray(from));
    },
    count: () => count,
    expected: () => expected,
    manifest(): Json {
      const text = last.toString();
      const line = text.endsWith('\n') ? parsed(text) : {};
      if (line.type !== 'manifest') throw new CliError('the export was cut off before its end; try again');
      return line;
    },
  };
}
