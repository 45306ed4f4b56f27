export { exitCodes, type ExitCode } from './exit-codes';
export { runCli } from './program';
export type { Terminal } from './terminal';
