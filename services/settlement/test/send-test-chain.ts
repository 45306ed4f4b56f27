import type { AssetCode } from '@daybook/money';
import type { Prepared, SendChain, SendWallet, Slot } from '../src/ports';
import type { Asked, LyingWire } from './lying-wire';

export type SignedBytes = { readonly transactionId: string; readonly bytes: string };

/** A chain that a test sends on, with its wallet's key, and that it mines and reorganises. */
export type SendTestChain = {
  readonly name: string;
  readonly wallet: SendWallet;
  readonly native: AssetCode;
  /** An amount of the native asset that can be paid to anybody, with room in the wallet for a hundred of it. */
  readonly amount: bigint;
  readonly token?: { readonly asset: AssetCode; readonly amount: bigint };
  /** Blocks that make a transaction final, its own included. */
  readonly finality: number;
  /** Blocks in which a transaction that was prepared now can be included; none if it never expires. */
  readonly lifetime?: number;
  /** A new connection through the wire, as after a restart. */
  connect(): Promise<SendChain>;
  readonly wire: LyingWire;
  /** A request that gives bytes to the network. */
  isBroadcast(asked: Asked): boolean;
  /** What the node answers to bytes that it already has, where it says so. */
  readonly alreadyKnown?: (answer: string) => string;
  /** Has the node's indexes know of no transaction. Its blocks are what they are. */
  forgetful(): void;
  /** Has its blocks, too, come without what is in them, where a block can be told like that. */
  readonly bodiless?: () => void;
  newAddress(): Promise<string>;
  /** By the chain itself, not through a sender. */
  receivedBy(address: string, asset: AssetCode): Promise<bigint>;
  held(asset: AssetCode): Promise<bigint>;
  sign(sendId: string, transaction: Prepared['transaction']): Promise<SignedBytes>;
  mine(blocks: number): Promise<void>;
  /** Replaces the newest blocks; what was in them is gone until it is sent again. */
  drop(depth: number): Promise<void>;
  /** Mines another transaction that takes the slot. A chain where slots only expire has none. */
  readonly takeSlot?: (slot: Slot) => Promise<void>;
  /** Sees to it that a payment of the token that was given fails where it is included. */
  readonly failNext?: () => Promise<void>;
  stop(): Promise<void>;
};
