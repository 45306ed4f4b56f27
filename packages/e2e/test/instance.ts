import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { payFromFaucet } from '@daybook/embedded';
import { readCredentials, readEndpoints, type Credentials } from '@daybook/standalone';
import type { BooksSource } from '@daybook/testing';
import { eventStoreOfRun, type EventStoreOfRun } from './event-store-of-run';

const program = join(__dirname, '../../standalone/dist/main.js');
const readyWithinMs = 45_000;

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
};
type RequestOptions = { readonly headers?: Record<string, string>; readonly body?: unknown; readonly rawBody?: string };

/**
 * Daybook as a user runs it: the built program in a process of its own, in a fresh DAYBOOK_HOME. Stories speak to it
 * over HTTP only.
 */
export class Instance {
  readonly home = mkdtempSync(join(tmpdir(), 'daybook-e2e-'));
  readonly logFile = join(this.home, 'log.jsonl');
  #child: ChildProcess | undefined;
  #url = '';
  #eventStore: EventStoreOfRun | undefined;

  constructor(private readonly settings: Record<string, string> = {}) {
    // As root has the program make it: the database lies in it, and goes with it.
    chmodSync(this.home, 0o711);
  }

  get url(): string {
    return this.#url;
  }
  get credentials(): Credentials {
    return readCredentials(this.home);
  }
  get log(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : '';
  }

  /**
   * Starts, or starts again after `kill` or `stop`, with more in its environment for this time. Resolves at the ready
   * line; rejects with the output if it ends before.
   */
  async start(environment: Readonly<Record<string, string>> = {}): Promise<this> {
    const env = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      DAYBOOK_HOME: this.home,
      DAYBOOK_PORT: '0',
      ...this.settings,
      ...(await this.eventStoreSettings()),
      ...environment,
    };
    const child = spawn(process.execPath, [program], {
      env: env as NodeJS.ProcessEnv,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const log = createWriteStream(this.logFile, { flags: 'a' });
    let tail = '';
    const ready = new Promise<string>((resolve, reject) => {
      const onData = (chunk: Buffer) => {
        log.write(chunk);
        tail = (tail + chunk.toString('utf8')).slice(-20_000);
        const match = /^Daybook ready on (\S+)$/m.exec(tail);
        if (match?.[1] !== undefined) resolve(match[1]);
      };
      child.stdout.on('data', onData);
      child.stderr.on('data', onData);
      child.once('exit', (code, signal) =>
        reject(new Error(`Daybook ended before it was ready (${code ?? signal}):\n${tail}`)),
      );
      setTimeout(
        () => reject(new Error(`Daybook was not ready in ${readyWithinMs / 1000} s:\n${tail}`)),
        readyWithinMs,
      ).unref();
    });
    this.#url = await ready.catch(async (error: unknown) => {
      await this.#eventStore?.stop();
      this.#eventStore = undefined;
      throw error;
    });
    return this;
  }

  /** kill -9 of the process, nothing else: its database and chain node stay as a crash would leave them. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  /** Stops what runs and removes all state. */
  async dispose(): Promise<void> {
    await this.stop();
    await this.#eventStore?.stop();
    rmSync(this.home, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    return child.exitCode;
  }

  async request(method: string, path: string, { headers = {}, body, rawBody }: RequestOptions = {}): Promise<Answer> {
    const sent = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await fetch(this.url + path, {
      method,
      headers: { ...(sent === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
      ...(sent === undefined ? {} : { body: sent }),
    });
    const text = await response.text();
    const json = /json/.test(response.headers.get('content-type') ?? '') && text !== '';
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: json ? (JSON.parse(text) as Record<string, unknown>) : {},
    };
  }

  /** As the demo tenant, with its `intents` credentials. */
  intents(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const { clientId, clientSecret } = this.credentials.intents;
    return this.request(method, path, {
      ...options,
      headers: { 'X-Client-ID': clientId, 'X-Client-Secret': clientSecret, ...options.headers },
    });
  }

  /** As the demo wallet, or with another bearer token. */
  pay(method: string, path: string, options: RequestOptions & { readonly token?: string } = {}): Promise<Answer> {
    const token = options.token ?? this.credentials.pay.token;
    return this.request(method, path, {
      ...options,
      headers: { Authorization: `Bearer ${token}`, ...options.headers },
    });
  }

  transfer(
    amount: string,
    options: {
      readonly key?: string;
      readonly recipient?: string;
      readonly reference?: string;
      readonly token?: string;
    } = {},
  ): Promise<Answer> {
    const recipient = options.recipient ?? this.credentials.pay.recipientWalletId;
    const rawBody = `{"recipient_wallet_id":${JSON.stringify(recipient)},"amount":${amount},"reference_id":${JSON.stringify(options.reference ?? 'ORDER-1')}}`;
    return this.pay('POST', '/pay/v1/transfer', {
      rawBody,
      headers: { 'Idempotency-Key': options.key ?? randomUUID() },
      ...(options.token === undefined ? {} : { token: options.token }),
    });
  }

  async createIntent(
    currency: string,
    amount: string,
    orderId = `ORDER-${randomUUID()}`,
  ): Promise<{ id: string; address: string }> {
    const answer = await this.intents('POST', '/api/v1/intents/create-payment', {
      rawBody: `{"amount":${amount},"currency":"${currency}","order_id":"${orderId}"}`,
    });
    if (answer.status !== 200) throw new Error(`create-payment answered ${answer.status}: ${answer.text}`);
    return { id: String(answer.body.intent_id), address: String(answer.body.payment_address) };
  }

  async intent(id: string): Promise<Record<string, unknown>> {
    return (await this.intents('GET', `/api/v1/intents/${id}`)).body;
  }

  /** A payment on a simulated chain. */
  async deposit(address: string, asset: string, amount: string): Promise<void> {
    const answer = await this.intents('POST', '/v1/sandbox/deposits', {
      rawBody: `{"address":${JSON.stringify(address)},"asset":"${asset}","amount":"${amount}"}`,
    });
    if (answer.status >= 300) throw new Error(`sandbox deposit answered ${answer.status}: ${answer.text}`);
  }

  /** A payment on the EVM development chain, in minor units. */
  async payOnEvm(to: string, asset: 'ETH' | 'USDT_ERC20', amount: bigint): Promise<string> {
    const { evm } = readEndpoints(this.home);
    return (await payFromFaucet({ rpcUrl: evm.rpcUrl, to, asset, amount, usdtAddress: evm.usdtContract }))
      .transactionHash;
  }

  /** What tells the programs where their events are. The store lives as long as the instance, over its restarts. */
  protected async eventStoreSettings(): Promise<Readonly<Record<string, string>>> {
    this.#eventStore ??= await eventStoreOfRun(this.settings);
    return this.#eventStore.settings;
  }

  /** For the books check. */
  get books(): BooksSource {
    return { databaseUrl: this.databaseUrl, eventsOf: this.#eventStore?.eventsOf };
  }

  get databaseUrl(): string {
    return readEndpoints(this.home).databaseUrl;
  }
}
