/** Replays and checks: long work that goes on in the ledger, whoever follows it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Json } from '../api';
import { CliError, exitCodes, type ExitCode } from '../exit-codes';
import { progressBar } from '../terminal';
import { asking, printJson, type Context, type Register } from './context';

type Follow = { readonly follow?: string; readonly cancel?: string; readonly detach?: true };

export const registerReplay: Register = (program, terminal, finish) => {
  const command = program
    .command('replay')
    .description('build the read models again from the journal and compare; a dry run unless --execute')
    .option('--execute', 'switch reads to the new tables');
  asking(followed(command), terminal, finish, (context, options: Follow & { execute?: true }) =>
    runJob(context, '/v1/ops/replays', options, { dry_run: options.execute !== true }),
  );
};

export const registerCheck: Register = (program, terminal, finish) => {
  const command = program
    .command('check')
    .description('compare every read model with the journal and test the invariants')
    .option('--incremental', 'begin where the last clean check ended');
  asking(followed(command), terminal, finish, (context, options: Follow & { incremental?: true }) =>
    runJob(context, '/v1/ops/checks', options, { incremental: options.incremental === true }),
  );
};

function followed(command: Command): Command {
  return command
    .option('--detach', 'start it and do not wait')
    .option('--follow <job>', 'start none, follow this one')
    .option('--cancel <job>', 'start none, cancel this one');
}

async function runJob(context: Context, path: string, options: Follow, body: Json): Promise<ExitCode> {
  const { api, terminal, json } = context;
  if (options.cancel !== undefined) {
    const job = await api.post(`${path}/${encodeURIComponent(options.cancel)}/cancel`);
    if (json) printJson(terminal, job);
    else terminal.out(`${String(job.id)} ${String(job.status)}\n`);
    return exitCodes.ok;
  }
  const id = options.follow ?? String((await api.post(path, body)).id);
  if (options.detach === true) {
    if (json) printJson(terminal, { id });
    else terminal.out(`${id}\n`);
    return exitCodes.ok;
  }
  const job = await followJob(context, `${path}/${encodeURIComponent(id)}`);
  if (job === null) {
    terminal.err(`detached; the job goes on: --follow ${id}, or --cancel ${id}\n`);
    return exitCodes.detached;
  }
  if (json) printJson(terminal, job);
  else terminal.out(renderJob(job));
  return verdictOf(job);
}

/** Between two connections, when one ended before the job. */
const reconnectMs = 500;
/** Connections in a row that bring nothing. */
const attemptsMax = 20;

/** The job when it is over; null when interrupted. */
async function followJob({ api, terminal }: Context, path: string): Promise<Json | null> {
  const interrupted = new AbortController();
  const forget = terminal.onInterrupt(() => interrupted.abort());
  const bar = progressBar(terminal, 'done');
  try {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      for await (const { event, data } of api.events(`${path}/events`, interrupted.signal)) {
        attempt = 0;
        if (event === 'end') return data;
        const { done, total, phase } = data.progress as { done: number; total: number | null; phase: string | null };
        bar.update(done, { total, phase });
      }
      await delay(reconnectMs, undefined, { signal: interrupted.signal });
    }
    throw new CliError(`lost the job; it may go on: --follow ${path.split('/').at(-1)}`);
  } catch (error) {
    if (interrupted.signal.aborted) return null;
    throw error;
  } finally {
    bar.stop();
    forget();
  }
}

function renderJob({ id, kind, status, error, report }: Json): string {
  const why = error === null ? '' : `: ${String(error)}`;
  const said = report === null ? '' : `${JSON.stringify(report, null, 2)}\n`;
  return `${String(kind)} ${String(id)} ${String(status)}${why}\n${said}`;
}

function verdictOf({ status, report }: Json): ExitCode {
  if (status !== 'succeeded') return exitCodes.negative;
  switch ((report as Json | null)?.status) {
    case 'DIFFERENCES':
      return exitCodes.negative;
    case 'INCOMPLETE':
      return exitCodes.incomplete;
    default:
      return exitCodes.ok;
  }
}
