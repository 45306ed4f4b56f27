import { Option, type Command } from 'commander';
import { openApi, type Api } from '../api';
import { connectionOf, modes, type ConnectionOptions, type Mode } from '../connection';
import { CliError, exitCodes, type ExitCode } from '../exit-codes';
import { jsonText, printable } from '../table';
import type { Terminal } from '../terminal';

/** What every command that asks Daybook has. */
export type Context = {
  readonly api: Api;
  /** Daybook as each operator of the connection sees it. */
  readonly operators: readonly { readonly mode: Mode | null; readonly api: Api }[];
  readonly terminal: Terminal;
  readonly json: boolean;
};

export type SharedOptions = ConnectionOptions & { readonly json?: true };

/** Adds a command's end: how it is connected, what it prints, and the exit code that it ends with. */
export type Register = (program: Command, terminal: Terminal, finish: (code: ExitCode) => void) => void;

export function asking(
  command: Command,
  terminal: Terminal,
  finish: (code: ExitCode) => void,
  run: (context: Context, options: never, ...operands: string[]) => Promise<ExitCode>,
): Command {
  return command
    .option('--url <url>', 'address of the gateway (DAYBOOK_URL)')
    .option('--token <token>', 'credential with the scope ops (DAYBOOK_TOKEN)')
    .addOption(
      new Option('--mode <mode>', 'whose operator of DAYBOOK_HOME/credentials.json (DAYBOOK_MODE)').choices(modes),
    )
    .option('--json', 'print JSON, for scripts')
    .action(async (...given: unknown[]) => {
      const options = command.opts<SharedOptions>();
      const operands = given.filter((value): value is string => typeof value === 'string');
      const { url, token, operators } = connectionOf(options, terminal);
      const context = {
        api: openApi({ url, token }),
        operators: operators.map((each) => ({ mode: each.mode, api: openApi({ url, token: each.token }) })),
        terminal,
        json: options.json === true,
      };
      finish(await run(context, options as never, ...operands));
    });
}

export function printJson({ out }: Terminal, value: unknown): void {
  out(jsonText(value));
}

/** What was given as `name`, as a part of a path. Empty or with dots alone it would make the path that of something else. */
export function partOfPath(name: string, given: string): string {
  if (['', '.', '..'].includes(given)) throw new CliError(`${name}: "${printable(given)}" is no id`, exitCodes.usage);
  return encodeURIComponent(given);
}
