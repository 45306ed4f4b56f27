/**
 * `npm run demo`: money in and out on the EVM development chain, against the instance in DAYBOOK_HOME (or one started here
 * if none runs). A USDT payment from the intent to the webhook and the journal, an ETH payment whose block leaves the
 * chain, an ETH send through the settlement contract, and at the end a check of the books.
 */
import { existsSync } from 'node:fs';
import { runProgram, startFailure } from '@daybook/runtime';
import { loadConfig, type Config } from '../config';
import { readEndpoints } from '../endpoints';
import { readCredentials, type Credentials } from '../seed';
import { createStandalone } from '../standalone';
import { callersOf } from './client';
import { payIntent } from './pay-intent';
import { openProgress } from './progress';
import { reorganisePayment } from './reorganise-payment';
import { checkBooks, printBalances, printIntent, printJournal } from './report';
import { sendThroughContract } from './send-through-contract';
import { openShop } from './shop';

async function main(): Promise<number> {
  // The demo's own lines are the output; the services' log lines would bury them.
  const env = { LOG_LEVEL: 'error', ...process.env };
  const config = loadConfig(env);
  const running = await runningInstance(config);
  if (running !== undefined) {
    await demonstrate(config, running);
    return 0;
  }
  process.stdout.write('No running instance found: starting one.\n');
  return runProgram({
    env,
    loadConfig,
    createService: createStandalone,
    graceMs: () => config.SHUTDOWN_GRACE_MS,
    work: () => demonstrate(config, readCredentials(config.DAYBOOK_HOME)),
  });
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
  const { evm } = readEndpoints(config.DAYBOOK_HOME);
  const callers = callersOf(credentials);
  const caller = callers.shop;
  const progress = openProgress(process.stdout);
  const shop = await openShop(caller, progress);
  try {
    progress.title('A payment');
    const paid = await payIntent(evm, shop, progress);
    await printIntent(caller, paid);
    await printJournal(caller, paid);

    progress.title('A deposit that a reorganisation takes away, and that comes back');
    await printJournal(caller, await reorganisePayment(evm, shop, progress));

    progress.title('A send through the settlement contract');
    await printJournal(caller, await sendThroughContract(evm, callers, progress));
  } finally {
    progress.close();
    await shop.close();
  }
  await printBalances(caller);
  progress.title('The books');
  await checkBooks(callers.operator, progress);
  process.stdout.write(`\nDone in ${progress.seconds()} s.\n`);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`The demo failed: ${startFailure(error)}\n`);
    process.exit(1);
  },
);
