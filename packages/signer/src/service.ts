import { createApp, httpServer } from '@daybook/http';
import type { AssetCode } from '@daybook/money';
import {
  Counter,
  createLogger,
  createMetrics,
  systemClock,
  type Clock,
  type Logger,
  type OnFatal,
  type Service,
} from '@daybook/runtime';
import { existsSync } from 'node:fs';
import type { Config } from './config';
import { nothingSigned, remember, type Policy } from './domain/signing';
import { bitcoinKeys } from './families/bitcoin-keys';
import { evmKeys } from './families/evm-keys';
import { solanaKeys } from './families/solana-keys';
import { tronKeys } from './families/tron-keys';
import { signerRoutes } from './http';
import { openJournal } from './journal';
import { createKeystore, keystorePaths, newPhrase, openKeystore, type Keystore } from './keystore';
import type { Journal } from './ports';
import { signSends, type KeysByFamily } from './sign-sends';

type Overrides = { readonly onFatal: OnFatal; readonly now?: Clock; readonly logger?: Logger };

/** Composition root. `start` opens the keystore and reads the journal before anything listens. */
export function createService(config: Config, overrides: Overrides): Service {
  const logger = overrides.logger ?? createLogger({ service: 'signer', level: config.LOG_LEVEL });
  let journal: Journal | undefined;
  let server: ReturnType<typeof httpServer> | undefined;
  return {
    async start() {
      const keystore = await openOrCreate(config);
      const signed = nothingSigned();
      const paths = keystorePaths(config.SIGNER_DIRECTORY);
      journal = await openJournal(paths.journal, keystore.keyId, (one) => remember(signed, one));
      logger.info({ keyId: keystore.keyId, sends: signed.sends.size }, 'keystore open');
      const signer = signSends({
        keys: keysOf(keystore, config),
        policy: policyOf(config),
        signed,
        journal,
        now: overrides.now ?? systemClock,
        onFatal: overrides.onFatal,
      });
      const metrics = createMetrics('signer');
      const registers = [metrics];
      const signatures = new Counter({ name: 'signer_signatures_total', help: 'Signatures told.', registers });
      const help = 'Requests that the rules refused.';
      const refused = new Counter({ name: 'signer_refusals_total', help, labelNames: ['refusal'], registers });
      const routes = signerRoutes(signer, {
        token: config.SIGNER_TOKEN,
        logger,
        onSigned: () => signatures.inc(),
        onRefused: (refusal) => refused.inc({ refusal }),
      });
      const app = createApp({ logger, metrics, notReady: () => undefined, routes: (on) => on.use(routes) });
      server = httpServer(app, { host: config.HTTP_HOST, port: config.HTTP_PORT });
      await server.start();
      return { url: server.url };
    },
    async stop() {
      await server?.stop();
      await journal?.close();
    },
  };
}

async function openOrCreate(config: Config): Promise<Keystore> {
  const { SIGNER_DIRECTORY: directory, KEYSTORE_PASSWORD: password } = config;
  if (config.KEYSTORE_CREATE && !existsSync(keystorePaths(directory).keystore))
    return createKeystore(directory, await newPhrase(), password);
  return openKeystore(directory, password);
}

function keysOf({ seed }: Keystore, config: Config): KeysByFamily {
  const listed = (contract: string | undefined, asset: AssetCode) =>
    new Map(contract === undefined ? [] : [[contract, asset]]);
  const { EVM_SETTLEMENT_CONTRACT: settlement } = config;
  return {
    evm: evmKeys(seed, {
      chainId: config.EVM_CHAIN_ID,
      tokens: listed(config.EVM_USDT_CONTRACT?.toLowerCase(), 'USDT_ERC20'),
      settlementContracts: new Set(settlement === undefined ? [] : [settlement.toLowerCase()]),
    }),
    bitcoin: bitcoinKeys(seed, config.BITCOIN_NETWORK),
    tron: tronKeys(seed, { tokens: listed(config.TRON_USDT_CONTRACT, 'USDT_TRC20') }),
    solana: solanaKeys(seed, { tokens: listed(config.SOLANA_USDT_MINT, 'USDT_SOL') }),
  };
}

function policyOf(config: Config): Policy {
  const { BTC } = config.FEE_CAPS;
  const percentMax = BigInt(config.BITCOIN_FEE_PERCENT_MAX);
  return {
    amounts: config.SEND_CAPS,
    fees: { ...config.FEE_CAPS, ...(BTC === undefined ? {} : { BTC: { ...BTC, percentMax } }) },
    recipients: config.SEND_RECIPIENTS.length === 0 ? undefined : new Set(config.SEND_RECIPIENTS),
    replacementsMax: config.REPLACEMENTS_MAX,
  };
}
