/** A service as a process under a supervisor: one that ends by itself is started again, as the containers are. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { repositoryRoot, type Program } from '../compose-programs';

const restartAfterMs = 200;
const readyPollMs = 50;
const stopMs = 10_000;

export type Supervised = {
  readonly name: string;
  /** Its last words, each time that it ended by itself. */
  readonly endings: () => readonly string[];
  start(): void;
  /** kill -9, and no start before `start`. */
  kill(): Promise<void>;
  pause(): void;
  resume(): void;
  untilReady(timeoutMs: number): Promise<void>;
  stop(): Promise<void>;
};

export type Supervision = {
  readonly name: string;
  readonly program: Program;
  readonly settings: Readonly<Record<string, string>>;
  /** Where it answers `/readyz`. */
  readonly url: string;
  readonly logFile: string;
};

const preload = join(__dirname, 'clock-preload.js');

export function supervised({ name, program, settings, url, logFile }: Supervision): Supervised {
  let child: ChildProcess | undefined;
  let wanted = false;
  const endings: string[] = [];

  const launch = () => {
    const log = openSync(logFile, 'a');
    const env = { PATH: process.env['PATH'], ...program.environment, ...settings };
    const started = spawn(process.execPath, ['--require', preload, join(repositoryRoot, program.script)], {
      env,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child = started;
    started.once('exit', () => {
      if (child === started) child = undefined;
      if (!wanted) return;
      endings.push(`${name}: ${lastWords(logFile)}`);
      setTimeout(() => wanted && child === undefined && launch(), restartAfterMs);
    });
  };

  const end = async (signal: NodeJS.Signals) => {
    wanted = false;
    const ending = child;
    if (ending === undefined) return;
    const ended = once(ending, 'exit');
    ending.kill(signal);
    const late = setTimeout(() => ending.kill('SIGKILL'), stopMs);
    await ended;
    clearTimeout(late);
  };

  return {
    name,
    endings: () => endings,
    start() {
      wanted = true;
      if (child === undefined) launch();
    },
    kill: () => end('SIGKILL'),
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async untilReady(timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      let said = 'no answer';
      while (performance.now() < deadline) {
        const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
        if (answer?.ok === true) return;
        said = (await answer?.text().catch(() => undefined)) ?? said;
        await delay(readyPollMs);
      }
      throw new Error(`${name} is not ready after ${timeoutMs} ms: ${said}`);
    },
    stop: () => end('SIGTERM'),
  };
}

/** The first line of what is behind the last line of the log proper: a fatal error is told as text. */
function lastWords(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n');
  const logged = lines.findLastIndex((line) => line.startsWith('{'));
  return lines[logged + 1] ?? 'without a word';
}
