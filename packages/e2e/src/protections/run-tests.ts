/** Runs some tests of a copy of the repository in a process of their own, and tells what became of each. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Held } from './protection';

export type TestRun = {
  readonly passed: readonly string[];
  readonly failed: readonly { readonly title: string; readonly message: string }[];
  /** Why it says nothing about the tests: a file that does not load, or a run that did not end. */
  readonly broken: string | null;
};

type JestResults = {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
};

/** Far above what the slowest run takes, so that one that hangs is ended. */
const runMsMax = 300_000;

/** Throws the signal's reason when it aborts. */
export async function runTests(directory: string, tests: readonly Held[], signal: AbortSignal): Promise<TestRun> {
  const output = join(directory, 'results.json');
  await rm(output, { force: true });
  const pattern = [...new Set(tests.map(({ title }) => titlePattern(title)))].join('|');
  const named = ['--testNamePattern', `(?:^| )(?:${pattern})$`];
  const told = ['--json', '--outputFile', output, '--silent', '--runInBand', '--forceExit'];
  const files = new Set(tests.map(({ file }) => file));
  const among = ['--selectProjects', 'unit', 'int'];
  const ended = await runJest(directory, ['--runTestsByPath', ...files, ...among, ...named, ...told], signal);
  if (ended !== null) return { passed: [], failed: [], broken: ended };
  try {
    return resultsOf(JSON.parse(await readFile(output, 'utf8')) as JestResults);
  } catch (error) {
    return { passed: [], failed: [], broken: `no results: ${(error as Error).message}` };
  }
}

/** A regular expression. Titles of tables have places that are filled in. */
export function titlePattern(title: string): string {
  return title.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&').replaceAll(/%[sdijo]|\\\$\w+/g, '.*');
}

/** Null when it ended by itself, whatever the outcome. */
async function runJest(directory: string, args: readonly string[], signal: AbortSignal): Promise<string | null> {
  signal.throwIfAborted();
  const jest = join(directory, 'node_modules/jest/bin/jest.js');
  const child = spawn(process.execPath, [jest, ...args], {
    cwd: directory,
    env: { ...process.env, LONG_TESTS: 'true' },
    stdio: 'ignore',
    detached: true,
  });
  const end = AbortSignal.any([signal, AbortSignal.timeout(runMsMax)]);
  // The group: a test may have started processes of its own.
  const kill = () => child.pid !== undefined && child.exitCode === null && process.kill(-child.pid, 'SIGKILL');
  end.addEventListener('abort', kill, { once: true });
  await once(child, 'exit');
  end.removeEventListener('abort', kill);
  signal.throwIfAborted();
  return end.aborted ? `did not end within ${runMsMax / 1_000} seconds` : null;
}

function resultsOf({ testResults }: JestResults): TestRun {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = tests
    .filter(({ status }) => status === 'failed')
    .map(({ title, failureMessages }) => ({ title, message: plainOf(failureMessages[0] ?? '') }));
  const unloaded = testResults.find(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((result) => result.status === 'failed'),
  );
  // The text of the edit is wrong then, and not what the program does with it.
  const unreadable = failed.find(({ message }) => /^(ReferenceError|SyntaxError)\b/.test(message));
  return {
    passed: tests.filter(({ status }) => status === 'passed').map(({ title }) => title),
    failed,
    broken: unloaded === undefined ? (unreadable?.message ?? null) : unloaded.message,
  };
}

/** The first lines, without colours and the places in the code. */
function plainOf(message: string): string {
  const [text = ''] = stripVTControlCharacters(message).split(/\n\s+at /);
  return text.split('\n').slice(0, 12).join('\n');
}
