/** What a check reads: the journal, and all tables as they were at one moment. */
import type { Mode } from '@daybook/contracts';
import type { StoredEvent, SubscriptionAudit } from '@daybook/event-store';
import type { CheckedRow } from './findings';

export type CheckMoment = {
  /** How many events of each book the tables show, and there are. */
  readonly tables: Readonly<Record<Mode, number>>;
  readonly journal: Readonly<Record<Mode, number>>;
  /** What every reader of the log says that it applied, and what the log holds up to its place. */
  subscribers(signal: AbortSignal): Promise<readonly SubscriptionAudit[]>;
  /** The table's columns in this database; undefined when there is no such table. */
  columns(table: string): Promise<readonly string[] | undefined>;
  /** Rows of a book with `from <= sequence < to`. */
  between(table: string, mode: Mode, from: number, to: number): Promise<readonly CheckedRow[]>;
  /** Rows of a book that belong to no event that the tables show. */
  beyond(table: string, mode: Mode, upTo: number): Promise<readonly CheckedRow[]>;
  /** All rows of a book, some at a time. */
  all(table: string, mode: Mode): AsyncIterable<readonly CheckedRow[]>;
  /** Rows that belong to no book, at most some. */
  stray(table: string): Promise<readonly CheckedRow[]>;
};

export type CheckSource = {
  /** Everything that `work` asks of the moment belongs to it. Tables that are named cannot go away meanwhile. */
  atOneMoment<T>(tables: readonly string[], work: (moment: CheckMoment) => Promise<T>): Promise<T>;
  /** Events `from` to before `to` of a book, in batches. */
  events(mode: Mode, from: number, to: number): AsyncIterable<readonly StoredEvent[]>;
};
