/**
 * Every service in one process, on an embedded Postgres and an embedded EVM node unless others are named. The services
 * are the ones that run apart in the distributed form; only their addresses and settings are put together here.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { assert, isOperationalError } from '@daybook/core';
import { embeddedPostgres, type EmbeddedServer } from '@daybook/embedded';
import { asNoDatabase, asOperational } from '@daybook/event-store';
import { applyTopics } from '@daybook/messaging';
import { createLogger, inOrder, type Component, type OnFatal, type Service } from '@daybook/runtime';
import * as chainWatcher from '@services/chain-watcher';
import * as gateway from '@services/gateway';
import * as identity from '@services/identity';
import * as intents from '@services/intents';
import * as ledger from '@services/ledger';
import * as notifications from '@services/notifications';
import * as settlement from '@services/settlement';
import type { Config } from './config';
import { instanceLock } from './instance-lock';
import { writeEndpoints } from './endpoints';
import { evmNode, type EvmPlace } from './evm-node';
import { loadSecrets, writePublicKey, type Secrets } from './secrets';
import { portCheck } from './port-check';
import { seedDemo, wasSeeded } from './seed';
import { signerProcess } from './signer-process';

type ServiceName = 'identity' | 'ledger' | 'chain-watcher' | 'intents' | 'settlement' | 'notifications' | 'gateway';
type Settings = Record<string, string | undefined>;
type Factory = (settings: Settings, overrides: { onFatal: OnFatal }) => Service;

const factories: Record<ServiceName, Factory> = {
  identity: (settings, overrides) => identity.createService(identity.loadConfig(settings), overrides),
  ledger: (settings, overrides) => ledger.createService(ledger.loadConfig(settings), overrides),
  'chain-watcher': (settings, overrides) => chainWatcher.createService(chainWatcher.loadConfig(settings), overrides),
  intents: (settings, overrides) => intents.createService(intents.loadConfig(settings), overrides),
  settlement: (settings, overrides) => settlement.createService(settlement.loadConfig(settings), overrides),
  notifications: (settings, overrides) => notifications.createService(notifications.loadConfig(settings), overrides),
  gateway: (settings, overrides) => gateway.createService(gateway.loadConfig(settings), overrides),
};

/** What the parts tell each other once they run. */
type Running = {
  secrets?: Secrets;
  databaseUrl?: string;
  evm?: EvmPlace;
  signerUrl?: string;
  readonly urls: Partial<Record<ServiceName, string>>;
};

export function createStandalone(config: Config, overrides: { readonly onFatal: OnFatal }): Service {
  const running: Running = { urls: {} };
  const service = (name: ServiceName) =>
    serviceComponent(name, () => settingsOf(name, config, running), overrides, running);
  const all = inOrder('Daybook', [
    home(config, running),
    database(config, running, overrides.onFatal),
    portCheck(config.DAYBOOK_PORT),
    ...topics(config),
    evmNode(config, (place) => (running.evm = place)),
    together('ledger, identity and chains', [
      signer(config, running),
      service('identity'),
      service('ledger'),
      service('chain-watcher'),
      service('notifications'),
    ]),
    together('intents and settlement', [service('intents'), service('settlement')]),
    service('gateway'),
    seed(config, running),
  ]);
  return {
    async start() {
      await all.start();
      return { url: running.urls.gateway ?? '' };
    },
    stop: () => all.stop(),
  };
}

function home(config: Config, running: Running): Component {
  return {
    name: 'DAYBOOK_HOME',
    async start() {
      // Postgres, which root runs as another account, passes through it; each file in it has a mode of its own.
      mkdirSync(config.DAYBOOK_HOME, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
      running.secrets = await loadSecrets(config.DAYBOOK_HOME);
      writePublicKey(config.DAYBOOK_HOME, running.secrets);
    },
    stop: async () => undefined,
  };
}

/** Of a server that another instance may be about to stop. */
const databaseWithinMs = 30_000;

/**
 * The server and the lock are one part, so that a second instance, which has found the first one's server but does not
 * get the lock, leaves that server alone.
 */
function database(config: Config, running: Running, onFatal: OnFatal): Component {
  const { DATABASE_URL: given } = config;
  const server = given === undefined ? ownPostgres(config.DAYBOOK_HOME) : undefined;
  const lock = instanceLock(() => running.databaseUrl ?? '', onFatal);
  return {
    name: 'database',
    async start() {
      const deadline = performance.now() + databaseWithinMs;
      for (;;) {
        try {
          await server?.start();
          running.databaseUrl = given ?? server?.url ?? '';
          return await lock.start();
        } catch (error) {
          // An instance that was stopping has ended the server while this one waited for its lock.
          const isLost = server !== undefined && isOperationalError(asOperational(error));
          if (isLost && performance.now() <= deadline) continue;
          throw given === undefined ? error : asNoDatabase(error);
        }
      }
    },
    async stop() {
      // The lock goes with the server: who gets it is not to find one that is about to end.
      await server?.stop();
      await lock.stop();
    },
  };
}

function ownPostgres(home: string): EmbeddedServer {
  return embeddedPostgres({
    directory: join(home, 'postgres'),
    wholeDirectory: home,
    // An empty one in its place would know none of the credentials that were given out.
    expectsData: wasSeeded(home),
  });
}

/** Topics are declared before anyone publishes; the log in Postgres needs no declaring. */
function topics(config: Config): Component[] {
  if (config.MESSAGING !== 'kafka') return [];
  const start = async () => {
    await applyTopics({
      brokers: config.KAFKA_BROKERS,
      replicationFactor: config.KAFKA_REPLICATION_FACTOR,
      clientId: 'daybook-standalone',
      logger: createLogger({ service: 'standalone', level: config.LOG_LEVEL }),
    });
  };
  return [{ name: 'topics', start, stop: async () => undefined }];
}

function signer(config: Config, running: Running): Component {
  return signerProcess({
    home: config.DAYBOOK_HOME,
    secrets() {
      assert(running.secrets, 'the secrets are read first');
      return running.secrets;
    },
    evm() {
      assert(running.evm, 'the contracts are known first');
      return running.evm;
    },
    chainId: config.EVM_CHAIN_ID,
    logLevel: config.LOG_LEVEL,
    logger: createLogger({ service: 'standalone', level: config.LOG_LEVEL }),
    announce: (url) => (running.signerUrl = url),
  });
}

function seed(config: Config, running: Running): Component {
  return {
    name: 'demo tenant',
    async start() {
      const { secrets, databaseUrl, evm, urls } = running;
      assert(secrets && databaseUrl && evm, 'the demo tenant is seeded last');
      const known = urls as Record<ServiceName, string>;
      await writeEndpoints(config.DAYBOOK_HOME, { databaseUrl, evm, services: known });
      await seedDemo({ home: config.DAYBOOK_HOME, baseUrl: known.gateway, secrets, databaseUrl, urls: known });
    },
    stop: async () => undefined,
  };
}

/** Parts that do not need each other, started at the same time. */
function together(name: string, components: readonly Component[]): Component {
  const stop = async () => {
    const results = await Promise.allSettled(components.map((component) => component.stop()));
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (errors.length > 0) throw new AggregateError(errors, `${name}: ${errors.length} part(s) did not stop cleanly`);
  };
  return {
    name,
    async start() {
      const results = await Promise.allSettled(components.map((component) => component.start()));
      const failed = results.find((result) => result.status === 'rejected');
      if (failed === undefined) return;
      await stop().catch(() => undefined);
      throw failed.reason;
    },
    stop,
  };
}

function serviceComponent(
  name: ServiceName,
  settings: () => Settings,
  overrides: { onFatal: OnFatal },
  running: Running,
): Component {
  let service: Service | undefined;
  return {
    name,
    async start() {
      service = factories[name](settings(), overrides);
      running.urls[name] = (await service.start()).url;
    },
    async stop() {
      await service?.stop();
    },
  };
}

function settingsOf(name: ServiceName, config: Config, running: Running): Settings {
  const { secrets, databaseUrl, evm, urls } = running;
  assert(secrets, 'the secrets are read first');
  const common: Settings = {
    DATABASE_URL: databaseUrl,
    EVENT_STORE: config.EVENT_STORE,
    EVENTSTOREDB_URL: config.EVENTSTOREDB_URL,
    EVENTSTOREDB_NAMESPACE: config.EVENTSTOREDB_NAMESPACE,
    MESSAGING: config.MESSAGING,
    KAFKA_BROKERS: config.KAFKA_BROKERS.join(','),
    INTERNAL_TOKEN: secrets.internalToken,
    LOG_LEVEL: config.LOG_LEVEL,
    SHUTDOWN_GRACE_MS: String(config.SHUTDOWN_GRACE_MS),
  };
  const own: Record<ServiceName, Settings> = {
    identity: {
      TOKEN_PRIVATE_KEY: secrets.tokenPrivateKey,
      SECRETS_KEY: secrets.secretsKey,
      PERSONAL_DATA_KEY: secrets.personalDataKey,
    },
    ledger: {
      PERSONAL_DATA_KEY: secrets.personalDataKey,
      CHECKPOINT_SIGNING_KEY: secrets.checkpointPrivateKey,
      CHECKPOINT_ORIGIN: `daybook/${secrets.instanceId}`,
      CHECKPOINT_DELAY_MS: config.CHECKPOINT_DELAY_MS?.toString(),
    },
    'chain-watcher': {
      EVM_RPC_URL: evm?.rpcUrl,
      EVM_USDT_CONTRACT: evm?.usdtContract,
      EVM_CHAIN_ID: String(config.EVM_CHAIN_ID),
      // The development node rests when nobody pays.
      CHAIN_FROZEN_MS: config.EVM_RPC_URL === undefined ? '0' : undefined,
      EVM_XPUB: secrets.evmXpub,
      TRON_XPUB: secrets.tronXpub,
      SOLANA_SEED: secrets.solanaSeed,
      UPI_PAYEE: 'demo@daybook',
      UPI_PAYEE_NAME: 'Daybook demo',
    },
    intents: {
      CHAIN_WATCHER_URL: urls['chain-watcher'],
      INTENT_TTL_MS: config.INTENT_TTL_MS?.toString(),
      SECRETS_KEY: secrets.secretsKey,
      PERSONAL_DATA_KEY: secrets.personalDataKey,
    },
    settlement: settlementSettings(config, running, secrets),
    notifications: { SECRETS_KEY: secrets.secretsKey, WEBHOOK_ALLOW_LOOPBACK: 'true' },
    gateway: {
      HTTP_PORT: String(config.DAYBOOK_PORT),
      TOKEN_PUBLIC_KEY: secrets.tokenPublicKey,
      IDENTITY_URL: urls.identity,
      INTENTS_URL: urls.intents,
      LEDGER_URL: urls.ledger,
      CHAIN_WATCHER_URL: urls['chain-watcher'],
      NOTIFICATIONS_URL: urls.notifications,
      SETTLEMENT_URL: urls.settlement,
      PAY_RATE_LIMIT_PER_MINUTE: config.PAY_RATE_LIMIT_PER_MINUTE?.toString(),
    },
  };
  return { ...common, ...own[name] };
}

function settlementSettings(config: Config, { evm, signerUrl, urls }: Running, secrets: Secrets): Settings {
  return {
    SIGNER_URL: signerUrl,
    SIGNER_TOKEN: secrets.signerToken,
    CHAIN_WATCHER_URL: urls['chain-watcher'],
    EVM_RPC_URL: evm?.rpcUrl,
    EVM_CHAIN_ID: String(config.EVM_CHAIN_ID),
    EVM_USDT_CONTRACT: evm?.usdtContract,
    EVM_SETTLEMENT_CONTRACT: evm?.settlementContract,
    LEDGER_URL: urls.ledger,
    SECRETS_KEY: secrets.secretsKey,
    PERSONAL_DATA_KEY: secrets.personalDataKey,
    BANK_OUTBOX_DIR: join(config.DAYBOOK_HOME, 'bank-outbox'),
  };
}
