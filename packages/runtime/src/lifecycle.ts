import { ConfigError, type Environment } from './config';
import { startFailure } from './start-refusal';

/** Something that runs: a server, a consumer, a relay. `stop` finishes work in hand and may be called when not started. */
export type Component = {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
};

/** A started service listens at `url`. */
export type Service = {
  start(): Promise<{ readonly url: string }>;
  stop(): Promise<void>;
};

/** Called with an error that the process must not survive: a broken invariant, a consumer that makes no progress. */
export type OnFatal = (error: unknown) => void;

/** Starts in order and stops in reverse. If one does not start, those before it are stopped again; the error says why. */
export function inOrder(name: string, components: readonly Component[]): Component {
  const started: Component[] = [];
  const stop = async () => {
    const errors: unknown[] = [];
    for (const component of started.splice(0).reverse()) {
      await component.stop().catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw new AggregateError(errors, `${name}: ${errors.length} part(s) did not stop cleanly`);
  };
  return {
    name,
    async start() {
      for (const component of components) {
        try {
          await component.start();
        } catch (error) {
          await stop().catch(() => undefined);
          throw new Error(`${name}: ${component.name} did not start: ${String(error)}`, { cause: error });
        }
        started.push(component);
      }
    },
    stop,
  };
}

type Program<Config> = {
  readonly env: Environment;
  loadConfig(env: Environment): Config;
  createService(config: Config, overrides: { onFatal: OnFatal }): Service;
  readonly graceMs: (config: Config) => number;
  /** What it is started for: it is stopped when that is done or has failed. Without it, it runs until it is told to end. */
  work?(config: Config): Promise<void>;
};

/** The whole `main.ts` of a service. */
export function runService<Config extends { readonly SHUTDOWN_GRACE_MS: number }>(
  loadConfig: Program<Config>['loadConfig'],
  createService: Program<Config>['createService'],
): void {
  runProgram({ env: process.env, loadConfig, createService, graceMs: (config) => config.SHUTDOWN_GRACE_MS }).then(
    (code) => process.exit(code),
    (error: unknown) => {
      process.stderr.write(`${startFailure(error)}\n`);
      process.exit(1);
    },
  );
}

/**
 * The body of every `main.ts`: start, wait for SIGTERM, SIGINT, SIGHUP or a fatal error, stop within the grace
 * time. What it is told while it starts counts from then: it is stopped when it has started, within what is left. Fails
 * with the error of a start or of the work.
 * Exit codes: 0 after a signal or its work, 1 when it did not start or failed, 2 when stopping took too long, 64 for a
 * bad setting.
 */
export async function runProgram<Config>(program: Program<Config>): Promise<number> {
  let config: Config;
  try {
    config = program.loadConfig(program.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 64;
  }
  const graceMs = program.graceMs(config);
  let finish!: (code: number) => void;
  let isEnding = false;
  const ended = new Promise<number>((resolve) => {
    finish = (code) => {
      // Now, and not when it has started: that may wait for something that is away.
      if (!isEnding) setTimeout(() => process.exit(2), graceMs).unref();
      isEnding = true;
      resolve(code);
    };
  });
  onEndSignal(() => finish(0));
  const onFatal: OnFatal = (error) => {
    print(error);
    finish(1);
  };
  const service = program.createService(config, { onFatal });
  await service.start();
  try {
    if (program.work === undefined || isEnding) return await ended;
    return await Promise.race([ended, program.work(config).then(() => 0)]);
  } finally {
    await service.stop();
  }
}

function print(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
}

function onEndSignal(end: () => void): void {
  // Each time: npm passes on a Ctrl-C that the terminal has sent already, and a second one would end us by default.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end);
  process.on('SIGHUP', () => {
    if (process.stdout.isTTY) outliveTerminal();
    end();
  });
}

/** What is written to a terminal that was closed fails. It must not end what stops, nor hold it up at its exit. */
function outliveTerminal(): void {
  process.on('uncaughtException', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EIO') throw error;
  });
  // Before the logger's own listener, which would try to write its last lines for ever.
  process.prependListener('exit', () => process.kill(process.pid, 'SIGKILL'));
}
