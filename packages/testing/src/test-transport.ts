import { openTransport, type Transport } from '@daybook/messaging';
import type { Logger } from '@daybook/runtime';

/** The Postgres log as transport, on a test's database. */
export function testTransport(databaseUrl: string, logger: Logger): Transport {
  return openTransport({ kind: 'postgres', databaseUrl, brokers: [], clientId: 'test', logger });
}
