import { createHmac, timingSafeEqual } from 'node:crypto';
import type { CallOutcome, CallRequest, verifySignature } from '@daybook/contracts';
import type { Sealer } from '@daybook/runtime';
import type { Credentials } from './credentials';

const hexSignature = /^[0-9a-f]{64}$/i;

/** HMAC-SHA256 in hex over the payload. Anything that is not right is just not valid; it never throws for an input. */
export async function verify(
  { credentials, sealer }: { readonly credentials: Credentials; readonly sealer: Sealer },
  { credentialId, payload, signature }: CallRequest<typeof verifySignature>,
): Promise<CallOutcome<typeof verifySignature>> {
  const found = await credentials.find(credentialId);
  const sealed = found.status === 'active' ? found.sealedSigningSecret : null;
  if (sealed === null || !hexSignature.test(signature)) return { ok: true, value: { valid: false } };
  const expected = createHmac('sha256', sealer.open(sealed, credentialId)).update(payload).digest();
  return { ok: true, value: { valid: timingSafeEqual(expected, Buffer.from(signature, 'hex')) } };
}
