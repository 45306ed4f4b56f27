import type { AssetCode } from '@daybook/money';
import type { AddressFamily } from './domain/address';
import type { BlockReference, LinkedBlock } from './domain/reorg';

export type Transfer = {
  readonly transactionId: string;
  /** Place inside the transaction; never depends on the block, so that it survives a reorg. */
  readonly index: number;
  readonly asset: AssetCode;
  /** As it was allocated: compared and stored in the chain's one canonical spelling. */
  readonly to: string;
  /** Positive: transfers of nothing are left out. */
  readonly amount: bigint;
  /** The watched addresses that spent it, as far as the chain tells: nothing came that somebody else paid. */
  readonly spenders: readonly string[];
};

export type ChainBlock = LinkedBlock & { readonly transfers: readonly Transfer[] };

/** The addresses whose transfers are wanted, in the chain's canonical spelling. */
export type WatchedAddresses = { has(address: string): boolean };

/**
 * Port: one chain as one node tells it. Throws OperationalError `upstream_unavailable` or `upstream_timeout` when the
 * node does not answer or contradicts itself, and ChainRefusedError when it serves another chain than the configured.
 * Numbers grow from block to block; on chains with slots they may skip some. What links blocks is the hash.
 */
export interface ChainSource {
  readonly chain: string;
  /** Checks that the node serves the configured chain. Called before anything else, and again after an outage. */
  verify(): Promise<void>;
  /**
   * Why nothing may be credited in this asset now: its contract is not what it is pinned to, or does not tell. Undefined
   * while nothing speaks against it. Asked again before deposits of it are credited: a contract may be replaced.
   */
  faultOf(asset: AssetCode): Promise<string | undefined>;
  /** What tells this chain from every other. It never changes. */
  genesisHash(): Promise<string>;
  head(): Promise<BlockReference>;
  /** The newest block that is final by the chain's own rule. Undefined where there is no such mark and depth decides. */
  finalized(): Promise<BlockReference | undefined>;
  /** The hash of the block that is canonical at this number now. Undefined when there is none. */
  hashAt(number: number): Promise<string | undefined>;
  /**
   * The canonical blocks above `number`, oldest first and none left out between them, with the effects (not the
   * intentions) of their transactions on the watched addresses. Fewer than `limit` when the chain ends or no more could
   * be read; throws only when not even the first could.
   */
  blocksAfter(number: number, limit: number, watched: WatchedAddresses): Promise<readonly ChainBlock[]>;
  /**
   * The transfers of a block, read anew from where the chain's final state is told. Undefined unless exactly this block
   * is canonical there. A deposit is credited only if it is among them, and spent by the same.
   */
  finalTransfers(block: BlockReference, watched: WatchedAddresses): Promise<readonly Transfer[] | undefined>;
  /** The coin of a chain where some may come in no transaction's body. Absent where balances or outputs tell payments. */
  readonly coin?: {
    readonly asset: AssetCode;
    /**
     * What an address has ever received, by its balance at the end of this block. Undefined where it has spent some, and
     * where the node no longer has that state.
     */
    receivedBy(address: string, block: BlockReference): Promise<bigint | undefined>;
  };
  stop(): Promise<void>;
}

/** The node serves another chain than the configured. Nothing of it may be believed. */
export class ChainRefusedError extends Error {
  override readonly name = 'ChainRefusedError';
}

export type SimulatedDeposit = {
  /** Makes a repeat recognisable, for ever. */
  readonly depositKey: string;
  readonly address: string;
  readonly asset: AssetCode;
  readonly amount: bigint;
};

/** A chain that we mine ourselves. */
export type SimulatedChain = ChainSource & {
  /** Puts the deposit into the next block. A repeat answers with the first one's transaction. */
  deposit(
    deposit: SimulatedDeposit,
  ): Promise<
    | { readonly ok: true; readonly transactionId: string; readonly blockNumber: number }
    | { readonly ok: false; readonly rejection: 'deposit_exists_with_different_fields' }
  >;
  /** Mines an empty block if the newest transfer has fewer confirmations than this. */
  mineUnconfirmed(confirmations: number): Promise<void>;
};

/** What an address holds beyond what its deposits explain, in minor units; below zero it holds less. Never zero. */
export type UnexplainedBalance = {
  readonly address: string;
  readonly reference: string;
  readonly asset: AssetCode;
  readonly amount: bigint;
  readonly blockNumber: number;
};

/** Port: the addresses of one chain, and what is known of their balances. */
export interface BalanceBook {
  /** The next addresses below this place, newest first; null begins with the newest. */
  addressesBelow(
    place: string | null,
    limit: number,
  ): Promise<readonly { readonly place: string; readonly address: string }[]>;
  /** What the deposits of an address in blocks up to this one come to, final or not. */
  explained(address: string, asset: AssetCode, blockNumber: number): Promise<bigint>;
  /** The newest finding about an address takes the place of the one before; zero ends it. True if it is another amount. */
  record(finding: Omit<UnexplainedBalance, 'reference'>): Promise<boolean>;
  /** The largest, at most so many, and how many there are. */
  unexplained(limit: number): Promise<{ readonly count: number; readonly balances: readonly UnexplainedBalance[] }>;
}

/** Derives the address at a place under one key. The same place always gives the same address. */
export type AddressDeriver = {
  readonly family: Exclude<AddressFamily, 'upi'>;
  /** Recognises the key without revealing it. */
  readonly keyId: string;
  addressAt(index: number): Promise<string>;
};

/** Port: the hash-linked blocks of one chain that were scanned, in order and without gaps. */
export interface BlockCursor {
  tip(): Promise<BlockReference | undefined>;
  /** What the chain was told by when the cursor began. */
  genesisHash(): Promise<string | undefined>;
  /** Undefined below the oldest block that is kept, and where the chain has no block. */
  hashAt(number: number): Promise<string | undefined>;
  /** The first block of the cursor. */
  begin(genesisHash: string, block: LinkedBlock): Promise<void>;
  /** Throws OperationalError `version_conflict` unless the blocks link to the tip and to each other. */
  extend(blocks: readonly LinkedBlock[]): Promise<void>;
  /** Newest first. */
  blocks(): Promise<readonly LinkedBlock[]>;
  /** Forgets the blocks above `fork`. Throws OperationalError `version_conflict` unless the tip is `tip`. */
  unwind(tip: BlockReference, fork: BlockReference): Promise<void>;
}
