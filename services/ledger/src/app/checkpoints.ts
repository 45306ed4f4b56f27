/**
 * Signs checkpoints of a book. From time to time, when there is something new, it takes in the journal as far as it is
 * stored, signs the root of the tree over it, and lets the engine record the checkpoint in the book itself, behind what it
 * covers. It signs nothing that does not continue what was signed before, under the same origin. No book waits for another.
 *
 * Whoever finds a book signed with another key has to show the right to go on: with the former key beside the new one,
 * the former signs a checkpoint that names the new one, once. Without it nothing is signed.
 *
 * Two processes may sign the same book, also while they change over to another key: the engine records a checkpoint only
 * behind the one that its signer has seen, and that it has refused the other.
 */
import { assert, isOperationalError } from '@daybook/core';
import { createAlarm, type Clock, type Component, type Logger, type OnFatal } from '@daybook/runtime';
import {
  parseCheckpoint,
  parsePublicKey,
  signCheckpoint,
  verifyCheckpoint,
  type PublicKey,
  type SignedCheckpoint,
  type SigningKey,
} from '@daybook/proof';
import type { JournalTree, RecordedCheckpoint } from './journal-tree';

/** What the journal says of checkpoints, as far as the tree has reached. */
export type CheckpointTable = {
  latest(): Promise<RecordedCheckpoint | null>;
  /** The first that covers so many events. */
  firstCovering(size: number): Promise<RecordedCheckpoint | null>;
  /** Of sizes between the two, both included, by size. */
  within(from: number, to: number): Promise<readonly RecordedCheckpoint[]>;
  /** Those of sizes up to this one that name a next key, by size. */
  keyChanges(upTo: number): Promise<readonly RecordedCheckpoint[]>;
};

export type BookToSign = {
  readonly origin: string;
  readonly tree: JournalTree;
  readonly table: CheckpointTable;
  /** Events that are stored. */
  length(): Promise<number>;
  /** Records it in the book, durably, behind the checkpoint of size `after`. False when another process's is there. */
  record(signed: SignedCheckpoint, after: number): Promise<boolean>;
};

export type CheckpointsDeps = {
  readonly books: readonly BookToSign[];
  /** Null where nothing is signed; the trees grow all the same. */
  readonly key: SigningKey | null;
  /** The key before `key`, while the two change over. */
  readonly formerKey: SigningKey | null;
  /** New events that are not left without a signature. */
  readonly eventsMax: number;
  /** Time that a new event waits for its signature at most, in milliseconds. */
  readonly delayMs: number;
  readonly now: Clock;
  readonly logger: Logger;
  readonly onFatal: OnFatal;
};

/** Between two looks at the books. */
const pollMs = 500;

export type Checkpoints = Component & {
  /** Looks at the books once. For tests, and for whoever cannot wait. */
  look(): Promise<void>;
};

export function createCheckpoints(deps: CheckpointsDeps): Checkpoints {
  const signers = deps.books.map((book) => createSigner(deps, book));
  let running: { readonly stop: AbortController; readonly ended: Promise<unknown> } | undefined;

  const run = async (signer: Signer, signal: AbortSignal) => {
    const alarm = createAlarm();
    signal.addEventListener('abort', alarm.ring);
    while (!signal.aborted) {
      await signer.look(signal).catch((error: unknown) => {
        if (signal.aborted) return;
        if (!isOperationalError(error)) throw error;
        deps.logger.warn({ error, origin: signer.origin }, 'checkpoints will be tried again');
      });
      await alarm.wait(Math.min(pollMs, deps.delayMs));
    }
  };
  return {
    name: 'checkpoints',
    async look() {
      for (const signer of signers) await signer.look();
    },
    async start() {
      const stop = new AbortController();
      const runs = signers.map((signer) => run(signer, stop.signal).catch(deps.onFatal));
      running = { stop, ended: Promise.all(runs) };
    },
    async stop() {
      if (running === undefined) return;
      running.stop.abort();
      await running.ended;
      running = undefined;
    },
  };
}

type Signer = { readonly origin: string; look(signal?: AbortSignal): Promise<void> };

function createSigner({ key, formerKey, eventsMax, delayMs, now, logger }: CheckpointsDeps, book: BookToSign): Signer {
  /** Since when there is something new behind the last checkpoint, which is of this size. */
  let waiting: { readonly behind: number; readonly since: number } | undefined;
  let verified: number | undefined;

  /** A journal that was changed behind a signature is not signed on. That the key is one of ours is for `signerOf` to say. */
  async function verify(recorded: RecordedCheckpoint): Promise<void> {
    const { size } = recorded;
    if (verified !== undefined && verified >= size) return;
    const signed = verifyCheckpoint(recorded, parsePublicKey(parseCheckpoint(recorded.text).publicKey));
    // One of another name would be refused by whoever verifies an export, for ever.
    assert(
      signed.origin === book.origin,
      `the checkpoints so far are of ${signed.origin}, not of ${book.origin}: CHECKPOINT_ORIGIN has to stay as it was`,
    );
    const { root, head } = await book.tree.at(size);
    assert(
      signed.root.equals(root) && signed.head === head,
      `${book.origin}: the first ${size} events are not those that were signed`,
    );
    verified = size;
  }

  async function sign(size: number, after: number, by: SigningKey, nextKey: PublicKey | null): Promise<void> {
    const { root, head } = await book.tree.at(size);
    const time = now().toISOString();
    const signed = signCheckpoint({ origin: book.origin, size, root, head, time, nextKey }, by);
    if (await book.record(signed, after))
      logger.info({ origin: book.origin, size, keyId: by.publicKey.keyId }, 'checkpoint signed');
  }

  return {
    origin: book.origin,
    async look(signal) {
      const length = await book.length();
      await book.tree.reach(length, signal);
      if (key === null) return;
      const latest = await book.table.latest();
      if (latest !== null) await verify(latest);
      const current = latest === null ? key.publicKey.keyId : signingKeyOf(latest);
      const former = signerOf(current, key, formerKey);
      // The checkpoint itself is an event, and no reason for another.
      const fresh = latest === null ? length : length - latest.size - 1;
      if (fresh <= 0 && former === null) return;
      const behind = latest?.size ?? 0;
      const time = now().getTime();
      // Another process may have signed what was waiting.
      if (waiting?.behind !== behind) waiting = { behind, since: time };
      const isDue = fresh >= eventsMax || time - waiting.since >= delayMs;
      if (length === 0 || (!isDue && former === null)) return;
      await sign(length, behind, former ?? key, former === null ? null : key.publicKey);
    },
  };
}

/** Id of the key that signs what comes after a checkpoint. */
function signingKeyOf({ text }: RecordedCheckpoint): string {
  const { nextKey, keyId } = parseCheckpoint(text);
  return nextKey?.keyId ?? keyId;
}

/** The former key where the book still has it, null where it has the new one already. */
function signerOf(current: string, key: SigningKey, former: SigningKey | null): SigningKey | null {
  if (current === key.publicKey.keyId) return null;
  assert(
    former?.publicKey.keyId === current,
    `the checkpoints are signed with key ${current}; without it as the former key no other is introduced`,
  );
  return former;
}
