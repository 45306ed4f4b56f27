/**
 * Compares what the signer has signed with what is recorded here. A send is prepared in its stream before the signer is
 * asked, replacements too, so every signature of ours is known beforehand. One that is not was given for a record that is
 * lost, since the database was restored to an earlier moment, or to somebody else who has the token: either way money has
 * left that the books still have, and nothing more may leave before a person has looked (docs/adr/0057).
 *
 * The signer signs for both modes and all tenants in one order; a send is found by its id alone.
 */
import { requestDigest, type SignedPage, type Signer } from '@daybook/signer';
import type { Clock, Logger, Pass } from '@daybook/runtime';
import type { ChainSend } from '../domain/send-state';
import type { ComparedPlace, SendStore, WalletStore } from '../ports';
import type { StopByFinding } from './payouts';
import { signRequestOf } from './send-steps';
import { sendStream, walletStream } from './send-streams';

/** How long a signature that is none of ours can go unnoticed. A look that finds nothing is one small request. */
const everyMs = 60_000;
/** All of a page are looked up at once, and a worker can stop after each. */
const pageMax = 100;

type Signature = SignedPage['signatures'][number];

export type CompareDeps = {
  readonly signer: Pick<Signer, 'signedAfter'>;
  readonly sends: SendStore;
  readonly wallets: WalletStore;
  readonly comparedPlace: ComparedPlace;
  /** Of both modes: whose money a signature moved that is not recorded, nobody knows. */
  readonly stopPayouts: StopByFinding;
  readonly now: Clock;
  readonly logger: Logger;
};

/** `pass` compares a page, for a worker. */
export function compareSignatures(deps: CompareDeps) {
  const { signer, comparedPlace, now, logger } = deps;
  let ready = false;
  let dueAt = 0;
  let said: string | undefined;

  /** Answers whether there may be more to compare. */
  async function compare(): Promise<boolean> {
    const after = await comparedPlace.read();
    const page = await signer.signedAfter({ after, limit: pageMax });
    if (page === undefined) {
      sayOnce('warn', 'the signer does not tell what it has signed: a database that was restored is not noticed');
      ready = true;
      return false;
    }
    const { total, signatures } = page;
    if (total < after) {
      const shorter = `the signer has signed ${total} times, and ${after} were compared: ${replaced}`;
      return stop(shorter, { from: after, to: total });
    }
    const [strange] = await strangeOf(deps, signatures);
    const place = strange === undefined ? after + signatures.length : strange.place - 1;
    if (place > after) await comparedPlace.move(after, place);
    if (strange !== undefined) {
      const all = [strange, ...(await strangeAfter(deps, strange.place))];
      return stop(reasonOf(all), { from: place, to: all.at(-1)!.place });
    }
    said = undefined;
    if (place === total) ready = true;
    return place < total;
  }

  /** Until somebody has seen it and lets payouts go on: then the comparison goes on behind it. */
  async function stop(reason: string, { from, to }: { readonly from: number; readonly to: number }): Promise<boolean> {
    // Before anybody else hears of it, who may not be there.
    ready = false;
    const isSeen = await deps.stopPayouts(reason).then(
      (isStopped) => !isStopped,
      (error: unknown) => {
        sayOnce('error', reason);
        throw error;
      },
    );
    if (isSeen) await comparedPlace.move(from, to);
    else sayOnce('error', reason);
    return isSeen;
  }

  /** As long as it stays so. */
  function sayOnce(level: 'warn' | 'error', what: string): void {
    if (said !== what) logger[level](what);
    said = what;
  }

  return {
    /** Whether all that was signed was compared since this process started, and the last look found nothing strange. */
    ready: () => ready,
    pass: (async () => {
      if (now().getTime() < dueAt) return new Date(dueAt);
      const more = await compare();
      dueAt = now().getTime() + (more ? 0 : everyMs);
      return new Date(dueAt);
    }) satisfies Pass,
  };
}

async function strangeOf(deps: CompareDeps, signatures: readonly Signature[]): Promise<readonly Signature[]> {
  const ours = await Promise.all(signatures.map((signature) => isOurs(deps, signature)));
  return signatures.filter((_, index) => !ours[index]);
}

/** All the rest, so that a person who looks sees the whole of it. */
async function strangeAfter(deps: CompareDeps, place: number): Promise<readonly Signature[]> {
  const strange: Signature[] = [];
  for (let after = place; ;) {
    const page = await deps.signer.signedAfter({ after, limit: pageMax });
    const last = page?.signatures.at(-1);
    if (page === undefined || last === undefined) return strange;
    strange.push(...(await strangeOf(deps, page.signatures)));
    after = last.place;
  }
}

async function isOurs(deps: CompareDeps, signature: Signature): Promise<boolean> {
  const { state } = await deps.sends.load(sendStream(signature.sendId));
  if (state.stage === 'none') return false;
  return isRecorded(state, signature) || (await isUnderway(deps, state, signature));
}

/** Prepared, and asked for by somebody who has not recorded the answer: nothing but what was prepared is ours. */
async function isUnderway({ wallets }: CompareDeps, send: ChainSend, { digest }: Signature): Promise<boolean> {
  const unsigned = send.attempts.find(({ hash }) => hash === null);
  if (unsigned === undefined) return false;
  const { state } = await wallets.load(walletStream(send.walletId));
  return state.wallet !== null && requestDigest(signRequestOf(send, state.wallet, unsigned.prepared)) === digest;
}

const isRecorded = ({ attempts }: ChainSend, { transactionId }: Signature) =>
  attempts.some(({ hash }) => hash === transactionId);

const replaced = 'was its directory replaced or restored, or is it another signer?';

function reasonOf(strange: readonly Signature[]): string {
  const [{ place, sendId, transactionId, at }, last] = [strange[0]!, strange.at(-1)!];
  const what = `send ${sendId} at ${new Date(at).toISOString()}, which is not recorded here`;
  const more = strange.length === 1 ? '' : `, and ${strange.length - 1} more times up to signature ${last.place}`;
  const why = 'was a database restored, or does somebody else use its token?';
  const where = `transaction ${transactionId}, signature ${place} of its journal`;
  return `the signer has signed ${what}${more}: ${why} (${where})`;
}
