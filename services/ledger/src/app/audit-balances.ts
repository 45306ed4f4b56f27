/** The audit calls about balances: at a moment by both clocks, by day, over all accounts, and as a statement. */
import {
  getBalanceAsOf,
  getStatement,
  type getTrialBalance,
  instant,
  listDailyBalances,
  type CallOutcome,
  type CallRequest,
} from '@daybook/contracts';
import { refusalOf } from './books';
import { cursorOf, keyOf, listOf } from './cursor';
import { timeZoneOf } from './time-zone';

type Value<Call> = Extract<CallOutcome<Call>, { ok: true }>['value'];
type Answer<Call> = (request: CallRequest<Call>) => Promise<CallOutcome<Call>>;

export type BalanceQuery = CallRequest<typeof getBalanceAsOf>;
export type TrialBalanceQuery = CallRequest<typeof getTrialBalance>;
export type DailyBalancesQuery = CallRequest<typeof listDailyBalances>;

/** Behind which entry a page begins, in the order of the effective clock. */
export type StatementPlace = {
  readonly effectiveAt: string;
  readonly sequence: bigint;
  readonly entryIndex: number;
  /** Last event that the first page knew: others may be recorded in the same millisecond. */
  readonly mark: bigint;
};
export type StatementQuery = Omit<CallRequest<typeof getStatement>, 'cursor'> & {
  readonly after: StatementPlace | null;
};
export type Statement = Omit<Value<typeof getStatement>, 'nextCursor'>;

export type AuditBalances = {
  /** Whether the database can tell by this name when a day begins. */
  knowsTimeZone(name: string): Promise<boolean>;
  /** Undefined when the asker has no such account; so too below. */
  findBalance(query: BalanceQuery): Promise<Value<typeof getBalanceAsOf> | undefined>;
  findTrialBalance(query: TrialBalanceQuery): Promise<Value<typeof getTrialBalance>>;
  findDailyBalances(query: DailyBalancesQuery): Promise<Value<typeof listDailyBalances> | undefined>;
  /** `limit` is one more than the page has, to see whether there is another. */
  findStatement(query: StatementQuery): Promise<Statement | undefined>;
};

export function balanceAsOf({ findBalance }: AuditBalances): Answer<typeof getBalanceAsOf> {
  return async (request) => {
    const value = await findBalance(request);
    return value === undefined ? refusalOf(getBalanceAsOf, 'account_not_found') : { ok: true, value };
  };
}

export function trialBalance({ findTrialBalance }: AuditBalances): Answer<typeof getTrialBalance> {
  return async (request) => ({ ok: true, value: await findTrialBalance(request) });
}

const daysMax = 400;
const statementDaysMax = 4_000;

export function dailyBalances(balances: AuditBalances): Answer<typeof listDailyBalances> {
  return async (request) => {
    const timeZone = await knownZone(balances, request.timeZone);
    if (timeZone === undefined) return refusalOf(listDailyBalances, 'time_zone_unknown');
    if (!isPeriod(request, daysMax)) return refusalOf(listDailyBalances, 'period_invalid');
    const value = await balances.findDailyBalances({ ...request, timeZone });
    return value === undefined ? refusalOf(listDailyBalances, 'account_not_found') : { ok: true, value };
  };
}

/**
 * Every page repeats opening and closing. The cursor carries what the first page knew, so that all of them add up, also
 * when something is recorded meanwhile for a moment in the period.
 */
export function statement(balances: AuditBalances): Answer<typeof getStatement> {
  return async (asked) => {
    const { cursor, ...request } = asked;
    const list = listOf(getStatement.name, asked);
    const timeZone = await knownZone(balances, request.timeZone);
    if (timeZone === undefined) return refusalOf(getStatement, 'time_zone_unknown');
    if (!isPeriod(request, statementDaysMax)) return refusalOf(getStatement, 'period_invalid');
    const place = cursor === null ? null : placeOf(list, cursor);
    if (place === undefined) return refusalOf(getStatement, 'cursor_invalid');
    const knownAt = place === null ? request.knownAt : place.knownAt;
    const found = await balances.findStatement({
      ...request,
      timeZone,
      limit: request.limit + 1,
      knownAt,
      after: place,
    });
    if (found === undefined) return refusalOf(getStatement, 'account_not_found');
    const entries = found.entries.slice(0, request.limit);
    const last = found.entries.length > request.limit ? entries.at(-1) : undefined;
    const known = [earlier(knownAt, found.watermark.at), place?.mark ?? found.watermark.sequence];
    const nextCursor =
      last === undefined
        ? null
        : cursorOf(list, [...known, last.effectiveAt, last.sequence, last.entryIndex].join(' '));
    return { ok: true, value: { ...found, entries, nextCursor } };
  };
}

/** What a page knows is what there was: nobody may ask for what is recorded after it. */
function earlier(knownAt: string | null, watermark: string | null): string {
  const recorded = watermark ?? '';
  return knownAt !== null && Date.parse(knownAt) < Date.parse(recorded) ? knownAt : recorded;
}

/** As the database is to be told; undefined when nobody can tell by that name when a day begins. */
async function knownZone({ knowsTimeZone }: AuditBalances, name: string): Promise<string | undefined> {
  const timeZone = timeZoneOf(name);
  return timeZone !== undefined && (await knowsTimeZone(timeZone)) ? timeZone : undefined;
}

function isPeriod({ from, to }: { readonly from: string; readonly to: string }, max: number): boolean {
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000;
  return days > 0 && days <= max;
}

const placePattern = /^(\S+) (0|[1-9]\d{0,17}) (\S+) (0|[1-9]\d{0,17}) (0|[1-9]\d{0,8})$/;

function placeOf(list: string, cursor: string): (StatementPlace & { readonly knownAt: string }) | undefined {
  const [, knownAt = '', mark = '', effectiveAt = '', sequence = '', entryIndex] =
    placePattern.exec(keyOf(list, cursor) ?? '') ?? [];
  if (!instant.safeParse(knownAt).success || !instant.safeParse(effectiveAt).success) return undefined;
  const place = { effectiveAt, sequence: BigInt(sequence), entryIndex: Number(entryIndex) };
  return { ...place, knownAt, mark: BigInt(mark) };
}
