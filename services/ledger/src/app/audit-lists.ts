/** The audit calls that list: entries, transactions, lineage, holds and refused commands, a page at a time. */
import {
  getLineage,
  instant,
  listEntries,
  listHolds,
  listRejections,
  searchTransactions,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import { refusalOf } from './books';
import { cursorOf, keyOf, listOf, pageOf } from './cursor';

type Value<Call> = Extract<CallOutcome<Call>, { ok: true }>['value'];
type Answer<Call> = (request: CallRequest<Call>) => Promise<CallOutcome<Call>>;

/** Where a page begins: behind this row. `postedAt` finds it fast. */
export type Place = { readonly postedAt: string; readonly sequence: bigint; readonly index: number };

/** `limit` is one more than the page has, to see whether there is another. */
type Query<Call> = Omit<CallRequest<Call>, 'cursor'> & { readonly after: Place | null };
export type EntriesQuery = Query<typeof listEntries>;
export type SearchQuery = Query<typeof searchTransactions>;
export type LineageQuery = Query<typeof getLineage>;
export type HoldsQuery = Query<typeof listHolds>;
export type RejectionsQuery = Query<typeof listRejections>;

type Found<Call> = Omit<Value<Call>, 'nextCursor'>;

export type AuditLists = {
  findEntries(query: EntriesQuery): Promise<Found<typeof listEntries>>;
  findTransactions(query: SearchQuery): Promise<Found<typeof searchTransactions>>;
  /** Undefined when the asker has no such account. */
  findLineage(query: LineageQuery): Promise<Found<typeof getLineage> | undefined>;
  findHolds(query: HoldsQuery): Promise<Found<typeof listHolds>>;
  findRejections(query: RejectionsQuery): Promise<Found<typeof listRejections>>;
};

export function entriesPage({ findEntries }: AuditLists): Answer<typeof listEntries> {
  return async (request) => {
    const list = listOf(listEntries.name, request);
    const query = queryOf(list, request);
    if (query === undefined) return refusalOf(listEntries, 'cursor_invalid');
    const found = await findEntries(query);
    const { rows, last } = pageOf(found.entries, request.limit);
    const nextCursor = last && cursorAt(list, last.postedAt, last.sequence, last.entryIndex);
    return { ok: true, value: { ...found, entries: [...rows], nextCursor } };
  };
}

export function transactionsPage({ findTransactions }: AuditLists): Answer<typeof searchTransactions> {
  return async (request) => {
    const list = listOf(searchTransactions.name, request);
    const query = queryOf(list, request);
    if (query === undefined) return refusalOf(searchTransactions, 'cursor_invalid');
    const found = await findTransactions(query);
    const { rows, last } = pageOf(found.transactions, request.limit);
    const nextCursor = last && cursorAt(list, last.postedAt, last.sequence);
    return { ok: true, value: { ...found, transactions: [...rows], nextCursor } };
  };
}

export function lineagePage({ findLineage }: AuditLists): Answer<typeof getLineage> {
  return async (request) => {
    const list = listOf(getLineage.name, request);
    const query = queryOf(list, request);
    if (query === undefined) return refusalOf(getLineage, 'cursor_invalid');
    const found = await findLineage(query);
    if (found === undefined) return refusalOf(getLineage, 'account_not_found');
    const { rows, last } = pageOf(found.hops, request.limit);
    const nextCursor = last && cursorAt(list, last.entry.postedAt, last.entry.accountVersion);
    return { ok: true, value: { ...found, hops: [...rows], nextCursor } };
  };
}

export function holdsPage({ findHolds }: AuditLists): Answer<typeof listHolds> {
  return async (request) => {
    const list = listOf(listHolds.name, request);
    const query = queryOf(list, request);
    if (query === undefined) return refusalOf(listHolds, 'cursor_invalid');
    const found = await findHolds(query);
    const { rows, last } = pageOf(found.holds, request.limit);
    return {
      ok: true,
      value: { ...found, holds: [...rows], nextCursor: last && cursorAt(list, last.placedAt, last.placedSequence) },
    };
  };
}

export function rejectionsPage({ findRejections }: AuditLists): Answer<typeof listRejections> {
  return async (request) => {
    const list = listOf(listRejections.name, request);
    const query = queryOf(list, request);
    if (query === undefined) return refusalOf(listRejections, 'cursor_invalid');
    const found = await findRejections(query);
    const { rows, last } = pageOf(found.rejections, request.limit);
    return {
      ok: true,
      value: { ...found, rejections: [...rows], nextCursor: last && cursorAt(list, last.at, last.sequence) },
    };
  };
}

type Paged = { readonly cursor: string | null; readonly limit: number };

/** Undefined when the cursor is not one of this list. */
function queryOf<Request extends Paged>(list: string, { cursor, ...request }: Request) {
  const after = cursor === null ? null : placeOf(list, cursor);
  return after === undefined ? undefined : { ...request, limit: request.limit + 1, after };
}

function cursorAt(list: string, postedAt: string, sequence: number, index = 0): string {
  return cursorOf(list, [postedAt, sequence, index].join(' '));
}

const placePattern = /^(\S+) (0|[1-9]\d{0,17}) (0|[1-9]\d{0,8})$/;

function placeOf(list: string, cursor: string): Place | undefined {
  const [, postedAt, sequence, index] = placePattern.exec(keyOf(list, cursor) ?? '') ?? [];
  if (sequence === undefined || !instant.safeParse(postedAt).success) return undefined;
  return { postedAt: postedAt ?? '', sequence: BigInt(sequence), index: Number(index) };
}
