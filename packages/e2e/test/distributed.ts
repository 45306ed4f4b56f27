import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deploySandboxUsdt, embeddedEvmNode, freePort } from '@daybook/embedded';
import { eventually, testDatabase } from '@daybook/testing';
import { composeProgram, repositoryRoot, type Program } from '../src/compose-programs';
import { Instance } from './instance';

const services = ['identity', 'ledger', 'chain-watcher', 'settlement', 'notifications', 'intents', 'gateway'];
/** Started with them, but no service: it has no database, no topics and no calls. */
const programs = ['signer', ...services];
const jobTimeoutMs = 60_000;

/**
 * The distributed form without containers: every program that docker-compose.yml starts, as a process of its own with
 * the very command and settings that stand there; only host names, ports and paths are replaced.
 */
export class Distributed extends Instance {
  readonly #processes = new Map<string, ChildProcess>();
  readonly #cleanUp: (() => Promise<void>)[] = [];
  readonly #ports = new Map<string, number>();
  #settings: Readonly<Record<string, string>> = {};
  #databaseUrl = '';
  #gatewayUrl = '';

  constructor(
    private readonly brokers: readonly string[],
    private readonly more: Readonly<Record<string, string>> = {},
  ) {
    super({ ...more });
  }

  override get url(): string {
    return this.#gatewayUrl;
  }

  override async start(): Promise<this> {
    const database = await testDatabase();
    this.#cleanUp.push(() => database.drop());
    this.#databaseUrl = database.url;
    const node = embeddedEvmNode({ directory: join(this.home, 'evm'), blockTimeSeconds: 1 });
    await node.start();
    this.#cleanUp.push(() => node.stop());
    const { address: usdtContract } = await deploySandboxUsdt(node.url);
    for (const program of programs) this.#ports.set(program, await freePort());

    await this.runJob('secrets');
    await this.runJob('topics');
    this.#settings = {
      ...this.more,
      ...(await this.eventStoreSettings()),
      EVM_RPC_URL: node.url,
      EVM_USDT_CONTRACT: usdtContract,
      WEBHOOK_ALLOW_LOOPBACK: 'true',
      SEND_CAPS: 'ETH=100/1000,USDT_ERC20=100000/1000000',
      FEE_CAPS: 'ETH=0.1/10',
    };
    await Promise.all(programs.map((program) => this.startService(program)));
    this.#gatewayUrl = this.#urlOf('gateway');
    const endpoints = {
      databaseUrl: this.#databaseUrl,
      services: Object.fromEntries(services.map((name) => [name, this.#urlOf(name)])),
      evm: { rpcUrl: node.url, usdtContract },
    };
    writeFileSync(join(this.home, 'endpoints.json'), JSON.stringify(endpoints));
    await this.runJob('seed', [], { BASE_URL: this.#gatewayUrl });
    return this;
  }

  /** Resolves when it is ready. */
  async startService(service: string): Promise<void> {
    const settings = { ...this.#settings, HTTP_PORT: String(this.#ports.get(service)) };
    this.#processes.set(service, this.#run(this.#program(service), settings));
    await eventually(() => expectReady(this.#urlOf(service)), { timeoutMs: jobTimeoutMs });
  }

  /** Ends it by the signal. Resolves with its exit code when it is gone; null when the signal was its end. */
  async endService(service: string, signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#processes.get(service);
    if (child === undefined) throw new Error(`${service} does not run`);
    await ended(child, signal);
    return child.exitCode;
  }

  /** Runs a one-shot container of the compose file to its end, with more arguments. */
  async runJob(name: string, args: readonly string[] = [], settings: Record<string, string> = {}): Promise<void> {
    const program = this.#program(name);
    const child = this.#run({ ...program, args: [...program.args, ...args] }, settings);
    const timer = setTimeout(() => child.kill('SIGKILL'), jobTimeoutMs);
    const [code] = (await once(child, 'exit')) as [number | null];
    clearTimeout(timer);
    if (code !== 0) throw new Error(`${program.script} ended with ${code}:\n${this.log.slice(-5_000)}`);
  }

  override async stop(): Promise<number | null> {
    await Promise.all([...this.#processes.values()].map((child) => ended(child, 'SIGTERM')));
    this.#processes.clear();
    for (const cleanUp of this.#cleanUp.splice(0).reverse()) await cleanUp();
    return 0;
  }

  #urlOf(service: string): string {
    return `http://127.0.0.1:${this.#ports.get(service)}`;
  }

  #program(name: string): Program {
    return composeProgram(name, {
      home: this.home,
      databaseUrl: this.#databaseUrl,
      broker: this.brokers.join(','),
      urlOf: (service) => (this.#ports.has(service) ? this.#urlOf(service) : undefined),
    });
  }

  #run({ script, args, environment }: Program, settings: Record<string, string>): ChildProcess {
    const env = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...environment,
      ...settings,
    } as unknown as NodeJS.ProcessEnv;
    const child = spawn(process.execPath, [join(repositoryRoot, script), ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log = createWriteStream(this.logFile, { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    return child;
  }
}

async function expectReady(url: string): Promise<void> {
  const response = await fetch(`${url}/readyz`);
  if (!response.ok) throw new Error(`${url} is not ready: ${await response.text()}`);
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}
