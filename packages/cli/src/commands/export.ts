import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { open, readlink, rename, stat } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import type { Json } from '../api';
import { CliError, exitCodes, interruption, type ExitCode } from '../exit-codes';
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
  await refuseOther(output);
  tell(context, output, await write(context, options, await followed(output)));
  return exitCodes.ok;
}

/** Only a file can be replaced by a whole one: what a pipe or a device has taken cannot be taken back. */
async function refuseOther(output: string): Promise<void> {
  const there = await stat(output).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    return unwritable(output)(error);
  });
  if (there === null || there.isFile()) return;
  const what = there.isDirectory() ? 'a directory' : 'no regular file';
  throw new CliError(`--output: ${output} is ${what}; name a file`, exitCodes.usage);
}

/** What a link names is replaced, there or not there, and the link stays one. */
async function followed(name: string): Promise<string> {
  const target = await readlink(name).catch(() => undefined);
  if (target === undefined) return name;
  return followed(isAbsolute(target) ? target : `${dirname(name)}/${target}`);
}

/** Not for the user to set right by another name, which the rest are. */
const noSpace: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'];

function unwritable(name: string) {
  return (error: NodeJS.ErrnoException): never => {
    const code = noSpace.includes(error.code) ? exitCodes.output : exitCodes.usage;
    throw new CliError(`${name} cannot be written: ${error.code}`, code, { cause: error });
  };
}

type Written = {
  readonly manifest: Json;
  /** The checkpoint that is the last event of the book, where the file ends before it. */
  readonly leftOut: number | null;
};

/** Written beside the file and put in its place when it is whole, so that a file of the name is never half an export. */
async function write({ api, terminal }: Context, { from, to }: Options, place: string): Promise<Written> {
  // One that is new: a file that is there already may be for others to read.
  const draft = `${place}.${randomUUID()}.part`;
  const file = await open(draft, 'wx', 0o600).catch(unwritable(draft));
  const bar = progressBar(terminal, 'lines');
  const lines = lineCounter();
  const interrupted = new AbortController();
  const forget = terminal.onInterrupt((signal) => interrupted.abort(signal));
  try {
    const { chunks, header } = await api.download('/v1/ops/journal/export', { from, to }, interrupted.signal);
    for await (const chunk of chunks) {
      lines.take(chunk);
      bar.update({ phase: 'exporting', done: lines.count(), total: lines.expected() });
      await file.appendFile(chunk).catch(unwritable(draft));
    }
    const manifest = lines.manifest();
    // Before the former file is gone this one is on the disk, and so is its name before the command says so.
    await file.sync().catch(unwritable(draft));
    await file.close().catch(unwritable(draft));
    await rename(draft, place).catch(unwritable(place));
    await flushed(dirname(place)).catch(unwritable(place));
    return { manifest, leftOut: sequenceOf(header('Checkpoint-Left-Out')) };
  } catch (error) {
    await file.close().catch(() => undefined);
    rmSync(draft, { force: true });
    if (interrupted.signal.aborted) throw interruption(interrupted.signal.reason, 'interrupted; nothing was written');
    throw error;
  } finally {
    forget();
    bar.stop();
  }
}

async function flushed(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
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
