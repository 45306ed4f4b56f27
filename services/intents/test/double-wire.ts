/** What the doubles of the providers are asked and answer, and what is the same for all of them. */
import type { IncomingMessage } from 'node:http';

export type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
};
export type Asked = {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};
/** Why the next payments are refused, or null. */
export type Declines = () => string | null;

export const webhookSecret = 'whsec_of_the_double';

/** What was made under the same key before is answered again. */
export function onceByKey() {
  const made = new Map<string, string>();
  return {
    made,
    once(key: unknown, make: () => string): string {
      const known = made.get(String(key)) ?? make();
      made.set(String(key), known);
      return known;
    },
  };
}

export function credentialOf({ authorization = '', 'x-cc-api-key': apiKey }: IncomingMessage['headers']): string {
  const [, basic] = /^Basic (.*)$/.exec(authorization) ?? [];
  const decoded = basic === undefined ? authorization : Buffer.from(basic, 'base64').toString();
  return String(apiKey ?? decoded.split(/[ :]/).at(-1));
}
