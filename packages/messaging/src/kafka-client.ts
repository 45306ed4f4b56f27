import { isOperationalError, OperationalError } from '@daybook/core';
import type { Logger } from '@daybook/runtime';
import { Kafka, logLevel, type LogEntry } from 'kafkajs';

export type KafkaOptions = {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly logger: Logger;
  /** How long a member of a group may be silent before its partitions go to the others; 15 s. */
  readonly sessionTimeoutMs?: number;
};

/** One publication must fail well before the transaction of the relay that waits for it is cut off. */
const requestTimeoutMs = 8_000;
const connectionTimeoutMs = 3_000;

export function kafkaClient({ brokers, clientId, logger }: KafkaOptions): Kafka {
  return new Kafka({
    brokers: [...brokers],
    clientId,
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: requestTimeoutMs,
    enforceRequestTimeout: true,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 2 },
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => write(logger, entry),
  });
}

/** The client reports as errors what it goes on to retry; what we must act on reaches us as an event or a rejection. */
function write(logger: Logger, { level, log, namespace }: LogEntry): void {
  const { message, timestamp: _, ...fields } = log;
  const line = `kafka ${namespace}: ${message}`;
  if (level === logLevel.ERROR || level === logLevel.WARN) logger.warn(fields, line);
  else logger.debug(fields, line);
}

/** What is known better already stays what it is. */
export function brokerUnavailable(cause: unknown): OperationalError {
  if (isOperationalError(cause)) return cause;
  return new OperationalError('broker_unavailable', true, { cause });
}
