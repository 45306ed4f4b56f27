/** Signing of the Standard Webhooks specification, version v1: HMAC-SHA256 over `id.timestamp.body`. */
import { createHmac, randomBytes } from 'node:crypto';

const prefix = 'whsec_';
const secretBytes = 32;

export function newWebhookSecret(): string {
  return prefix + randomBytes(secretBytes).toString('base64');
}

/** Headers of one attempt. The id is the fact's; the time is the attempt's. */
export function signatureHeaders(options: {
  readonly secret: string;
  readonly webhookId: string;
  readonly at: Date;
  readonly body: string;
}): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const { secret, webhookId, at, body } = options;
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const key = Buffer.from(secret.slice(prefix.length), 'base64');
  const signature = createHmac('sha256', key).update(`${webhookId}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': webhookId, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}
