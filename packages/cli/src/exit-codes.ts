/** What a script can tell from the exit code, whichever the command. */
export const exitCodes = {
  ok: 0,
  /** The answer is no: a file is not valid, a check found differences, a job failed, messages are still parked, status tells a problem. */
  negative: 1,
  usage: 2,
  /** Neither yes nor no: events that no signature covers yet, a check that could not look at everything. */
  incomplete: 3,
  /** Daybook could not be asked, or refused to answer. */
  unavailable: 4,
  /** Interrupted while following a job, which goes on. */
  detached: 5,
  /** All went well but that what it says, or the file, could not be written: no space, as a rule. */
  output: 6,
  /** As `interrupted`, of a terminal that was closed. */
  hungUp: 129,
  /** Interrupted, and nothing is left behind. As shells tell a command that Ctrl-C has ended. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Of a command that a signal has ended, which leaves nothing behind. */
export function interruption(signal: unknown, said: string): CliError {
  return new CliError(said, signal === 'SIGHUP' ? exitCodes.hungUp : exitCodes.interrupted);
}

/** Ends the command with one line for people. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    message: string,
    readonly exitCode: ExitCode = exitCodes.unavailable,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
