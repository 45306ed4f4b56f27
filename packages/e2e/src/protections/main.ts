/**
 * `npm run test:protections`: takes one protection after the other out of a copy of the sources, and runs the test that is
 * said to hold it. Ends with 1 when a test stays green without its protection, when an edit fits its file no more, or
 * when what is red is not a test but a file that does not load.
 *
 *   --only a,b   these protections
 *   --json       one JSON line a protection, and no table
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { copyOf, type EditedCopy } from './edited-copy';
import { StaleEdit, withoutProtection, type Protection } from './protection';
import { protections } from './protections';
import { jsonLineOf, tableOf, type Finding, type Verdict } from './report';
import { runTests, titlePattern, type TestRun } from './run-tests';

const root = join(__dirname, '../../../..');

const say = (line: string) => process.stdout.write(`${line}\n`);
const tell = (line: string) => process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  const options = { only: { type: 'string' }, json: { type: 'boolean', default: false } } as const;
  const { values } = parseArgs({ options });
  const chosen = chosenBy(values.only);
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => stopping.abort(new Error(`broken off by ${signal}`)));
  const copy = await copyOf(root);
  try {
    const stopServers = await startServers();
    try {
      const findings = await findingsOf({ copy, signal: stopping.signal }, chosen, values.json);
      if (!values.json) say(`\n${tableOf(findings)}`);
      return findings.every(({ verdict }) => verdict === 'red') ? 0 : 1;
    } finally {
      await stopServers();
    }
  } finally {
    await copy.remove();
  }
}

/** Where tests run, and until when. */
type Place = { readonly copy: EditedCopy; readonly signal: AbortSignal };

/** Told as they come. */
async function findingsOf(place: Place, chosen: readonly Protection[], asJson: boolean): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const protection of await heldAsItIs(place, chosen)) {
    const finding = protection.problem === null ? await without(place, protection) : unheld(protection);
    findings.push(finding);
    if (asJson) say(jsonLineOf(finding));
    else tell(`${finding.verdict.padEnd(6)} ${finding.protection.name}, ${finding.seconds} s`);
  }
  return findings;
}

function chosenBy(only: string | undefined): readonly Protection[] {
  if (only === undefined) return protections;
  const names = only.split(',');
  const unknown = names.find((name) => !protections.some((protection) => protection.name === name));
  if (unknown !== undefined) throw new Error(`there is no protection ${unknown}`);
  return protections.filter(({ name }) => names.includes(name));
}

/** Once for all runs of tests, as one run starts them. */
async function startServers(): Promise<() => Promise<void>> {
  const step = (name: string) => require(join(root, 'packages/testing/jest', name)) as unknown;
  // `runTests` runs one file at a time.
  await (step('global-setup.cjs') as (run: { maxWorkers: number }) => Promise<void>)({ maxWorkers: 1 });
  return step('global-teardown.cjs') as () => Promise<void>;
}

type Chosen = Protection & { readonly problem: string | null };

/** A test that fails anyway, or that is not there, would hold everything and nothing. */
async function heldAsItIs({ copy, signal }: Place, chosen: readonly Protection[]): Promise<readonly Chosen[]> {
  const files = [...new Set(chosen.map(({ held }) => held.file))];
  tell(`running the tests of ${chosen.length} protections as they are, in ${files.length} files`);
  const runs = new Map<string, TestRun>();
  for (const file of files) {
    const held = chosen.filter((each) => each.held.file === file).map((each) => each.held);
    runs.set(file, await runTests(copy.directory, held, signal));
  }
  return chosen.map((protection) => ({
    ...protection,
    problem: problemOf(protection, runs.get(protection.held.file)),
  }));
}

function problemOf({ held: { title } }: Protection, run: TestRun | undefined): string | null {
  const pattern = new RegExp(`^${titlePattern(title)}$`);
  if (run === undefined || run.broken !== null) return run?.broken ?? 'was not run';
  const failed = run.failed.find((test) => pattern.test(test.title));
  if (failed !== undefined) return `red although nothing was removed: ${failed.title}: ${failed.message}`;
  return run.passed.some((passed) => pattern.test(passed)) ? null : `there is no test "${title}"`;
}

function unheld({ problem, ...protection }: Chosen): Finding {
  return { protection, verdict: 'broken', details: [problem ?? ''], message: '', seconds: 0 };
}

async function without({ copy, signal }: Place, protection: Protection): Promise<Finding> {
  const begun = Date.now();
  const found = (verdict: Verdict, details: readonly string[], message = ''): Finding => {
    const seconds = Math.round((Date.now() - begun) / 100) / 10;
    return { protection, verdict, details, message, seconds };
  };
  try {
    const { failed, passed, broken } = await copy.edited(
      protection.file,
      (text) => withoutProtection(text, protection),
      () => runTests(copy.directory, [protection.held], signal),
    );
    if (broken !== null) return found('broken', [broken]);
    const [first] = failed;
    if (first === undefined) return passed.length > 0 ? found('GREEN', passed) : found('broken', ['no test was run']);
    const titles = failed.map(({ title }) => title);
    return found('red', titles, first.message);
  } catch (error) {
    if (error instanceof StaleEdit) return found('stale', [error.message]);
    throw error;
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    tell(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(2);
  },
);
