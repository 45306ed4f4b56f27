import { Command, CommanderError } from 'commander';
import { registerExport } from './commands/export';
import { registerCheck, registerReplay } from './commands/jobs';
import { registerLedger } from './commands/ledger';
import { registerPayouts } from './commands/payouts';
import { registerRedrive } from './commands/redrive';
import { registerStatus } from './commands/status';
import { registerVerify } from './commands/verify';
import { CliError, exitCodes, type ExitCode } from './exit-codes';
import type { Terminal } from './terminal';

const commands = [
  registerStatus,
  registerLedger,
  registerReplay,
  registerCheck,
  registerExport,
  registerVerify,
  registerRedrive,
  registerPayouts,
];

const codes = `
Exit codes: 0 yes; 1 no (not valid, differences, failed, still parked, payouts stopped, a problem in the status); 2 usage;
3 incomplete (not all is signed, could be checked or is known); 4 Daybook cannot be asked or refused; 5 interrupted while
following a job, which goes on; 6 the output cannot be written; 129 and 130 an export or a verification was interrupted, by
the end of its terminal or otherwise.`;

/** Runs one command. `argv` is without the program. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const program = new Command('daybook')
    .description('Operate and verify Daybook.')
    .addHelpText('after', codes)
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
  for (const register of commands) register(program, terminal, (code) => (exitCode = code));
  for (const command of program.commands)
    command.exitOverride().configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has said what is wrong itself.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (!(error instanceof CliError)) throw error;
    terminal.err(`daybook: ${error.message}\n`);
    return error.exitCode;
  }
}
