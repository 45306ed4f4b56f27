/** A service as a process under a supervisor: one that ends by itself is started again, as the containers are. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { repositoryRoot, type Program } from '../compose-programs';
import { lastWordsOf } from './endings';

const restartAfterMs = 200;
const readyPollMs = 50;
const stopMs = 10_000;

export type Supervised = {
  readonly name: string;
  /** Its last words, each time that it has ended by itself since this was asked before. */
  takeEndings(): readonly string[];
  isRunning(): boolean;
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
  let endings: readonly string[] = [];

  const launch = () => {
    const log = openSync(logFile, 'a');
    const from = fstatSync(log).size;
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
      endings = [...endings, `${name}: ${lastWordsOf(readFileSync(logFile).subarray(from).toString())}`];
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
    takeEndings() {
      const taken = endings;
      endings = [];
      return taken;
    },
    isRunning: () => child !== undefined,
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
