import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { deploySandboxUsdt, embeddedEvmNode } from '@daybook/embedded';
import { eventually, testDatabase } from '@daybook/testing';
import { parse } from 'yaml';
import { Instance } from './instance';

type Container = { command?: string[]; environment?: Record<string, string>; depends_on?: Record<string, unknown> };

const root = join(__dirname, '../../..');
const services = ['identity', 'ledger', 'chain-watcher', 'settlement', 'notifications', 'intents', 'gateway'];
const jobTimeoutMs = 60_000;

/**
 * The distributed form without containers: every program that docker-compose.yml starts, as a process of its own with
 * the very command and settings that stand there; only host names, ports and paths are replaced.
 */
export class Distributed extends Instance {
  readonly #processes = new Map<string, ChildProcess>();
  readonly #cleanUp: (() => Promise<void>)[] = [];
  readonly #ports = new Map<string, number>();
  #containers: Record<string, Container> = {};
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
    for (const service of services) this.#ports.set(service, await freePort());

    const { services: containers } = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
      services: Record<string, Container>;
    };
    const container = (name: string) => containers[name] ?? {};
    await this.#job(container('secrets'));
    await this.#job(container('topics'));
    this.#containers = containers;
    this.#settings = {
      ...this.more,
      ...(await this.eventStoreSettings()),
      EVM_RPC_URL: node.url,
      EVM_USDT_CONTRACT: usdtContract,
      WEBHOOK_ALLOW_LOOPBACK: 'true',
    };
    await Promise.all(services.map((service) => this.startService(service)));
    this.#gatewayUrl = this.#urlOf('gateway');
    const endpoints = {
      databaseUrl: this.#databaseUrl,
      services: Object.fromEntries(services.map((name) => [name, this.#urlOf(name)])),
      evm: { rpcUrl: node.url, usdtContract },
    };
    writeFileSync(join(this.home, 'endpoints.json'), JSON.stringify(endpoints));
    await this.#job(container('seed'), { BASE_URL: this.#gatewayUrl });
    return this;
  }

  /** Resolves when it is ready. */
  async startService(service: string): Promise<void> {
    const settings = { ...this.#settings, HTTP_PORT: String(this.#ports.get(service)) };
    this.#processes.set(service, this.#run(this.#containers[service] ?? {}, settings));
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
  async runJob(name: string, args: readonly string[] = []): Promise<void> {
    const { command = [], ...rest } = this.#containers[name] ?? {};
    await this.#job({ ...rest, command: [...command, ...args] });
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

  /** A setting or argument as it stands in the compose file, with our addresses for the containers'. */
  #local(text: string): string {
    return text
      .replace(/^http:\/\/([a-z-]+):8080$/, (whole, host: string) =>
        this.#ports.has(host) ? this.#urlOf(host) : whole,
      )
      .replace('/run/daybook', this.home)
      .replace('kafka:9092', this.brokers.join(','))
      .replace('postgres://daybook@postgres:5432/daybook', this.#databaseUrl)
      .replace('0.0.0.0', '127.0.0.1')
      .replace(/^\$\{.*\}$/, '');
  }

  #run({ command = [], environment = {} }: Container, settings: Record<string, string>): ChildProcess {
    const [, script = '', ...args] = command;
    const given = Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, this.#local(value)]));
    const env = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...given,
      ...settings,
    } as unknown as NodeJS.ProcessEnv;
    const child = spawn(process.execPath, [join(root, script), ...args.map((arg) => this.#local(arg))], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log = createWriteStream(this.logFile, { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    return child;
  }

  /** Runs a one-shot container to its end. */
  async #job(container: Container, settings: Record<string, string> = {}): Promise<void> {
    const child = this.#run(container, settings);
    const timer = setTimeout(() => child.kill('SIGKILL'), jobTimeoutMs);
    const [code] = (await once(child, 'exit')) as [number | null];
    clearTimeout(timer);
    if (code !== 0) throw new Error(`${container.command?.join(' ')} ended with ${code}:\n${this.log.slice(-5_000)}`);
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

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
