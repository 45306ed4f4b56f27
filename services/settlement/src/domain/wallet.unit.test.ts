import fc from 'fast-check';
import type { Prepared, Slot } from '../ports';
import { hotWallet, takenBut, type WalletCommand, type WalletFields, type WalletState } from './wallet';
import { walletFunding, type FundingCommand } from './wallet-funding';
import { walletRegistry } from './wallet-registry';

const at = '2026-03-01T10:00:00.000Z';
const wallet: WalletFields = {
  walletId: 'w',
  family: 'evm',
  index: 0,
  address: '0xA',
  publicKey: '02',
  tenantId: 't',
  mode: 'sandbox',
  chain: 'evm-1',
  feeAsset: 'ETH',
  assets: ['ETH'],
};
const open: WalletCommand = { type: 'OpenWallet', wallet, at };

const slot: fc.Arbitrary<Slot> = fc.oneof(
  fc.nat(3).map((nonce): Slot => ({ family: 'evm', nonce, sinceBlock: 0 })),
  fc.uniqueArray(fc.nat(3), { minLength: 1, maxLength: 3 }).map((vouts): Slot => {
    return { family: 'bitcoin', inputs: vouts.map((vout) => ({ txid: 'a', vout, amount: '1' })), sinceBlock: 0 };
  }),
);
const sendId = fc.constantFrom('a', 'b', 'c', 'd');
const command: fc.Arbitrary<WalletCommand> = fc.oneof(
  fc.record({ sendId, slot }).map(({ sendId: id, slot: of }): WalletCommand => {
    const prepared: Prepared = { transaction: {}, slot: of, maxFee: 1n };
    return { type: 'ReserveSlot', sendId: id, prepared, spends: [], at };
  }),
  sendId.map((id): WalletCommand => ({ type: 'RecordSlotSigned', sendId: id, at })),
  sendId.map((id): WalletCommand => ({ type: 'FreeSlot', sendId: id, at })),
  fc.constant<WalletCommand>({ type: 'RecordWatched', at }),
);

/** Every state on the way, with what was recorded. */
function play(commands: readonly WalletCommand[], look: (state: WalletState, before: WalletState) => void): void {
  let state: WalletState = hotWallet.initial;
  for (const each of [open, ...commands]) {
    const before = state;
    const decision = hotWallet.decide(each, state);
    if (decision.ok) state = decision.events.reduce(hotWallet.evolve, state);
    look(state, before);
    const again = hotWallet.decide(each, state);
    if (decision.ok) expect(again).toEqual({ ok: true, events: [] });
  }
}

const opened = (state: WalletState) => {
  if (state.wallet === null) throw new Error('not open');
  return state;
};
const commands = fc.array(command, { maxLength: 30, size: 'max' });
const placesOf = (of: Slot) =>
  of.family === 'evm' ? [`${of.nonce}`] : of.family === 'bitcoin' ? of.inputs.map(({ txid, vout }) => txid + vout) : [];

test('W1: two sends never have slots that exclude each other', () => {
  fc.assert(
    fc.property(commands, (all) => {
      play(all, (state) => {
        const keys = [...opened(state).slots.values()].flatMap(({ prepared }) => placesOf(prepared.slot));
        expect(new Set(keys).size).toBe(keys.length);
      });
    }),
  );
});

test('W2: a send has one slot until it is freed', () => {
  fc.assert(
    fc.property(commands, (all) => {
      play(all, (state, before) => {
        if (before.wallet === null) return;
        for (const [id, { prepared }] of opened(state).slots) {
          const had = before.slots.get(id);
          if (had !== undefined) expect(prepared).toBe(had.prepared);
        }
      });
    }),
  );
});

test('W3: at most one slot is reserved and not signed', () => {
  fc.assert(
    fc.property(commands, (all) => {
      play(all, (state) => {
        expect([...opened(state).slots.values()].filter(({ signed }) => !signed).length).toBeLessThanOrEqual(1);
      });
    }),
  );
});

test('W4: repeating an accepted command at once is accepted again and records nothing', () => {
  fc.assert(fc.property(commands, (all) => play(all, () => undefined)));
});

test('a nonce that was signed and is past is told to whoever chooses another; one that was not is free', () => {
  const reserve = (id: string, nonce: number): WalletCommand => {
    const prepared = { transaction: {}, slot: { family: 'evm', nonce, sinceBlock: 0 }, maxFee: 1n } as const;
    return { type: 'ReserveSlot', sendId: id, prepared, spends: [], at };
  };
  let last: WalletState = hotWallet.initial;
  const free = (id: string): WalletCommand => ({ type: 'FreeSlot', sendId: id, at });
  play(
    [reserve('a', 4), { type: 'RecordSlotSigned', sendId: 'a', at }, free('a'), reserve('b', 9), free('b')],
    (state) => {
      last = state;
    },
  );
  expect(takenBut(opened(last), 'c')).toMatchObject([{ slot: { nonce: 4 }, spends: [], past: true }]);
});

test('R1: a wallet has one place for ever, and no two have the same', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 20 }), (ids) => {
      let state = walletRegistry.initial;
      for (const walletId of ids) {
        const before = state.get(walletId);
        const decision = walletRegistry.decide({ type: 'RegisterWallet', walletId, at }, state);
        if (decision.ok) state = decision.events.reduce(walletRegistry.evolve, state);
        if (before !== undefined) expect(state.get(walletId)).toBe(before);
      }
      expect([...state.values()].toSorted((a, b) => a - b)).toEqual([...state.keys()].map((_, index) => index));
    }),
  );
});

const funding = {
  depositId: 'd',
  walletId: 'w',
  tenantId: 't',
  mode: 'sandbox',
  chain: 'c',
  asset: 'ETH',
  amount: 5n,
  receipt: { transactionId: 'TX1', number: 2, hash: '0x1', toAddress: '0x2', blockNumber: 3 },
} as const;
const { receipt: _receipt, ...sweep } = funding;
const claim = { transactionId: '0x1', walletId: 'w', sendId: 's' };

test.each<[string, FundingCommand, FundingCommand]>([
  [
    'F1: a deposit funds a wallet at most once',
    { type: 'RecordFunding', funding, at },
    { type: 'RecordFunding', funding: { ...funding, amount: 6n }, at },
  ],
  [
    'F2: a transaction is claimed once, for one wallet',
    { type: 'ClaimTransaction', claim, at },
    { type: 'ClaimTransaction', claim: { ...claim, walletId: 'v' }, at },
  ],
  [
    'F3: what came to a wallet is a deposit or a sweep, and a sweep is received at most once',
    { type: 'RecordSweep', sweep, at },
    { type: 'RecordSweep', sweep: { ...sweep, walletId: 'v' }, at },
  ],
  ['F3: what is a sweep is no deposit', { type: 'RecordSweep', sweep, at }, { type: 'RecordFunding', funding, at }],
  ['F3: what is a deposit is no sweep', { type: 'RecordFunding', funding, at }, { type: 'RecordSweep', sweep, at }],
])('%s', (_title, first, other) => {
  const decision = walletFunding.decide(first, walletFunding.initial);
  const state = decision.ok
    ? decision.events.reduce(walletFunding.evolve, walletFunding.initial)
    : walletFunding.initial;
  expect(decision).toMatchObject({ ok: true, events: [expect.anything()] });
  expect(walletFunding.decide(first, state)).toEqual({ ok: true, events: [] });
  expect(walletFunding.decide(other, state)).toEqual({ ok: false, rejection: 'recorded_differently' });
  // A repeat has a number of its own, and the first one stays.
  const again: FundingCommand = { type: 'RecordFunding', funding: { ...funding, receipt: null }, at };
  if (first.type === 'RecordFunding') expect(walletFunding.decide(again, state)).toEqual({ ok: true, events: [] });
});
