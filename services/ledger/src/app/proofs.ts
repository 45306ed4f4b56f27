import type { getTransactionProof, listSigningKeys, CallOutcome, CallRequest, Mode } from '@daybook/contracts';
import {
  consistencyPath,
  inclusionPath,
  parseCheckpoint,
  parsePublicKey,
  type PublicKey,
  type Span,
} from '@daybook/proof';
import type { CheckpointTable } from './checkpoints';
import type { JournalTree, ReadJournal, RecordedCheckpoint } from './journal-tree';

/** A book as proofs see it. */
export type ProvenBook = {
  readonly mode: Mode;
  /** First line of its checkpoints. */
  readonly origin: string;
  readonly tree: JournalTree;
  readonly table: CheckpointTable;
  readonly read: ReadJournal;
  /** Events that are stored. */
  length(): Promise<number>;
};

export type ProofDeps = {
  readonly bookOf: (mode: Mode) => ProvenBook;
  /** The event that posted a transaction; null when there is none, or none that the tenant may see. */
  readonly findTransaction: (query: {
    mode: Mode;
    tenantId: string | null;
    transactionId: string;
  }) => Promise<ProvenTransaction | null>;
};

/** `withheld`: its bytes say what the tenant may not see. */
export type ProvenTransaction = { readonly sequence: number; readonly withheld: boolean };

type ProofRequest = CallRequest<typeof getTransactionProof>;
type ProofOutcome = CallOutcome<typeof getTransactionProof>;

export function proveTransaction({ bookOf, findTransaction }: ProofDeps) {
  return async ({ mode, tenantId, transactionId, since, ...asked }: ProofRequest): Promise<ProofOutcome> => {
    const transaction = await findTransaction({ mode, tenantId, transactionId });
    if (transaction === null || transaction.sequence !== (asked.sequence ?? transaction.sequence))
      return { ok: false, rejection: 'transaction_not_found' };
    if (transaction.withheld) return { ok: false, rejection: 'withheld' };
    const { sequence } = transaction;
    const { table, tree, read } = bookOf(mode);
    const checkpoint = await table.latest();
    if (checkpoint === null || checkpoint.size <= sequence) return { ok: false, rejection: 'not_signed_yet' };
    if (since !== null && since > checkpoint.size) return { ok: false, rejection: 'since_beyond_checkpoint' };
    const hashes = async (spans: readonly Span[]) =>
      (await tree.hashesOf(spans)).map((hash) => hash.toString('base64'));
    const [event] = await read(sequence, sequence + 1);
    return {
      ok: true,
      value: {
        transactionId,
        sequence,
        payload: event!.payload.toString('base64'),
        checkpoint: shown(checkpoint),
        inclusion: await hashes(inclusionPath(sequence, checkpoint.size)),
        consistency: since === null ? null : await hashes(consistencyPath(since, checkpoint.size)),
      },
    };
  };
}

/** What a book's checkpoints say of its keys; before the first of them, the key that will sign it. */
export function listKeys({ bookOf }: ProofDeps, configured: PublicKey | null) {
  return async ({ mode }: CallRequest<typeof listSigningKeys>): Promise<CallOutcome<typeof listSigningKeys>> => {
    const { table, origin } = bookOf(mode);
    const latest = await table.latest();
    const first = await table.firstCovering(1);
    const changes = latest === null ? [] : await table.keyChanges(latest.size);
    const begin = first === null ? configured : parsePublicKey(parseCheckpoint(first.text).publicKey);
    const known = [
      ...(begin === null ? [] : [{ key: begin, after: 0, introducedBy: null }]),
      ...changes.map((change) => ({
        key: parseCheckpoint(change.text).nextKey!,
        after: change.size,
        introducedBy: signedOf(change),
      })),
    ];
    const keys = known.map(({ key, after, introducedBy }, index) => {
      const upTo = known[index + 1]?.after ?? null;
      return { keyId: key.keyId, publicKey: key.base64, after, upTo, introducedBy };
    });
    return { ok: true, value: { origin, keys, latest: latest === null ? null : shown(latest) } };
  };
}

const signedOf = ({ text, signature }: RecordedCheckpoint) => ({ text, signature });

function shown(checkpoint: RecordedCheckpoint) {
  const { keyId, time } = parseCheckpoint(checkpoint.text);
  const { size, sequence } = checkpoint;
  return { ...signedOf(checkpoint), size, keyId, signedAt: time, sequence };
}
