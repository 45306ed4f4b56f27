import type { Logger } from '@daybook/runtime';
import { kafkaTransport } from './kafka-transport';
import { postgresTransport } from './postgres-transport';
import { declaredTopics, type Topic } from './topics';
import type { Transport } from './transport';

export type TransportOptions = {
  readonly kind: 'postgres' | 'kafka';
  /** Where the Postgres log lives; it keeps its own few connections. */
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
  /** Names this process to the broker. */
  readonly clientId: string;
  readonly logger: Logger;
  /** How long a member of a group may be silent before its partitions go to the others; on Kafka. */
  readonly sessionTimeoutMs?: number;
  /** Those of `infra/kafka/topics.json` unless a test brings its own. */
  readonly topics?: readonly Topic[];
};

export function openTransport(options: TransportOptions): Transport {
  const topics = options.topics ?? declaredTopics();
  return options.kind === 'kafka' ? kafkaTransport({ ...options, topics }) : postgresTransport({ ...options, topics });
}
