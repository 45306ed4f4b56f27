/**
 * Wallet: one hot address of a tenant on a chain, and who of its sends has which slot.
 *
 *   none ──open──▶ open; a slot: free ──reserve──▶ reserved ──signed──▶ signed ──free──▶ free
 *                                                     └────────────free────────────────▲
 *
 * A slot is what only one transaction can take: a nonce, coins. All sends of a wallet reserve in this one stream, so two
 * that chose the same at once are told apart by one append. One at a time is reserved and not signed: the next chooses its
 * slot when it is known that the one before will be used, and nonces have no gaps that nobody fills.
 *
 * Invariants (each has a property test of the same name):
 *   W1  Two sends never have slots that exclude each other at the same time.
 *   W2  A send has one slot; a repeat is told the first.
 *   W3  At most one slot is reserved and not signed.
 *   W4  Repeating an accepted command at once is accepted again and records nothing.
 */
import type { Mode } from '@daybook/contracts';
import { accept, assert, assertNever, reject, type Decider, type Decision } from '@daybook/core';
import type { AssetCode } from '@daybook/money';
import type { Prepared, SendWallet, Slot, TakenSlot } from '../ports';

export type WalletFields = SendWallet & {
  readonly tenantId: string;
  readonly mode: Mode;
  readonly chain: string;
  /** What fees are paid in; what can be sent from it. */
  readonly feeAsset: AssetCode;
  readonly assets: readonly AssetCode[];
};

export type Reservation = {
  readonly sendId: string;
  readonly prepared: Prepared;
  readonly spends: TakenSlot['spends'];
};

export type WalletCommand =
  | { readonly type: 'OpenWallet'; readonly wallet: WalletFields; readonly at: string }
  | { readonly type: 'RecordWatched'; readonly at: string }
  | ({ readonly type: 'ReserveSlot'; readonly at: string } & Reservation)
  | { readonly type: 'RecordSlotSigned'; readonly sendId: string; readonly at: string }
  /** The send will never be signed, or the chain's final state is past the slot. */
  | { readonly type: 'FreeSlot'; readonly sendId: string; readonly at: string };

export type WalletEvent =
  | { readonly type: 'WalletOpened'; readonly wallet: WalletFields; readonly at: string }
  | { readonly type: 'WalletWatched'; readonly walletId: string; readonly at: string }
  | ({ readonly type: 'SlotReserved'; readonly at: string } & Reservation)
  | { readonly type: 'SlotSigned'; readonly sendId: string; readonly at: string }
  | { readonly type: 'SlotFreed'; readonly sendId: string; readonly at: string };

/** In descending precedence: when several apply, the first listed is returned. */
export type WalletRejection = 'wallet_not_found' | 'wallet_exists_with_different_fields' | 'wallet_busy' | 'slot_taken';

type OpenSlot = Reservation & { readonly signed: boolean };
export type Wallet = {
  readonly wallet: WalletFields;
  readonly watched: boolean;
  /** Of sends that are not final, by send. */
  readonly slots: ReadonlyMap<string, OpenSlot>;
  /** The highest nonce that the chain's final state is past. */
  readonly past: Extract<Slot, { family: 'evm' }> | null;
};
export type WalletState = { readonly wallet: null } | Wallet;

export const hotWallet: Decider<WalletState, WalletCommand, WalletEvent, WalletRejection> = {
  initial: { wallet: null },
  decide,
  evolve,
};

function decide(command: WalletCommand, state: WalletState): Decision<WalletEvent, WalletRejection> {
  const { at } = command;
  if (command.type === 'OpenWallet') {
    const { wallet } = command;
    if (state.wallet === null) return accept({ type: 'WalletOpened', wallet, at });
    return isSameWallet(wallet, state.wallet) ? accept() : reject('wallet_exists_with_different_fields');
  }
  if (state.wallet === null) return reject('wallet_not_found');
  switch (command.type) {
    case 'RecordWatched':
      return state.watched ? accept() : accept({ type: 'WalletWatched', walletId: state.wallet.walletId, at });
    case 'ReserveSlot': {
      const { type: _type, ...reservation } = command;
      if (state.slots.has(command.sendId)) return accept();
      if (isBusy(state)) return reject('wallet_busy');
      const taken = keysTaken(state);
      if (keysOf(command.prepared.slot).some((key) => taken.has(key))) return reject('slot_taken');
      return accept({ type: 'SlotReserved', ...reservation });
    }
    case 'RecordSlotSigned': {
      const { sendId } = command;
      // A slot that is free again was signed long ago.
      return state.slots.get(sendId)?.signed === false ? accept({ type: 'SlotSigned', sendId, at }) : accept();
    }
    case 'FreeSlot': {
      const { sendId } = command;
      return state.slots.has(sendId) ? accept({ type: 'SlotFreed', sendId, at }) : accept();
    }
    default:
      return assertNever(command);
  }
}

/** Total over histories that `decide` can produce; any other means a corrupt store. */
function evolve(state: WalletState, event: WalletEvent): WalletState {
  if (event.type === 'WalletOpened') {
    assert(state.wallet === null, 'a wallet is opened twice');
    return { wallet: event.wallet, watched: false, slots: new Map(), past: null };
  }
  assert(state.wallet !== null, `${event.type} before the wallet was opened`);
  switch (event.type) {
    case 'WalletWatched':
      return { ...state, watched: true };
    case 'SlotReserved': {
      const { sendId, prepared, spends } = event;
      assert(!state.slots.has(sendId), 'a send has two slots');
      return { ...state, slots: new Map(state.slots).set(sendId, { sendId, prepared, spends, signed: false }) };
    }
    case 'SlotSigned': {
      const open = state.slots.get(event.sendId);
      assert(open, 'a slot is signed that nobody has');
      return { ...state, slots: new Map(state.slots).set(event.sendId, { ...open, signed: true }) };
    }
    case 'SlotFreed': {
      const open = state.slots.get(event.sendId);
      assert(open, 'a slot is freed that nobody has');
      const slots = new Map(state.slots);
      slots.delete(event.sendId);
      return { ...state, slots, past: open.signed ? laterOf(state.past, open.prepared.slot) : state.past };
    }
    default:
      return assertNever(event);
  }
}

/** Whether a slot is reserved that may still turn out unused. */
export function isBusy(state: Wallet): boolean {
  return [...state.slots.values()].some(({ signed }) => !signed);
}

/** What others have taken, for choosing another. */
export function takenBut({ slots, past }: Wallet, sendId: string): readonly TakenSlot[] {
  const open = [...slots.values()].filter((each) => each.sendId !== sendId);
  return [
    ...open.map(({ prepared, spends }) => ({ slot: prepared.slot, spends })),
    ...(past === null ? [] : [{ slot: past, spends: [], past: true } as const]),
  ];
}

function laterOf(past: Wallet['past'], slot: Slot): Wallet['past'] {
  return slot.family === 'evm' && slot.nonce > (past?.nonce ?? -1) ? slot : past;
}

function keysTaken(state: Wallet): ReadonlySet<string> {
  return new Set([...state.slots.values()].flatMap(({ prepared }) => keysOf(prepared.slot)));
}

/** What of a slot nothing else can have. A transaction that is bound to a time takes nothing from others. */
export function keysOf(slot: Slot): readonly string[] {
  switch (slot.family) {
    case 'evm':
      return [String(slot.nonce)];
    case 'bitcoin':
      return slot.inputs.map(({ txid, vout }) => `${txid}:${vout}`);
    case 'solana':
    case 'tron':
      return [];
    default:
      return assertNever(slot);
  }
}

function isSameWallet(a: WalletFields, b: WalletFields): boolean {
  return (
    a.walletId === b.walletId &&
    a.tenantId === b.tenantId &&
    a.mode === b.mode &&
    a.chain === b.chain &&
    a.index === b.index &&
    a.address === b.address
  );
}
