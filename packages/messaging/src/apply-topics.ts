import { createLogger, startFailure } from '@daybook/runtime';
import { loadApplyTopicsConfig } from './apply-topics-config';
import { applyTopics } from './kafka-topics';

/** Creates or corrects the declared topics, then ends. */
async function main(): Promise<void> {
  const config = loadApplyTopicsConfig(process.env);
  const logger = createLogger({ service: 'topics', level: config.LOG_LEVEL });
  const replication = config.KAFKA_REPLICATION_FACTOR;
  const applied = await applyTopics({
    brokers: config.KAFKA_BROKERS,
    clientId: 'daybook-topics',
    logger,
    ...(replication === undefined ? {} : { replicationFactor: replication }),
  });
  logger.info(applied, 'topics are as declared');
}

main().catch((error: unknown) => {
  process.stderr.write(`${startFailure(error)}\n`);
  process.exitCode = 1;
});
