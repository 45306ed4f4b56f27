/**
 * Signatures of high-value transfers. `X-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256>` over
 * `t.METHOD.path.idempotencyKey.rawBody`. The Idempotency-Key is the nonce: a request that is sent again within the
 * tolerance is a repeat, and moves nothing.
 */
export type RequestSignature = { readonly time: string; readonly digest: string };

const toleranceSeconds = 300;

/** Exactly one `t` and one `v1`, in any order. */
export function parseSignature(header: string): RequestSignature | undefined {
  if (!/^(t|v1)=[0-9a-f]{1,64}, ?(t|v1)=[0-9a-f]{1,64}$/.test(header)) return undefined;
  const pairs = header.split(/, ?/).map((pair) => pair.split('=') as [string, string]);
  const time = pairs.find(([name]) => name === 't')?.[1];
  const digest = pairs.find(([name]) => name === 'v1')?.[1];
  if (time === undefined || digest === undefined) return undefined;
  return /^[1-9]\d{0,11}$/.test(time) && digest.length === 64 ? { time, digest } : undefined;
}

export function isRecent({ time }: RequestSignature, now: Date): boolean {
  return Math.abs(now.getTime() / 1000 - parseInt(time, 10)) <= toleranceSeconds;
}

export function signedPayload(
  { time }: RequestSignature,
  request: {
    readonly method: string;
    readonly path: string;
    readonly idempotencyKey: string;
    readonly rawBody: string;
  },
): string {
  return [time, request.method, request.path, request.idempotencyKey, request.rawBody].join('.');
}
