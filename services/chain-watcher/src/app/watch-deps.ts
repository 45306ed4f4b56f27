import { OperationalError } from '@daybook/core';
import type { CommandContext, Outcome } from '@daybook/event-store';
import type { AssetCode } from '@daybook/money';
import { currentCorrelation, uuidv7, type Clock, type Logger } from '@daybook/runtime';
import type { FinalityRule } from '../domain/confirmation';
import type { Deposit, DepositCommand, DepositEvent, DepositRejection, DepositState } from '../domain/deposit';
import type { BlockCursor, ChainSource } from '../ports';
import type { DepositPlace } from '../projections/deposits';
import type { Watchlist } from './watchlist';

/** Going on would mean to guess. The chain stays where it is until someone has looked at it. */
export class ChainHaltedError extends Error {
  override readonly name = 'ChainHaltedError';
}

/** How much is read at once. The window is the watcher's to change as the source bears it. */
export type Pace = {
  window: number;
  readonly windowMax: number;
  /** Blocks scanned before confirmations are looked at again and the caller gets the word. */
  readonly blocksPerPass: number;
};

export const steadyPace = (): Pace => ({ window: 8, windowMax: 64, blocksPerPass: 256 });

/** Other providers of the chain. A deposit of `above` or more is credited only if most of all providers tell it. */
export type Witnesses = {
  readonly sources: readonly ChainSource[];
  readonly above: Readonly<Partial<Record<AssetCode, bigint>>>;
};

export type WatchDeps = {
  readonly source: ChainSource;
  readonly witnesses: Witnesses;
  readonly cursor: BlockCursor;
  readonly watchlist: Watchlist;
  readonly rule: FinalityRule;
  readonly pace: Pace;
  /** First block ever scanned; undefined is the newest that is final at that moment. */
  readonly startBlock: number | undefined;
  readonly now: Clock;
  readonly logger: Logger;
  handle(
    stream: string,
    command: DepositCommand,
    context: CommandContext,
  ): Promise<Outcome<DepositState, DepositEvent, DepositRejection>>;
  /** Resolves when the projections contain everything that was appended before. */
  caughtUp(): Promise<void>;
  depositsAbove(number: number): Promise<readonly DepositPlace[]>;
  depositsSeenUpTo(number: number): Promise<readonly (DepositPlace & { readonly canonicalHash: string | null })[]>;
  /** Reverted, and yet a block that they were in is one of the cursor: as they were in it. */
  depositsRevertedInCursor(): Promise<readonly Deposit[]>;
};

export function sourceFailed(detail: string): OperationalError {
  return new OperationalError('upstream_unavailable', true, { detail });
}

/**
 * Decides about a deposit in a block of the chain. A refusal contradicts what was believed, so it halts the chain; except
 * where another watcher has the deposit in a block that it is about to join, or has reverted it before it takes the cursor
 * back, or where its block has been read again as it is about to be confirmed.
 */
export async function decide(
  deps: WatchDeps,
  depositId: string,
  what: string,
  command: DepositCommand,
  blockHash: string,
): Promise<void> {
  const outcome = await deps.handle(`deposit-${depositId}`, command, contextOf(deps, depositId));
  if (outcome.ok) return;
  const halted = new ChainHaltedError(
    `cannot ${what} deposit ${depositId} in block ${blockHash}: ${outcome.rejection}`,
  );
  const { rejection, state } = outcome;
  if (rejection === 'deposit_not_in_a_block') throw overtaken(halted);
  if (rejection === 'deposit_exists_with_different_fields' && state.status === 'seen') throw overtaken(halted);
  if (rejection === 'deposit_in_another_block' && !(await isJoined(deps, state))) throw overtaken(halted);
  throw halted;
}

/** Deposits are recorded before their block joins the cursor, so two watchers may record one in two blocks at once. */
async function isJoined({ cursor }: WatchDeps, state: DepositState): Promise<boolean> {
  return state.status !== 'none' && (await cursor.hashAt(state.deposit.blockNumber)) === state.deposit.blockHash;
}

/** What looked like a contradiction is another watcher's work on newer blocks. */
export function overtaken({ message }: ChainHaltedError): OperationalError {
  return new OperationalError('version_conflict', true, { detail: `another watcher was first: ${message}` });
}

/** Its own for each attempt: two that race carry different times, and the store must see two commands, not one. */
export function contextOf(deps: WatchDeps, depositId: string): CommandContext {
  return { commandId: uuidv7(deps.now()), ...currentCorrelation(depositId) };
}

export const now = (deps: WatchDeps) => deps.now().toISOString();
