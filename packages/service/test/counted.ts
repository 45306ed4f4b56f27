import { randomUUID } from 'node:crypto';
import type { OutgoingMessage } from '@daybook/messaging';

/** The message of an event `Counted` that is told on a topic of a test. */
export function countedMessage(topic: string, data: { readonly key: string; readonly n?: number }): OutgoingMessage {
  const id = randomUUID();
  const envelope = {
    id,
    type: 'Counted',
    version: 1,
    occurredAt: '2026-01-01T00:00:00.000Z',
    stream: `counter-${data.key}`,
    streamVersion: '0',
    correlationId: id,
    causationId: id,
    data,
  };
  const value = Buffer.from(JSON.stringify(envelope));
  return { topic, key: data.key, id, value, headers: { 'correlation-id': id } };
}
