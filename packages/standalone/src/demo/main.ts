/**
 * `npm run demo`: one USDT payment on the EVM development chain, from the intent to the webhook, against the instance in
 * DAYBOOK_HOME (or one started here if none runs), ending with what the journal says about it.
 */
import { existsSync } from 'node:fs';
import { loadConfig, type Config } from '../config';
import { readCredentials, type Credentials } from '../seed';
import { createStandalone } from '../standalone';
import { payIntent } from './pay-intent';
import { printReport } from './report';

async function main(): Promise<void> {
  // The demo's own lines are the output; the services' log lines would bury them.
  const config = loadConfig({ LOG_LEVEL: 'error', ...process.env });
  const running = await runningInstance(config);
  if (running !== undefined) return demonstrate(config, running);

  process.stdout.write('No running instance found: starting one.\n');
  const standalone = createStandalone(config, {
    onFatal: (error) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  });
  await standalone.start();
  try {
    await demonstrate(config, readCredentials(config.DAYBOOK_HOME));
  } finally {
    await standalone.stop();
  }
}

async function runningInstance(config: Config): Promise<Credentials | undefined> {
  if (!existsSync(`${config.DAYBOOK_HOME}/credentials.json`)) return undefined;
  const credentials = readCredentials(config.DAYBOOK_HOME);
  const ready = await fetch(`${credentials.baseUrl}/readyz`).then(
    (response) => response.ok,
    () => false,
  );
  return ready ? credentials : undefined;
}

async function demonstrate(config: Config, credentials: Credentials): Promise<void> {
  const begun = Date.now();
  const paid = await payIntent(config.DAYBOOK_HOME, credentials);
  await printReport(credentials, paid);
  process.stdout.write(`\nDone in ${((Date.now() - begun) / 1000).toFixed(1)} s.\n`);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(
      `The demo failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(1);
  },
);
