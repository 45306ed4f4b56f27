import { inspect } from 'node:util';
import { openDatabase } from '@daybook/event-store';
import { ConfigError, createLogger } from '@daybook/runtime';
import { NoSuchServiceError, republish } from './republish';
import { loadRepublishConfig } from './republish-config';

/** Sends the relays of the services that are named back to the start of their logs, then ends. */
async function main(services: readonly string[]): Promise<void> {
  if (services.length === 0) throw new NoSuchServiceError('no service is named; usage: republish-main.js <service>…');
  const config = loadRepublishConfig(process.env);
  const logger = createLogger({ service: 'republish', level: config.LOG_LEVEL });
  for (const service of services) {
    const pool = openDatabase({
      url: config.DATABASE_URL,
      schema: service.replaceAll('-', '_'),
      poolMax: 1,
      onError: (error) => logger.warn({ error }, 'idle database connection lost'),
    });
    try {
      logger.info({ of: service, relays: await republish(pool) }, 'publishing everything again');
    } finally {
      await pool.end();
    }
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const isRefusal = error instanceof NoSuchServiceError || error instanceof ConfigError;
  process.stderr.write(`${isRefusal ? error.message : inspect(error)}\n`);
  process.exitCode = 1;
});
