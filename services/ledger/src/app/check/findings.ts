/** What a check says. The report is JSON that people and programs read, so its names are those of the API. */
import type { Mode } from '@daybook/contracts';

/** INCOMPLETE is never clean: something could not be looked at, and nobody knows what is there. */
export type CheckStatus = 'CLEAN' | 'DIFFERENCES' | 'INCOMPLETE';

/** Findings of one pass or invariant that are listed; all of them are counted. */
const listedMax = 50;

/** A value of a column as text, null as it is. */
export type Cell = string | null;
export type CheckedRow = Readonly<Record<string, Cell>>;

export type Difference = {
  readonly mode: string;
  readonly key: Readonly<Record<string, Cell>>;
  /** `missing`: the journal says there is such a row. `unexpected`: it does not. */
  readonly problem: 'missing' | 'unexpected' | 'different';
  /** Null when it is about the whole row. */
  readonly column: string | null;
  readonly expected: Cell | CheckedRow;
  readonly actual: Cell | CheckedRow;
};

export type PassReport = {
  readonly table: string;
  readonly status: CheckStatus;
  /** Rows that the journal says there are. */
  readonly rows: number;
  readonly differences: number;
  readonly listed: readonly Difference[];
  /** Why it is not complete. */
  readonly incomplete: readonly string[];
};

export type Violation = {
  readonly mode: string | null;
  /** The event of the journal that it is about. */
  readonly sequence: number | null;
  /** What it is about: an account, a transfer, a subscriber. */
  readonly where: string;
  readonly expected: string;
  readonly actual: string;
};

export type InvariantReport = {
  readonly id: string;
  readonly rule: string;
  readonly status: CheckStatus;
  readonly violations: number;
  readonly listed: readonly Violation[];
  readonly incomplete: readonly string[];
  /** What of the rule is tested here, and who answers for the rest of it. */
  readonly checked: string;
  readonly elsewhere: string;
};

/** Up to where a book was checked, for the next incremental check to go on from. */
export type Watermark = {
  /** Events of the book that the read models have. */
  readonly tables: number;
  /** Events of the book in the journal. */
  readonly journal: number;
  /** SHA-256 of the last event that the read models have, as hexadecimal digits. */
  readonly head: string;
};

export type Watermarks = Readonly<Record<Mode, Watermark>>;

export type CheckReport = {
  readonly status: CheckStatus;
  /** An incremental check looks at what was recorded since the last clean one, and only at what events show alone. */
  readonly scope: 'full' | 'incremental';
  readonly passes: readonly PassReport[];
  readonly invariants: readonly InvariantReport[];
  readonly watermarks: Watermarks | null;
  readonly incomplete: readonly string[];
};

/** Collects findings: counts all, keeps the first, and knows why it is not complete. */
export type Findings<Finding> = {
  add(finding: Finding): void;
  /** Once a reason, however often it is met. */
  incomplete(reason: string): void;
  readonly count: number;
  readonly listed: readonly Finding[];
  readonly reasons: readonly string[];
  readonly status: CheckStatus;
};

export function findings<Finding>(): Findings<Finding> {
  const listed: Finding[] = [];
  const reasons = new Set<string>();
  let count = 0;
  return {
    add(finding) {
      count += 1;
      if (listed.length < listedMax) listed.push(finding);
    },
    incomplete: (reason) => void reasons.add(reason),
    get count() {
      return count;
    },
    listed,
    get reasons() {
      return [...reasons];
    },
    get status() {
      // What is known to be wrong is said first; that it is incomplete too is said by the reasons.
      if (count > 0) return 'DIFFERENCES';
      return reasons.size > 0 ? 'INCOMPLETE' : 'CLEAN';
    },
  };
}

/** Of several parts: one difference is enough, and one that is incomplete makes the rest not clean. */
export function overall(statuses: readonly CheckStatus[]): CheckStatus {
  if (statuses.includes('DIFFERENCES')) return 'DIFFERENCES';
  return statuses.includes('INCOMPLETE') ? 'INCOMPLETE' : 'CLEAN';
}
