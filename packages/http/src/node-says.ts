/**
 * What a node says of a failure, fit for logs and for operators: providers repeat the address that they were asked at, and
 * keys are part of it.
 */
import type { Secret } from '@daybook/runtime';

const detailLengthMax = 200;
/** Shorter parts of an address (`v2`, `api`) are nobody's key, and are words of messages. */
const keyLengthMin = 6;

/** Leaves out addresses, and every part of `secrets` that could be a key. One line, and not a long one. */
export type Redact = (said: string) => string;

export function redacting(...secrets: readonly (Secret | undefined)[]): Redact {
  const keys = secrets.flatMap((secret) => (secret === undefined ? [] : keysIn(secret.reveal())));
  return (said) =>
    keys
      .reduce((text, key) => text.replaceAll(key, '…'), said)
      .replaceAll(/\b(https?|wss?):\/\/\S+/gi, '…')
      .replaceAll(/\p{Cc}+/gu, ' ')
      .slice(0, detailLengthMax);
}

/** Longest first, so that no part of a longer one is left. */
function keysIn(secret: string): string[] {
  const url = URL.canParse(secret) ? new URL(secret) : undefined;
  const parts = url
    ? [url.username, url.password, ...url.pathname.split('/'), ...url.searchParams.values(), url.host]
    : [secret];
  const spelled = parts.flatMap((part) => [part, decoded(part)]);
  return [...new Set(spelled)]
    .filter((part) => part.length >= keyLengthMin)
    .toSorted((one, other) => other.length - one.length);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
