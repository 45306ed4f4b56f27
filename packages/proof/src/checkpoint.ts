/**
 * A signed checkpoint: what a book was when it had so many events. The text that is signed, one fact a line, each line
 * ended:
 *
 *   <origin>                which book of whom
 *   <size>                  number of events that it covers, from the first
 *   <root>                  root of the Merkle tree over their exact bytes, base64
 *   head <hash>             SHA-256 of the exact bytes of the last of them, hex: the head of the chain of hashes
 *   time <instant>          when it was signed, UTC
 *   key <key id> <key>      whose signature it is: hash of the raw public key, and the key itself, base64
 *   next <public key>       only on a change of keys: the raw key, base64, that signs what comes after this one
 *
 * The first three lines are the body of a C2SP tlog-checkpoint, so its tools can read them. A key that a checkpoint
 * names as the next is trusted as much as the one that signed it, so the first public key vouches for all later ones.
 */
import { keyIdOf, parsePublicKey, type PublicKey, type SigningKey } from './keys';
import { hashBytes } from './sha256';

export type Checkpoint = {
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  /** Hex. */
  readonly head: string;
  /** UTC, ISO 8601 with milliseconds. */
  readonly time: string;
  readonly keyId: string;
  /** Raw, base64. To be believed only if the key id is one that is trusted. */
  readonly publicKey: string;
  readonly nextKey: PublicKey | null;
};

/** As it is stored and published. `signature` is of the UTF-8 bytes of `text`, base64. */
export type SignedCheckpoint = { readonly text: string; readonly signature: string };

/** Why a checkpoint is not to be believed, in words. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
}

export function signCheckpoint(
  { origin, size, root, head, time, nextKey }: Omit<Checkpoint, 'keyId' | 'publicKey'>,
  key: SigningKey,
): SignedCheckpoint {
  const { keyId, base64: publicKey } = key.publicKey;
  const text = textOf({ origin, size, root, head, time, nextKey, keyId, publicKey });
  parseCheckpoint(text);
  return { text, signature: key.sign(Buffer.from(text)).toString('base64') };
}

const pattern =
  /^([\x21-\x7e]{1,200})\n([1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\nhead ([0-9a-f]{64})\ntime (\S{24})\nkey ([0-9a-f]{64}) ([A-Za-z0-9+/]{43}=)\n(?:next (\S{44})\n)?$/;

/** Reads the text and trusts nothing in it. Throws CheckpointError when it is not exactly of this form. */
export function parseCheckpoint(text: string): Checkpoint {
  const [, origin, size, root, head, time, keyId, publicKey, next] = pattern.exec(text) ?? [];
  if (origin === undefined) throw new CheckpointError('is not a checkpoint');
  const checkpoint = {
    origin,
    size: parseInt(size!, 10),
    root: Buffer.from(root!, 'base64'),
    head: head!,
    time: time!,
    keyId: keyId!,
    publicKey: publicKey!,
    nextKey: next === undefined ? null : keyOf(next, 'names a next key that is none'),
  };
  const rawKey = Buffer.from(publicKey!, 'base64');
  const isNamed = keyIdOf(rawKey) === keyId && rawKey.toString('base64') === publicKey;
  const isExact = isNamed && !Number.isNaN(Date.parse(checkpoint.time)) && textOf(checkpoint) === text;
  if (!isExact || checkpoint.root.length !== hashBytes || !Number.isSafeInteger(checkpoint.size))
    throw new CheckpointError('is not a checkpoint in its canonical form');
  return checkpoint;
}

function keyOf(text: string, problem: string): PublicKey {
  try {
    return parsePublicKey(text);
  } catch (cause) {
    throw new CheckpointError(problem, { cause });
  }
}

function textOf({ origin, size, root, head, time, keyId, publicKey, nextKey }: Checkpoint): string {
  const next = nextKey === null ? '' : `next ${nextKey.base64}\n`;
  return `${origin}\n${size}\n${root.toString('base64')}\nhead ${head}\ntime ${time}\nkey ${keyId} ${publicKey}\n${next}`;
}

/** Throws CheckpointError unless this key signed it. */
export function verifyCheckpoint({ text, signature }: SignedCheckpoint, key: PublicKey): Checkpoint {
  const checkpoint = parseCheckpoint(text);
  if (checkpoint.keyId !== key.keyId)
    throw new CheckpointError(`is signed with key ${brief(checkpoint.keyId)}, not with ${brief(key.keyId)}`);
  const bytes = Buffer.from(signature, 'base64');
  if (bytes.toString('base64') !== signature || !key.verifies(Buffer.from(text), bytes))
    throw new CheckpointError('has a signature that does not fit');
  return checkpoint;
}

/** A key and the sizes for which it signs: those after `after`, up to and with `upTo`; null for those to come. */
export type ValidKey = { readonly key: PublicKey; readonly after: number; readonly upTo: number | null };

/** The checkpoints of one book, believed one after another from a first key that is trusted. */
export type Trust = {
  /** Throws CheckpointError. Sizes only grow; one that names a next key changes the key that the ones after need. */
  accept(signed: SignedCheckpoint): Checkpoint;
  /**
   * Follows a change of keys if it was signed by the key that is trusted now; null for any other. That is disregarded, but
   * it has to be signed by the key that it names. Throws CheckpointError.
   */
  follow(introduction: SignedCheckpoint): Checkpoint | null;
  /** The last is the one that signs now. */
  keys(): readonly ValidKey[];
};

export function createTrust(origin: string, first: PublicKey): Trust {
  const keys: ValidKey[] = [{ key: first, after: 0, upTo: null }];
  let size = 0;
  const accept = (signed: SignedCheckpoint): Checkpoint => {
    const current = keys.at(-1)!;
    const { keyId } = parseCheckpoint(signed.text);
    // One that was replaced and introduced again is the current one too.
    const past = keys.findLast(({ key }) => key.keyId === keyId);
    if (past !== undefined && past !== current)
      throw new CheckpointError(`is signed with key ${brief(keyId)}, which was replaced after size ${past.upTo}`);
    const checkpoint = verifyCheckpoint(signed, current.key);
    if (checkpoint.origin !== origin) throw new CheckpointError(`is of ${checkpoint.origin}, not of ${origin}`);
    if (checkpoint.size <= size) throw new CheckpointError(`covers ${checkpoint.size} events after one of ${size}`);
    size = checkpoint.size;
    if (checkpoint.nextKey !== null) {
      keys[keys.length - 1] = { ...current, upTo: size };
      keys.push({ key: checkpoint.nextKey, after: size, upTo: null });
    }
    return checkpoint;
  };
  return {
    accept,
    follow(introduction) {
      const { keyId, publicKey } = parseCheckpoint(introduction.text);
      if (keyId === keys.at(-1)!.key.keyId) return accept(introduction);
      verifyCheckpoint(introduction, keyOf(publicKey, 'is signed with a key that is none'));
      return null;
    },
    keys: () => [...keys],
  };
}

const brief = (keyId: string) => keyId.slice(0, 16);
