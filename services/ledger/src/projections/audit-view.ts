/** A SQL view that auditors read, as data. */
export type AuditView = {
  readonly name: string;
  readonly version: number;
  readonly comment: string;
  /** What is said of each column, in the order of `select`; null for one that all views share. */
  readonly columns: Readonly<Record<string, string | null>>;
  readonly select: string;
  /** Reads the journal, with the rights of its owner. */
  readonly journal?: true;
};

/** How far the read models were: what every view of them ends with. */
export const applied = 'w.sequence as applied_sequence, w.at as applied_at';
export const appliedColumns = { applied_sequence: null, applied_at: null } as const;

/** Joins it; behind it comes the mode. */
export const withMark = 'left join ledger.watermarks_v1 w on w.mode = ';
