/** Replays and checks: long work that goes on in the ledger, whoever follows it. */
import { randomUUID } from 'node:crypto';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import { PassingError, shaped, type Json } from '../api';
import { CliError, exitCodes, type ExitCode } from '../exit-codes';
import { jsonText, printable } from '../table';
import { progressBar, type Progress, type Terminal } from '../terminal';
import { asking, partOfPath, printJson, type Context, type Register } from './context';

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
    .description('build the read models of the ledger again from the journal and compare; a dry run unless --execute')
    .option('--execute', 'switch reads to the new tables, if they are equal')
    .option('--accept-differences', 'switch also when they are not')
    .option('--tenant <id>', 'report on the accounts of this tenant')
    .option('--account <id>', 'report on this account')
    .option('--from <sequence>', 'report on entries from here', sequenceOf('--from'))
    .option('--to <sequence>', 'report on entries up to here', sequenceOf('--to'));
  asking(followed(command), terminal, finish, (context, options: Replay) => {
    const isDryRun = options.execute !== true;
    if (isDryRun && options.acceptDifferences === true)
      throw new CliError('--accept-differences is for --execute: a dry run switches nothing', exitCodes.usage);
    return runJob(context, '/v1/ops/replays', options, {
      dry_run: isDryRun,
      accept_differences: options.acceptDifferences === true,
      tenant_id: options.tenant ?? null,
      account_id: options.account ?? null,
      from_sequence: options.from ?? null,
      to_sequence: options.to ?? null,
    });
  });
};

function sequenceOf(option: string): (text: string) => number {
  return (text) => {
    if (!/^(0|[1-9]\d{0,14})$/.test(text)) throw new CliError(`${option}: ${text} is not a sequence`, exitCodes.usage);
    return parseInt(text, 10);
  };
}

export const registerCheck: Register = (program, terminal, finish) => {
  const command = program
    .command('check')
    .description('compare every read model of the ledger with the journal and test the invariants')
    .option('--incremental', 'begin where the last clean check ended');
  asking(followed(command), terminal, finish, (context, options: Follow & { incremental?: true }) =>
    runJob(context, '/v1/ops/checks', options, { incremental: options.incremental === true }),
  );
};

/** What a job is to be is for its start alone; to one that is there it would be said in vain. */
function followed(command: Command): Command {
  const ofTheStart = [...command.options.map((option) => option.attributeName()), 'detach'];
  return command
    .option('--detach', 'start it and do not wait')
    .addOption(new Option('--follow <job>', 'start none, follow this one').conflicts([...ofTheStart, 'cancel']))
    .addOption(new Option('--cancel <job>', 'start none, cancel this one').conflicts(ofTheStart));
}

const jobShown = z.looseObject({
  id: z.string(),
  kind: z.string(),
  status: z.string(),
  error: z.string().nullable(),
  report: z.record(z.string(), z.unknown()).nullable(),
});
type Job = z.output<typeof jobShown>;

const jobMoving = z.looseObject({
  progress: z.looseObject({
    phase: z.string().nullable(),
    done: z.number(),
    total: z.number().nullable(),
    rate_per_second: z.number().nullable(),
    eta_seconds: z.number().nullable(),
  }),
});

async function runJob(context: Context, path: string, options: Follow, body: Json): Promise<ExitCode> {
  const { api, terminal, json } = context;
  if (options.cancel !== undefined) {
    const job = await api.post(`${path}/${partOfPath('--cancel', options.cancel)}/cancel`, jobShown);
    if (json) printJson(terminal, job);
    else terminal.out(`${job.id} ${job.status}\n`);
    return exitCodes.ok;
  }
  const id = options.follow ?? (await startJob(context, path, body));
  if (options.detach === true) {
    if (json) printJson(terminal, { id });
    else terminal.out(`${id}\n`);
    return exitCodes.ok;
  }
  if (options.follow === undefined) terminal.err(`${id} started\n`);
  const job = await followJob(context, `${path}/${partOfPath('--follow', id)}`).catch((error: unknown) =>
    lost(error, id, options),
  );
  if (job === null) {
    terminal.err(`detached; the job goes on: --follow ${id}, or --cancel ${id}\n`);
    return exitCodes.detached;
  }
  if (json) printJson(terminal, job);
  else terminal.out(renderJob(job));
  return verdictOf(job);
}

/** While nothing was started, somebody waits who wants to know. */
const startBudgetMs = 5_000;

/** The answer can be lost and the job be started: the key finds it again. */
async function startJob({ api, terminal }: Context, path: string, body: Json): Promise<string> {
  const key = randomUUID();
  const patience = patienceOf(terminal, startBudgetMs);
  for (;;) {
    try {
      return (await api.post(path, jobShown, body, key)).id;
    } catch (error) {
      await patience.after(error).catch(mayBeStarted);
    }
  }
}

function mayBeStarted(error: unknown): never {
  if (!(error instanceof PassingError)) throw error;
  throw new CliError(`${error.message}; if it was started all the same, daybook status shows it`, error.exitCode, {
    cause: error,
  });
}

/** Longer than the gateway or the ledger need to start again. */
const followBudgetMs = 120_000;

/** The job when it is over; null when interrupted. */
async function followJob(context: Context, path: string): Promise<Job | null> {
  const { terminal } = context;
  const interrupted = new AbortController();
  const forget = terminal.onInterrupt(() => interrupted.abort());
  const bar = progressBar(terminal, 'done');
  const patience = patienceOf(terminal, followBudgetMs, interrupted.signal);
  try {
    for (;;) {
      try {
        for await (const { event, data } of context.api.events(`${path}/events`, interrupted.signal)) {
          patience.renew();
          if (event === 'end') return shaped(path, jobShown, data);
          draw(bar, shaped(path, jobMoving, data));
        }
        throw new PassingError('the connection ended before the job');
      } catch (error) {
        await patience.after(error);
      }
    }
  } catch (error) {
    if (interrupted.signal.aborted) return null;
    throw error;
  } finally {
    bar.stop();
    forget();
  }
}

/** Between two attempts, unless Daybook says when to come back. */
const retryMs = 500;

/** Waits after what may pass, until it has not passed for so long. */
function patienceOf(terminal: Terminal, budgetMs: number, signal?: AbortSignal) {
  let endsAt: number | null = null;
  return {
    renew: () => void (endsAt = null),
    async after(error: unknown): Promise<void> {
      if (!(error instanceof PassingError)) throw error;
      const now = terminal.now();
      endsAt ??= now + budgetMs;
      if (now >= endsAt) throw error;
      await terminal.wait(Math.min(error.retryAfterMs ?? retryMs, endsAt - now), signal);
    },
  };
}

function draw(bar: Progress, { progress }: z.output<typeof jobMoving>): void {
  const { phase, done, total, rate_per_second: ratePerSecond, eta_seconds: etaSeconds } = progress;
  bar.update({ phase, done, total }, { ratePerSecond, etaSeconds });
}

/** What was started goes on without us. A refusal to follow what was asked for by its id says enough itself. */
function lost(error: unknown, id: string, { follow }: Follow): never {
  const isRefusal = follow !== undefined && !(error instanceof PassingError);
  if (!(error instanceof CliError) || isRefusal) throw error;
  throw new CliError(`lost the job, which may go on (--follow ${id}): ${error.message}`, error.exitCode, {
    cause: error,
  });
}

function renderJob({ id, kind, status, error, report }: Job): string {
  const why = error === null ? '' : `: ${printable(error)}`;
  const said = report === null ? '' : jsonText(report);
  return `${kind} ${id} ${status}${why}\n${said}`;
}

function verdictOf({ status, report }: Job): ExitCode {
  if (status !== 'succeeded') return exitCodes.negative;
  const { status: found, equal, switched } = report ?? {};
  // Tables that differ are switched to when that was asked for, and only then.
  if (found === 'DIFFERENCES' || (equal === false && switched !== true)) return exitCodes.negative;
  return found === 'INCOMPLETE' ? exitCodes.incomplete : exitCodes.ok;
}
