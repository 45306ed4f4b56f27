/**
 * What the check knows of one projection table: its columns, and the rows that the journal says it has. Cells are text
 * as the source writes it: times as ISO 8601 in UTC with milliseconds, numbers in digits, true and false.
 */
import type { Mode } from '@daybook/contracts';
import type { CheckedRow } from './findings';
import type { RowShape } from './compare';
import type { Refold, Step } from './refold';

export type PassContext = { readonly mode: Mode; readonly accounts: Refold['accounts'] };

/** A table whose rows are written once, when their event happens: column `sequence` says which. */
export type LogPass = RowShape & {
  readonly kind: 'log';
  /** Columns that its event alone does not tell: an incremental check leaves them out. */
  readonly folded?: readonly string[];
  rows(step: Step, context: PassContext): readonly CheckedRow[];
};

/** A table of what is the case after the last event. */
export type StatePass = RowShape & {
  readonly kind: 'state';
  /**
   * The column whose values tell rows apart so well that a large table can be compared in parts; null for a table that
   * fits into memory as the accounts do.
   */
  readonly partition: string | null;
  begin(context: PassContext): StateFold;
};

export type StateFold = {
  /** `mine` tells the values of the partition's column that belong to this part. */
  step(step: Step, mine: (id: string) => boolean): void;
  rows(): Iterable<CheckedRow>;
};

export type TablePass = LogPass | StatePass;

/**
 * The same rows for a table that cannot be asked for a range of sequences, because its key begins with something else: they
 * are remembered and compared at the end, in parts.
 */
export function remembered({ folded: _folded, rows: rowsOf, ...shape }: LogPass): StatePass {
  return {
    ...shape,
    kind: 'state',
    partition: 'sequence',
    begin(context) {
      const rows: CheckedRow[] = [];
      return {
        step(step, mine) {
          if (mine(String(step.sequence))) rows.push(...rowsOf(step, context));
        },
        rows: () => rows,
      };
    },
  };
}
