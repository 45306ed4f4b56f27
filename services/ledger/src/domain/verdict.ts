/** What a command comes to, and the answers that every kind of command has in common. */
import type { BookEvent, BookRejection } from './book-events';
import type { WorkingState } from './book-state';
import type { BookRecord } from './records';

/** `events` are to be recorded, also when they record that it was refused. */
export type Verdict =
  | { readonly type: 'recorded'; readonly events: readonly BookEvent[]; readonly rejection: BookRejection | null }
  /** Answered before, or nothing to do: nothing is recorded. */
  | { readonly type: 'repeated'; readonly outcome: Pick<BookRecord, 'rejection' | 'at' | 'reference' | 'subject'> }
  /** Refused without a trace: the id already has its answer, or the command is the ledger's own or another service's. */
  | { readonly type: 'refused'; readonly rejection: BookRejection };

export function record(...events: readonly BookEvent[]): Verdict {
  return { type: 'recorded', events, rejection: null };
}

export function nothingToDo(at: string): Verdict {
  return { type: 'repeated', outcome: { rejection: null, at, reference: '', subject: null } };
}

export function refuse(rejection: BookRejection): Verdict {
  return { type: 'refused', rejection };
}

/** Why not, and the id of the account that is the reason, where one is. */
export type Refusal = { readonly rejection: BookRejection; readonly about: string | null };

export function because(rejection: BookRejection, about: string | null = null): Refusal {
  return { rejection, about };
}

export type Refused = Omit<Extract<BookEvent, { type: 'CommandRejected' }>, 'type' | keyof Refusal>;

export function rejected(rejection: BookRejection, fields: Refused, about: string | null = null): Verdict {
  const { commandId, commandType, contentHash, tenantId, actor, request, at } = fields;
  return {
    type: 'recorded',
    events: [
      {
        type: 'CommandRejected',
        commandId,
        commandType,
        contentHash,
        rejection,
        about,
        tenantId,
        actor,
        request,
        at,
      },
    ],
    rejection,
  };
}

/** Why it was refused, now or when it was first asked; null when it was not. */
export function reasonOf(verdict: Verdict): Refusal | null {
  switch (verdict.type) {
    case 'refused':
      return because(verdict.rejection);
    case 'recorded': {
      const { rejection, events } = verdict;
      const event = events[0];
      return rejection && because(rejection, event?.type === 'CommandRejected' ? event.about : null);
    }
    case 'repeated': {
      const { rejection, subject } = verdict.outcome;
      return rejection && because(rejection, subject?.type === 'refusal' ? subject.about : null);
    }
  }
}

/** Transaction ids that the ledger makes itself; a caller cannot take one. */
const reversalPrefix = 'reversal:';
const underpaidPrefix = 'underpaid:';
const returnPrefix = 'return:';
const releasePrefix = 'release:';
const ownPrefixes = [reversalPrefix, underpaidPrefix, returnPrefix, releasePrefix] as const;

export function reversalPostingIdOf(transferId: string): string {
  return reversalPrefix + transferId;
}

export function underpaidIdOf(intentId: string): string {
  return underpaidPrefix + intentId;
}

export function returnIdOf(transactionId: string): string {
  return returnPrefix + transactionId;
}

/** The id of releasing a hold because of the fact that it was placed for. */
export function factReleaseIdOf(holdId: string): string {
  return releasePrefix + holdId;
}

/** What a tenant names stands behind its own name, where nobody else can name anything. */
export function isNamedBy(tenantId: string, id: string): boolean {
  return id.startsWith(`${tenantId}/`);
}

const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
/** A tenant sees its own ids without its name and others' as they stand, so none of its own may look like theirs. */
const lookingForeign = new RegExp(`^${uuid}/(?:ops|${uuid})/`);

/** The verdict on an id that a caller chose and that is already taken, or cannot be, or null. */
export function taken(state: WorkingState, commandId: string, contentHash: string): Verdict | null {
  for (const prefix of ownPrefixes) if (commandId.startsWith(prefix)) return refuse('id_reused');
  return original(state, commandId, contentHash) ?? (lookingForeign.test(commandId) ? refuse('id_reserved') : null);
}

export function original(state: WorkingState, commandId: string, contentHash: string): Verdict | null {
  const answered = state.records.get(commandId);
  if (answered === undefined) return null;
  return answered.contentHash === contentHash ? { type: 'repeated', outcome: answered } : refuse('id_reused');
}
