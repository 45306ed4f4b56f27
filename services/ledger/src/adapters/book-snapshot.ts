/**
 * A book's state as bytes, to start from instead of from its first event: accounts, open records and what else the state
 * holds, in the order in which the state holds them, so that the same history gives the same bytes. Closed records are
 * left out; the record index finds them.
 *
 *   {"format":..,"accounts":..,"records":..,"rest":..}      one line, with the names of the fields of an account
 *   [..]                                                    one line an account: its fields in that order
 *   [id, record]                                            one line an open record
 *
 * An amount is written `{"$n":"123"}`, a map or set `{"$m":[..]}` and `{"$s":[..]}`. An object with a name that begins like
 * these, which a caller's metadata may have, is written `{"$o":[[name, value],..]}`.
 */
import { assert } from '@daybook/core';
import { createHash } from 'node:crypto';
import { cloneAccount, newAccount, type Account } from '../domain/account';
import { emptyBook, type BookState } from '../domain/book-state';
import { cloneRecord, type BookRecord } from '../domain/records';

/** To be raised when the meaning of a field of the state changes, or a record has another field. Other formats are not read: the book is folded anew. */
const snapshotFormat = 2;

/** A state as it was at one moment, while the book goes on. */
export type CapturedState = {
  readonly sequence: number;
  readonly head: string;
  readonly accounts: readonly Account[];
  readonly records: readonly (readonly [string, BookRecord])[];
  readonly rest: Readonly<Record<string, unknown>>;
};

/** Takes about a fifth of a microsecond an account; the rest of the work needs no standstill. */
export function captureState(state: BookState, head: string): CapturedState {
  const { accounts, records, open, ...rest } = state;
  const cloned: Account[] = [];
  for (const account of accounts.values()) cloned.push(cloneAccount(account));
  const openRecords: (readonly [string, BookRecord])[] = [];
  for (const id of open) openRecords.push([id, cloneRecord(records.get(id)!)]);
  return { sequence: state.length, head, accounts: cloned, records: openRecords, rest: structuredClone(rest) };
}

/** The bytes, in parts. `pause` is awaited between parts. */
export async function* snapshotParts(
  { accounts, records, rest }: CapturedState,
  pause: () => Promise<void>,
): AsyncGenerator<Buffer, void, undefined> {
  const first = { format: snapshotFormat, accounts: accounts.length, records: records.length };
  yield Buffer.from(lineOf({ ...first, fields: accountFields, rest }));
  yield* linesOf(accounts, lineOfAccount, pause);
  yield* linesOf(records, lineOf, pause);
}

const linesPerPart = 1_000;
/** The engine stands still for so many. */
const linesPerPause = 50;

async function* linesOf<Item>(
  items: readonly Item[],
  line: (item: Item) => string,
  pause: () => Promise<void>,
): AsyncGenerator<Buffer, void, undefined> {
  let part = '';
  for (let index = 0; index < items.length; index++) {
    if (index % linesPerPause === 0) await pause();
    part += line(items[index]!);
    if ((index + 1) % linesPerPart > 0 && index + 1 < items.length) continue;
    yield Buffer.from(part);
    part = '';
  }
}

const accountFields = Object.keys(
  newAccount(
    { accountId: '', tenantId: null, asset: 'TXC', accountType: 'asset', floor: null, ceiling: null, metadata: null },
    '',
  ),
);

function lineOfAccount(account: Account): string {
  const fields = account as unknown as Record<string, unknown>;
  return lineOf(accountFields.map((name) => fields[name]));
}

function lineOf(value: unknown): string {
  return `${JSON.stringify(plainOf(value))}\n`;
}

function plainOf(value: unknown): unknown {
  if (typeof value === 'bigint') return { $n: value.toString() };
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Map) return { $m: [...value].map(plainOf) };
  if (value instanceof Set) return { $s: [...value].map(plainOf) };
  if (Array.isArray(value)) return value.map(plainOf);
  const fields = Object.entries(value).map(([name, each]): [string, unknown] => [name, plainOf(each)]);
  return fields.some(([name]) => name.startsWith('$')) ? { $o: fields } : Object.fromEntries(fields);
}

function valueOf(plain: unknown): unknown {
  if (typeof plain !== 'object' || plain === null) return plain;
  if (Array.isArray(plain)) return plain.map(valueOf);
  const { $n, $m, $s, $o } = plain as { $n?: string; $m?: unknown[]; $s?: unknown[]; $o?: [string, unknown][] };
  if ($n !== undefined) return BigInt($n);
  if ($m !== undefined) return new Map($m.map(valueOf) as [unknown, unknown][]);
  if ($s !== undefined) return new Set($s.map(valueOf));
  return Object.fromEntries(($o ?? Object.entries(plain)).map(([name, each]) => [name, valueOf(each)]));
}

type FirstLine = {
  readonly format: number;
  readonly accounts: number;
  readonly records: number;
  readonly fields: readonly string[];
  readonly rest: Record<string, unknown>;
};

/** Throws when the bytes are not a snapshot of this build. */
export function restoreState(parts: readonly Buffer[]): BookState {
  // Part by part: all of a large book is more than a string can be.
  const lines = parts.flatMap((part) => part.toString().trimEnd().split('\n'));
  const first = valueOf(JSON.parse(lines[0] ?? 'null')) as FirstLine | null;
  assert(first?.format === snapshotFormat, `a snapshot of format ${first?.format}`);
  assert(first.fields.join() === accountFields.join(), 'a snapshot of other accounts');
  const state = emptyBook();
  assert(Object.keys(first.rest).join() === restOf(state).join(), 'a snapshot of another state');
  assert(lines.length === 1 + first.accounts + first.records, 'a snapshot that is not complete');
  Object.assign(state, first.rest);
  for (const line of lines.slice(1, 1 + first.accounts)) {
    const values = valueOf(JSON.parse(line)) as unknown[];
    const account = Object.fromEntries(accountFields.map((name, index) => [name, values[index]])) as unknown as Account;
    state.accounts.set(account.accountId, account);
  }
  for (const line of lines.slice(1 + first.accounts)) {
    const [id, record] = valueOf(JSON.parse(line)) as [string, BookRecord];
    state.records.set(id, record);
    state.open.add(id);
  }
  return state;
}

function restOf(state: BookState): string[] {
  return Object.keys(state).filter((name) => name !== 'accounts' && name !== 'records' && name !== 'open');
}

/** Of a captured state: the hash of all its bytes. */
export async function hashOfState(captured: CapturedState): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of snapshotParts(captured, async () => undefined)) hash.update(part);
  return hash.digest('hex');
}
