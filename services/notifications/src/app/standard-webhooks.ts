/** Signing of the Standard Webhooks specification, version v1: HMAC-SHA256 over `id.timestamp.body`. */
import { createHmac, randomBytes } from 'node:crypto';

const prefix = 'whsec_';
const secretBytes = 32;

export function newWebhookSecret(): string {
  return prefix + randomBytes(secretBytes).toString('base64');
}

/** Headers of one attempt, with a signature by each secret. The id is the fact's; the time is the attempt's. */
export function signatureHeaders(options: {
  readonly secrets: readonly string[];
  readonly webhookId: string;
  readonly at: Date;
  readonly body: string;
}): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const { secrets, webhookId, at, body } = options;
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const signed = `${webhookId}.${timestamp}.${body}`;
  const signatures = secrets.map(
    (secret) => `v1,${createHmac('sha256', keyOf(secret)).update(signed).digest('base64')}`,
  );
  return { 'webhook-id': webhookId, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

function keyOf(secret: string): Buffer {
  return Buffer.from(secret.slice(prefix.length), 'base64');
}
