/** Postgres and the services that a posting over HTTP passes through, each a process of its own. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert } from '@daybook/core';
import { embeddedPostgres } from '@daybook/embedded';
import { loadSecrets, readCredentials, seedDemo } from '@daybook/standalone';
import { cpuOfChildren, ended, onBreak, serverOf, startService } from './processes';

const root = join(__dirname, '../../../..');
/** No request is refused for its rate. */
const unlimited = { RATE_LIMIT_PER_MINUTE: '1000000', PAY_RATE_LIMIT_PER_MINUTE: '1000000' };
const postgresSettings = { shared_buffers: '1GB', max_wal_size: '8GB', min_wal_size: '2GB' };
/** Where the services are that a posting does not pass. */
const nobody = 'http://127.0.0.1:9';

export type Fleet = {
  readonly url: string;
  readonly databaseUrl: string;
  /** Of a credential that may write the books of its tenant. */
  readonly headers: Readonly<Record<string, string>>;
  readonly processes: Readonly<Record<'ledger' | 'gateway', ChildProcess>>;
  /** Microseconds of a core that the database has taken so far, as long as its connections stay. */
  databaseCpu(): number;
  stop(): Promise<void>;
};

export async function startFleet(): Promise<Fleet> {
  const home = mkdtempSync(join(tmpdir(), 'daybook-bench-'));
  const postgres = embeddedPostgres({ directory: join(home, 'postgres'), settings: postgresSettings });
  const children: ChildProcess[] = [];
  const stop = async () => {
    broken.takeBack();
    await Promise.all(children.map(ended));
    await postgres.stop();
    rmSync(home, { recursive: true, force: true });
  };
  const broken = onBreak(stop);
  try {
    await postgres.start();
    const secrets = await loadSecrets(home);
    const start = async (service: string, settings: Record<string, string>) => {
      const common = { DATABASE_URL: postgres.url, INTERNAL_TOKEN: secrets.internalToken };
      const program = join(root, `services/${service}/dist/main.js`);
      const started = await startService(program, { ...common, ...settings }, join(home, `${service}.log`));
      children.push(started.child);
      return started;
    };
    const identity = await start('identity', {
      TOKEN_PRIVATE_KEY: secrets.tokenPrivateKey,
      SECRETS_KEY: secrets.secretsKey,
      PERSONAL_DATA_KEY: secrets.personalDataKey,
    });
    const ledger = await start('ledger', { PERSONAL_DATA_KEY: secrets.personalDataKey });
    const gateway = await start('gateway', {
      ...unlimited,
      TOKEN_PUBLIC_KEY: secrets.tokenPublicKey,
      IDENTITY_URL: identity.url,
      LEDGER_URL: ledger.url,
      INTENTS_URL: nobody,
      CHAIN_WATCHER_URL: nobody,
      NOTIFICATIONS_URL: nobody,
      SETTLEMENT_URL: nobody,
    });
    const urls = { identity: identity.url, ledger: ledger.url, intents: null, settlement: null };
    await seedDemo({ baseUrl: gateway.url, home, secrets, databaseUrl: postgres.url, urls });
    const headers = { 'content-type': 'application/json', 'x-api-key': readCredentials(home).partner.apiKey };
    const processes = { ledger: ledger.child, gateway: gateway.child };
    const server = await serverOf(postgres.url);
    const databaseCpu = () => cpuOfChildren(server);
    return { url: gateway.url, databaseUrl: postgres.url, headers, processes, databaseCpu, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export const accountNames = Array.from({ length: 100 }, (_, n) => `wallet-${n}`);

/** The tenant's accounts, each with an overdraft that every posting is checked against. */
export async function openAccounts({ url, headers }: Fleet): Promise<void> {
  for (const name of accountNames) {
    const body = JSON.stringify({ name, asset: 'TXC', type: 'liability', floor: '-10000000' });
    const answer = await fetch(`${url}/v1/ledger/accounts`, { method: 'POST', headers, body });
    assert(answer.ok, `opening ${name} answered ${answer.status}`);
  }
}
