/** `node seed-main.js DIRECTORY`: seeds the demo tenant of services that run apart; its credentials go into DIRECTORY. */
import { parseConfig, startFailure } from '@daybook/runtime';
import { z } from 'zod';
import { loadSecrets } from './secrets';
import { seedDemo } from './seed';

export const seedConfigSchema = z.object({
  BASE_URL: z.url(),
  DATABASE_URL: z.url(),
  IDENTITY_URL: z.url(),
  INTENTS_URL: z.url(),
  LEDGER_URL: z.url(),
  SETTLEMENT_URL: z.url(),
});

async function main(directory: string): Promise<void> {
  const config = parseConfig(seedConfigSchema, process.env);
  await seedDemo({
    home: directory,
    baseUrl: config.BASE_URL,
    secrets: await loadSecrets(directory),
    databaseUrl: config.DATABASE_URL,
    urls: {
      identity: config.IDENTITY_URL,
      intents: config.INTENTS_URL,
      ledger: config.LEDGER_URL,
      settlement: config.SETTLEMENT_URL,
    },
  });
}

if (require.main === module) {
  main(process.argv[2] ?? '').catch((error: unknown) => {
    process.stderr.write(`${startFailure(error)}\n`);
    process.exitCode = 1;
  });
}
