import { assertDatabase, openDatabase } from '@daybook/event-store';
import { createLogger, StartRefusal, startFailure } from '@daybook/runtime';
import { assertService, republish } from './republish';
import { loadRepublishConfig } from './republish-config';

/** Sends the relays of the services that are named back to the start of their logs, then ends. None where a name is wrong. */
async function main(services: readonly string[]): Promise<void> {
  if (services.length === 0) throw new StartRefusal('no service is named; usage: republish-main.js <service>…');
  const config = loadRepublishConfig(process.env);
  const logger = createLogger({ service: 'republish', level: config.LOG_LEVEL });
  const pools = services.map((service) =>
    openDatabase({
      url: config.DATABASE_URL,
      schema: service.replaceAll('-', '_'),
      poolMax: 1,
      onError: (error) => logger.warn({ error }, 'idle database connection lost'),
    }),
  );
  try {
    for (const pool of pools) {
      await assertDatabase(pool);
      await assertService(pool);
    }
    for (const [n, pool] of pools.entries())
      logger.info({ of: services[n], relays: await republish(pool) }, 'publishing everything again');
  } finally {
    await Promise.all(pools.map((pool) => pool.end()));
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${startFailure(error)}\n`);
  process.exitCode = 1;
});
