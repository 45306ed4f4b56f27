/** What an invariant is for the check: a rule with a number, and readers of the journal that look for its violations. */
import type { Mode } from '@daybook/contracts';
import type { StoredEvent } from '@daybook/event-store';
import type { Violation } from './findings';
import type { Refold, Step } from './refold';

/** `where` is the account, transfer or id that is wrong. */
export type Violate = (sequence: number | null, where: string, expected: string, actual: string) => void;

export type BookContext = {
  readonly mode: Mode;
  readonly stream: string;
  readonly now: Date;
  /** Seconds that an item may stand on a clearing account. */
  readonly clearingDeadlineS: number;
  readonly accounts: Refold['accounts'];
  /** Where the reading begins, and the hash of the event before. */
  readonly from: number;
  readonly head: string;
  violate: Violate;
};

/** Reads one book, in order, from its first event. */
export type BookReader = {
  /** Every event as it is stored, also one that nobody can decode. */
  stored?(event: StoredEvent, sequence: number): void;
  /** Every event with what it did. */
  step?(step: Step): void;
  /** After the last event. */
  end?(): void;
};

/**
 * Remembers something of every id. So that memory stays bounded it reads a long journal several times, each time for
 * some of the ids: `mine` tells which.
 */
export type IdReader = {
  stored?(event: StoredEvent, sequence: number, mine: (id: string) => boolean): void;
  step?(step: Step, mine: (id: string) => boolean): void;
};

export type Invariant = {
  readonly id: string;
  readonly rule: string;
  /** What of the rule is tested here. */
  readonly checked: string;
  /** Who answers for the rest; empty when there is none. */
  readonly elsewhere: string;
  /** Whether the book's reader can begin anywhere: it needs to know nothing of earlier events. */
  readonly anywhere?: true;
  readonly book?: (context: BookContext) => BookReader;
  readonly ids?: (context: BookContext) => readonly IdReader[];
};

/** Something else that is made from the journal and can be held against it: a snapshot, an index. A full check asks. */
export type Examination = {
  readonly id: string;
  readonly rule: string;
  readonly checked: string;
  readonly elsewhere: string;
  /** Everything that is wrong, at most some thousands. Throws when it cannot be told. */
  examine(signal: AbortSignal): Promise<readonly Violation[]>;
};
