/** Replays and checks: long work that goes on in the ledger, whoever follows it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Json } from '../api';
import { CliError, exitCodes, type ExitCode } from '../exit-codes';
import { progressBar } from '../terminal';
import { asking, printJson, type Context, type Register } from './context';

type Follow = { readonly follow?: string; readonly cancel?: string; readonly detach?: true };

type Replay = Follow & {
  readonly execute?: true;
  readonly acceptDifferences?: true;
  readonly tenant?: string;
  readonly account?: string;
  readonly from?: number;
  readonly to?: number;
};

export const registerReplay: Register = (program, terminal, finish) => {
  const command = program
    .command('replay')
    .description('build the read models again from the journal and compare; a dry run unless --execute')
    .option('--execute', 'switch reads to the new tables, if they are equal')
    .option('--accept-differences', 'switch also when they are not')
    .option('--tenant <id>', 'report on the accounts of this tenant')
    .option('--account <id>', 'report on this account')
    .option('--from <sequence>', 'report on entries from here', sequence)
    .option('--to <sequence>', 'report on entries up to here', sequence);
  asking(followed(command), terminal, finish, (context, options: Replay) =>
    runJob(context, '/v1/ops/replays', options, {
      dry_run: options.execute !== true,
      accept_differences: options.acceptDifferences === true,
      tenant_id: options.tenant ?? null,
      account_id: options.account ?? null,
      from_sequence: options.from ?? null,
      to_sequence: options.to ?? null,
    }),
  );
};

function sequence(text: string): number {
  if (!/^(0|[1-9]\d{0,14})$/.test(text)) throw new CliError(`${text} is not a sequence`, exitCodes.usage);
  return parseInt(text, 10);
}

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
  const { status: found, equal } = (report ?? {}) as Json;
  if (found === 'DIFFERENCES' || equal === false) return exitCodes.negative;
  return found === 'INCOMPLETE' ? exitCodes.incomplete : exitCodes.ok;
}
