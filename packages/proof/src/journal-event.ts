/**
 * What the verifier reads out of an event's bytes. It knows three things of a book's events, in all their versions:
 * `event` is the type, `previousHash` links to the event before, and whatever stands in `entries` has to balance.
 */
import { parseCheckpoint, type SignedCheckpoint } from './checkpoint';

export type JournalEvent = {
  readonly event: string;
  readonly previousHash: string;
  /** Of a `CheckpointSigned`. */
  readonly checkpoint: (SignedCheckpoint & { readonly size: number }) | null;
  /** What is wrong with the entries, or null. */
  readonly imbalance: string | null;
};

/** Throws an Error that says why the bytes are not an event. */
export function readJournalEvent(payload: Buffer): JournalEvent {
  let fields: unknown;
  try {
    fields = JSON.parse(payload.toString('utf8'));
  } catch (cause) {
    throw new Error('its bytes are not JSON', { cause });
  }
  const { event, previousHash, entries, checkpoint, signature } = (fields ?? {}) as Record<string, unknown>;
  if (typeof event !== 'string' || typeof previousHash !== 'string') throw new Error('its bytes are not an event');
  return {
    event,
    previousHash,
    checkpoint: event === 'CheckpointSigned' ? checkpointOf(checkpoint, signature) : null,
    imbalance: entries === undefined ? null : imbalanceOf(entries),
  };
}

function checkpointOf(text: unknown, signature: unknown): SignedCheckpoint & { readonly size: number } {
  if (typeof text !== 'string' || typeof signature !== 'string') throw new Error('it records no checkpoint');
  return { text, signature, size: parseCheckpoint(text).size };
}

/** Debits equal credits for each asset, and every amount is a positive whole number. */
function imbalanceOf(entries: unknown): string | null {
  if (!Array.isArray(entries)) return 'entries: is not a list';
  const sums = new Map<string, bigint>();
  for (const entry of entries) {
    const { asset, direction, amount } = (entry ?? {}) as Record<string, unknown>;
    if (typeof asset !== 'string' || (direction !== 'debit' && direction !== 'credit'))
      return 'entries: one has no asset or no direction';
    if (typeof amount !== 'string' || !/^[1-9]\d{0,37}$/.test(amount))
      return `entries: an amount of ${String(amount)} in ${asset}`;
    const units = BigInt(amount);
    sums.set(asset, (sums.get(asset) ?? 0n) + (direction === 'debit' ? units : -units));
  }
  const unbalanced = [...sums].find(([, sum]) => sum !== 0n);
  return unbalanced === undefined ? null : `debits less credits in ${unbalanced[0]} are ${unbalanced[1]}, not 0`;
}
