/**
 * A real EVM node (anvil) from npm, for the sandbox. It outlives a process that is killed: the next start adopts it.
 * Started anew it has the same blocks, transactions, receipts and logs under the same hashes, and the state of the
 * newest `keptStates` blocks. What the last second before a kill of the node itself brought may be lost.
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, readFile, realpath, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { replaceFile } from '@daybook/runtime';
import { blockProducer } from './block-producer';
import { EmbeddedServerError, type EmbeddedServer } from './embedded-server';
import { freePort } from './free-port';
import { callNode } from './json-rpc';
import { commandOf, endProcess, isRunning } from './processes';

/** The mnemonic of every development node: its keys are public. */
export const sandboxMnemonic = 'test test test test test test test test test test test junk';

const keptStatesDefault = 32;
const startTimeoutMs = 20_000;
const stopTimeoutMs = 15_000;
const pollMs = 10;

type Options = {
  /** Keeps the chain. Deleting it (after a stop) is a new chain. */
  readonly directory: string;
  /** What belongs to the chain as a whole, so that only all of it can begin anew; `directory` when absent. */
  readonly wholeDirectory?: string;
  /** Blocks that follow a transaction, one every so many seconds; without it only transactions make blocks. */
  readonly blockTimeSeconds?: number;
  readonly chainId?: number;
  readonly mnemonic?: string;
  /** Newest blocks whose state can be asked for; reorganisations go no deeper. 32 when absent. */
  readonly keptStates?: number;
  /** A free one is chosen when absent. */
  readonly port?: number;
};

/** `genesis` is kept because a node that is started anew would otherwise make block 0 with another hash. */
type NodeRecord = { readonly chainId: number; readonly genesis: number; readonly pid: number; readonly port: number };

export function embeddedEvmNode(options: Options): EmbeddedServer {
  let running: { readonly pid: number; readonly url: string; readonly files: Files } | undefined;
  let companions: { stop(): Promise<void> }[] = [];
  return {
    name: 'embedded EVM node',
    get url() {
      if (running === undefined) throw new EmbeddedServerError('The embedded EVM node has not been started.');
      return running.url;
    },
    async start() {
      await mkdir(options.directory, { recursive: true, mode: 0o700 });
      const files = filesOf(await realpath(options.directory), options.wholeDirectory);
      const chainId = options.chainId ?? 31_337;
      const known = await readRecord(files);
      if (known !== undefined && known.chainId !== chainId) {
        throw new EmbeddedServerError(
          `${files.directory} holds chain ${known.chainId}, not ${chainId}. ${beginAnew(files)}`,
        );
      }
      const record = (known && (await adopt(files, known))) ?? (await launch(files, known, { ...options, chainId }));
      const url = urlOf(record.port);
      running = { pid: record.pid, url, files };
      const seconds = options.blockTimeSeconds;
      companions = [stateKeeper(files), ...(seconds === undefined ? [] : [blockProducer(url, seconds * 1000)])];
    },
    async stop() {
      const ending = running;
      running = undefined;
      for (const companion of companions.splice(0)) await companion.stop();
      if (ending !== undefined) await shutDown(ending.files, ending.pid);
    },
  };
}

type Files = {
  readonly directory: string;
  readonly wholeDirectory: string;
  readonly record: string;
  readonly state: string;
  readonly backup: string;
};

function filesOf(directory: string, wholeDirectory = directory): Files {
  return {
    directory,
    wholeDirectory,
    record: join(directory, 'node.json'),
    state: join(directory, 'state.json'),
    backup: join(directory, 'state.backup.json'),
  };
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

function beginAnew({ wholeDirectory }: Files): string {
  return `To begin anew, delete the whole of ${wholeDirectory}.`;
}

/** On SIGINT anvil writes its state and ends. */
async function shutDown(files: Files, pid: number): Promise<void> {
  const steps = [
    { name: 'SIGINT', waitMs: stopTimeoutMs },
    { name: 'SIGKILL', waitMs: 2_000 },
  ] as const;
  if (await endProcess(pid, () => isNodeOf(files, pid), steps)) return;
  throw new EmbeddedServerError(`anvil (process ${pid}) does not stop: end it with \`kill -9 ${pid}\`.`);
}

async function readRecord(files: Files): Promise<NodeRecord | undefined> {
  try {
    return JSON.parse(await readFile(files.record, 'utf8')) as NodeRecord;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const advice = error instanceof SyntaxError ? ` ${beginAnew(files)}` : '';
    throw new EmbeddedServerError(`${files.record} cannot be read (${String(error)}).${advice}`, { cause: error });
  }
}

/** Undefined when the recorded process is gone, or is another program by now. */
async function adopt(files: Files, known: NodeRecord): Promise<NodeRecord | undefined> {
  const deadline = performance.now() + startTimeoutMs;
  while (isNodeOf(files, known.pid)) {
    if ((await chainIdAt(known.port)) === known.chainId) return known;
    if (performance.now() > deadline) {
      throw new EmbeddedServerError(
        `anvil (process ${known.pid}) runs on ${files.state} but does not answer: end it with \`kill ${known.pid}\` ` +
          'and start again.',
      );
    }
    await delay(pollMs);
  }
  return undefined;
}

function isNodeOf(files: Files, pid: number): boolean {
  if (!isRunning(pid)) return false;
  const command = commandOf(pid);
  return command.includes('anvil') && command.includes(files.state);
}

async function chainIdAt(port: number): Promise<number | undefined> {
  try {
    return Number(await callNode<string>(urlOf(port), 'eth_chainId'));
  } catch {
    return undefined;
  }
}

async function launch(
  files: Files,
  known: NodeRecord | undefined,
  options: Options & { readonly chainId: number },
): Promise<NodeRecord> {
  await restoreState(files);
  const genesis = known?.genesis ?? Math.floor(Date.now() / 1000);
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const outcome = await spawnNode(files, { ...options, port, genesis });
    if (typeof outcome === 'number') return { chainId: options.chainId, genesis, pid: outcome, port };
    if (!/address.*in use/i.test(outcome) || attempt === 5) {
      throw new EmbeddedServerError(
        `anvil did not start on ${files.state}:\n${outcome.trim()}\nKeep the state. See whether its disk is full.`,
      );
    }
  }
}

type NodeSettings = Options & { readonly chainId: number; readonly port: number; readonly genesis: number };

/** The process once it answers, or what it printed when it ended instead. */
async function spawnNode(files: Files, node: NodeSettings): Promise<number | string> {
  const log = join(files.directory, 'node.log');
  const output = openSync(log, 'w', 0o600);
  const child = spawn(anvilBinary(), argumentsOf(files, node), {
    cwd: files.directory,
    env: { PATH: process.env['PATH'] ?? '', HOME: files.directory, RUST_LOG: 'error' },
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message)).once('exit', (code) => (ended ??= `exit code ${code}`));
  child.unref();
  if (child.pid !== undefined) {
    // Recorded before it answers, so that a start which is killed now leaves no node that nobody knows.
    const record: NodeRecord = { chainId: node.chainId, genesis: node.genesis, pid: child.pid, port: node.port };
    await replaceFile(files.record, `${JSON.stringify(record)}\n`);
  }
  const deadline = performance.now() + startTimeoutMs;
  while (ended === undefined) {
    if (child.pid !== undefined && (await chainIdAt(node.port)) === node.chainId) {
      // A fixed genesis makes anvil count time from there; blocks are to carry the time of day.
      await callNode(urlOf(node.port), 'evm_setTime', [Math.floor(Date.now() / 1000)]);
      return child.pid;
    }
    if (performance.now() > deadline) {
      if (child.pid !== undefined) await shutDown(files, child.pid);
      ended = `no answer after ${startTimeoutMs} ms`;
    }
    await delay(pollMs);
  }
  return `${readFileSync(log, 'utf8')}\n${ended}`;
}

function argumentsOf(files: Files, node: NodeSettings): string[] {
  const flags: readonly (readonly [string, string | number])[] = [
    ['--host', '127.0.0.1'],
    ['--port', node.port],
    ['--chain-id', node.chainId],
    ['--mnemonic', node.mnemonic ?? sandboxMnemonic],
    ['--timestamp', node.genesis],
    ['--state', files.state],
    ['--state-interval', 1],
    // Bounded: anvil would write the whole state once for each block ever made, into the home directory.
    ['--prune-history', node.keptStates ?? keptStatesDefault],
    ['--slots-in-an-epoch', 1],
  ];
  return [...flags.flatMap(([name, value]) => [name, `${value}`]), '--preserve-historical-states', '--quiet'];
}

function anvilBinary(): string {
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  try {
    const resolve = createRequire(require.resolve('@foundry-rs/anvil/package.json')).resolve;
    const folder = dirname(resolve(`@foundry-rs/anvil-${platform}/package.json`));
    return join(folder, 'bin', process.platform === 'win32' ? 'anvil.exe' : 'anvil');
  } catch (cause) {
    throw new EmbeddedServerError(
      `@foundry-rs/anvil-${platform} is not installed: run \`npm ci\` without --omit=optional, or set EVM_RPC_URL.`,
      { cause },
    );
  }
}

/** anvil writes its state in place: a node killed while writing leaves half a file, and the backup takes over. */
async function restoreState(files: Files): Promise<void> {
  if (await isWhole(files.state)) return;
  if (await isWhole(files.backup)) await copyFile(files.backup, files.state);
  else if (existsSync(files.backup))
    throw new EmbeddedServerError(`Neither ${files.state} nor ${files.backup} is whole. ${beginAnew(files)}`);
  // It was killed while it wrote its first one.
  else await rm(files.state, { force: true });
}

/** What cannot be read may be whole: it is not replaced. */
async function isWhole(file: string): Promise<boolean> {
  try {
    JSON.parse(await readFile(file, 'utf8'));
    return true;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Copies each whole state aside. */
function stateKeeper(files: Files): { stop(): Promise<void> } {
  let last = '';
  let busy: Promise<void> = Promise.resolve();
  const keep = async () => {
    const state = await readFile(files.state, 'utf8').catch(() => '');
    if (state === '' || state === last || !state.trimEnd().endsWith('}')) return;
    JSON.parse(state);
    await replaceFile(files.backup, state);
    last = state;
  };
  const timer = setInterval(() => (busy = busy.then(keep).catch(() => undefined)), 1_000).unref();
  return {
    async stop() {
      clearInterval(timer);
      await busy;
    },
  };
}
