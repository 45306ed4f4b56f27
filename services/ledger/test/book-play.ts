/** Commands of every kind, on few names and with small amounts, so that they meet; and a book to play them on. */
import fc from 'fast-check';
import type { Entry } from '../src/domain/account';
import { decide } from '../src/domain/book';
import { recordIdsNeeded, type BookCommand } from '../src/domain/book-commands';
import type { BookEvent } from '../src/domain/book-events';
import { apply, emptyBook, type BookState, type WorkingState } from '../src/domain/book-state';
import type { Fact } from '../src/domain/facts';
import type { BookRecord } from '../src/domain/records';
import type { Verdict } from '../src/domain/verdict';

export const tenants = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const;
const [alice, bob] = tenants;

/** Milliseconds of the play as a time of the book. */
export function timeAt(ms: number): string {
  return new Date(Date.UTC(2026, 0, 1) + ms).toISOString();
}

export function place(state: WorkingState) {
  return { sequence: state.length, reference: `0x${state.length.toString(16).padStart(64, '0')}` };
}

/** What accounts there can be. Opening one under another's name is refused. */
type Spec = Omit<Extract<BookCommand, { type: 'OpenAccount' }>, 'type' | 'accountId'>;

export const accounts: Readonly<Record<string, Spec>> = {
  a: { tenantId: alice, asset: 'TXC', accountType: 'liability', floor: 0n },
  b: { tenantId: bob, asset: 'TXC', accountType: 'liability', floor: 0n, asked: { tenantId: null, actor: 'operator' } },
  c: { tenantId: alice, asset: 'TXC', accountType: 'liability', floor: 0n },
  house: { tenantId: null, asset: 'TXC', accountType: 'equity', floor: null },
  costs: { tenantId: null, asset: 'TXC', accountType: 'expense', floor: null, ceiling: 30n },
  rupees: { tenantId: null, asset: 'INR', accountType: 'asset', floor: null },
  [`acct:${alice}:cash`]: { tenantId: alice, asset: 'TXC', accountType: 'asset', floor: null, ceiling: 90n },
  [`acct:${alice}:owed`]: { tenantId: alice, asset: 'TXC', accountType: 'liability', floor: 0n },
  [`acct:${alice}:inr`]: { tenantId: alice, asset: 'INR', accountType: 'income', floor: -20n },
  [`acct:${alice}:inr2`]: { tenantId: alice, asset: 'INR', accountType: 'expense', floor: null },
  [`acct:${bob}:cash`]: { tenantId: bob, asset: 'TXC', accountType: 'asset', floor: null },
  [`acct:${bob}:owed`]: {
    tenantId: bob,
    asset: 'TXC',
    accountType: 'liability',
    floor: 0n,
    ceiling: 60n,
    asked: { tenantId: bob, actor: 'bob' },
  },
};
export const accountNames = Object.keys(accounts);

export function open(accountId: string): BookCommand {
  return { type: 'OpenAccount', accountId, ...accounts[accountId]! };
}

const clearing = `clearing:${alice}:ETH`;
const assetOf = (name: string) => (name === clearing ? 'ETH' : accounts[name]!.asset);

/** Ids are shared between kinds of commands, so that one takes what another needs. */
const ids = (prefix: string, count: number) =>
  fc.constantFrom(...Array.from({ length: count }, (_, index) => `${prefix}${index}`));
const content = fc.constantFrom('h1', 'h1', 'h1', 'h1', 'h2');
const wallet = fc.constantFrom('a' as const, 'b' as const, 'c' as const);
const tenant = fc.constantFrom(...tenants);
const poster = fc.constantFrom(null, null, alice, alice, bob);
const amount = fc.bigInt({ min: 1n, max: 40n });
const someAmount = fc.option(amount, { nil: null, freq: 2 });
const transactionId = ids('x', 8);
const holdId = ids('h', 6);
const transferId = ids('t', 3);
const moment = fc.nat(24).map((tens) => timeAt(tens * 10 - 60));
const laterMoment = fc.nat(30).map((tens) => timeAt(tens * 10));
const actor = fc.constant('op');
const limit = fc.option(fc.bigInt({ min: -40n, max: 60n }), { nil: null, freq: 2 });
const metadata = fc.constantFrom(null, { key: 'value' });
const anyAccount = fc.constantFrom(...accountNames, clearing);

type Leg = { readonly account: string; readonly credit: boolean; readonly amount: bigint };
const leg = fc.record({ account: anyAccount, credit: fc.boolean(), amount });
const entryOf = ({ account, credit, amount: units }: Leg): Entry => ({
  accountId: account,
  asset: assetOf(account),
  direction: credit ? 'credit' : 'debit',
  amount: units,
});

/** Two entries that balance, mostly on accounts that go together. */
const pairs = fc.constantFrom<readonly [string, string]>(
  ['house', 'a'],
  ['a', 'b'],
  ['costs', 'house'],
  ['house', `acct:${bob}:owed`],
  [`acct:${alice}:cash`, `acct:${alice}:owed`],
  [`acct:${alice}:owed`, `acct:${alice}:cash`],
  [`acct:${alice}:inr2`, `acct:${alice}:inr`],
  [`acct:${bob}:cash`, `acct:${bob}:owed`],
  [`acct:${bob}:owed`, `acct:${bob}:cash`],
  ['a', 'rupees'],
);
const pair = fc
  .tuple(pairs, amount)
  .map(([[debit, credit], units]) => [
    entryOf({ account: debit, credit: false, amount: units }),
    { ...entryOf({ account: credit, credit: true, amount: units }) },
  ]);
/** Two currencies, one account twice, or anything at all, which is hardly ever balanced. */
const several = fc.oneof(
  fc.tuple(pair, pair).map(([one, other]) => [...one, ...other]),
  fc.array(leg, { minLength: 1, maxLength: 5 }).map((legs) => legs.map(entryOf)),
);

function commandOf<Type extends BookCommand['type']>(
  type: Type,
  fields: {
    [Field in Exclude<keyof Extract<BookCommand, { type: Type }>, 'type'>]: fc.Arbitrary<
      Extract<BookCommand, { type: Type }>[Field]
    >;
  },
): fc.Arbitrary<BookCommand> {
  return fc.record(fields as Record<string, fc.Arbitrary<unknown>>).map((drawn) => ({ type, ...drawn }) as BookCommand);
}

type DrawnFact = {
  readonly id: string;
  readonly holdId: string;
  readonly feeHoldId: string;
  readonly tenantId: string;
  readonly amount: bigint;
  readonly rest: bigint;
};
const asset = 'ETH';
const ofIntent = ({ tenantId, amount: units }: DrawnFact) =>
  ({ intentId: 'intent', tenantId, asset, amount: units }) as const;
const received = ({ id, tenantId, amount: units, rest }: DrawnFact) =>
  ({ depositId: id, chain: 'evm', intentId: 'intent', tenantId, asset, applied: units, refundable: rest }) as const;
const throughProvider = ({ id, tenantId, amount: units }: DrawnFact) =>
  ({ transactionId: id, gatewayId: 'gateway', tenantId, asset, amount: units }) as const;
const throughBank = ({ id, tenantId, amount: units }: DrawnFact) =>
  ({ transactionId: id, institutionId: 'bank', tenantId, asset, amount: units }) as const;
const atWallet = ({ amount: units }: DrawnFact) => ({ walletId: 'hot', asset, amount: units }) as const;

/** One shape of fact may be of two types. */
type FactOf<Type, Each = Fact> = Each extends Fact ? (Type extends Each['type'] ? Each : never) : never;
/** A fact of every type: one that is added and not drawn here does not compile. */
const facts: { readonly [Type in Fact['type']]: (drawn: DrawnFact) => Omit<FactOf<Type>, 'type'> } = {
  intent_payment: received,
  intent_receipt: (drawn) => ({ ...received(drawn), credited: 1n, held: drawn.amount, suspense: drawn.rest }),
  receipt_move: (drawn) => ({ ...ofIntent(drawn), moveId: drawn.id, from: 'held', to: 'suspense' }),
  intent_underpaid: ofIntent,
  settlement: (drawn) => ({ ...ofIntent(drawn), settlementId: drawn.id }),
  provider_payment: throughProvider,
  provider_payment_return: (drawn) => ({ ...throughProvider(drawn), returnId: drawn.id, transactionId: 'TX' }),
  provider_payment_reinstatement: (drawn) => ({ ...throughProvider(drawn), returnId: drawn.id, transactionId: 'TX' }),
  institution_transfer: (drawn) => ({ ...throughBank(drawn), holdId: drawn.holdId }),
  institution_transfer_return: throughBank,
  chain_send: (drawn) => ({
    ...atWallet(drawn),
    transactionId: drawn.id,
    tenantId: drawn.tenantId,
    amountHoldId: drawn.holdId,
    feeAsset: asset,
    fee: drawn.rest,
    feeHoldId: drawn.feeHoldId,
  }),
  wallet_funding: (drawn) => ({ ...atWallet(drawn), depositId: drawn.id, tenantId: drawn.tenantId }),
  wallet_sweep: (drawn) => ({ ...atWallet(drawn), depositId: drawn.id, chain: 'evm' }),
};

const fact = fc
  .record({
    id: fc.oneof(transactionId, ids('d', 4)),
    contentHash: content,
    type: fc.constantFrom(...(Object.keys(facts) as (keyof typeof facts)[])),
    holdId,
    feeHoldId: holdId,
    tenantId: tenant,
    amount: fc.bigInt({ min: 0n, max: 40n }),
    rest: fc.bigInt({ min: 0n, max: 5n }),
    effectiveAt: moment,
  })
  .map(({ contentHash, effectiveAt, type, ...drawn }): BookCommand => {
    const told = { type, ...facts[type](drawn) } as Fact;
    return { type: 'PostFact', transactionId: drawn.id, contentHash, effectiveAt, fact: told };
  });

const contentHash = content;
const freezing = { accountId: anyAccount, frozen: fc.constantFrom(true, false, false), actor };
const weighted: readonly (readonly [number, fc.Arbitrary<BookCommand>])[] = [
  [4, fc.constantFrom(...accountNames).map(open)],
  [
    1,
    fc
      .tuple(fc.constantFrom(...accountNames), limit, limit)
      .map(([name, floor, ceiling]) => ({ ...open(name), floor, ceiling }) as BookCommand),
  ],
  [
    1,
    commandOf('SetAccountLimits', {
      changeId: ids('l', 9),
      contentHash,
      tenantId: poster,
      accountId: anyAccount,
      floor: limit,
      ceiling: limit,
      actor,
    }),
  ],
  [1, commandOf('SetAccountFrozen', { changeId: fc.constant(null), contentHash: fc.constant(null), ...freezing })],
  [1, commandOf('SetAccountFrozen', { changeId: ids('l', 9), contentHash, ...freezing })],
  [
    2,
    commandOf('IssueFunds', {
      transactionId,
      contentHash,
      accountId: wallet,
      asset: fc.constant('TXC' as const),
      amount,
    }),
  ],
  [3, fact],
  [
    10,
    commandOf('PostTransaction', {
      transactionId: fc.oneof(transactionId, transactionId, ids('y', 40), holdId, ids(`${alice}/ops/x`, 1)),
      contentHash,
      tenantId: poster,
      mode: fc.constantFrom('authorizing', 'authorizing', 'authorizing', 'recording'),
      entries: fc.oneof(pair, pair, pair, several),
      effectiveAt: fc.oneof(fc.constant(null), moment, moment, moment, fc.constant(timeAt(60_000))),
      closedPeriod: fc.constantFrom('refuse', 'adjust'),
      description: fc.constant(null),
      metadata,
      actor,
    }),
  ],
  [
    5,
    commandOf('ReverseTransaction', {
      reversalId: fc.oneof(ids('r', 20), ids(`${alice}/r`, 2)),
      contentHash,
      tenantId: poster,
      transactionId: fc.oneof({ weight: 6, arbitrary: transactionId }, ids('k', 4), transferId, ids(`${alice}/r`, 2)),
      amount: someAmount,
      actor,
    }),
  ],
  [
    4,
    commandOf('AcceptTransfer', {
      transferId,
      contentHash,
      tenantId: tenant,
      debitAccountId: wallet,
      creditAccountId: fc.constantFrom('a', 'b', 'c', 'a', 'b', 'c', 'house'),
      asset: fc.constantFrom('TXC', 'TXC', 'TXC', 'INR'),
      amount,
      referenceId: fc.constant('r'),
      note: fc.constant(null),
    }),
  ],
  [3, commandOf('ConfirmTransfer', { transferId })],
  [1, commandOf('FailTransfer', { transferId, reason: fc.constantFrom('sender_frozen', 'recipient_frozen') })],
  [2, commandOf('ReverseTransfer', { reversalId: ids('v', 12), contentHash, transferId, actor })],
  [
    4,
    commandOf('PlaceHold', {
      holdId,
      contentHash,
      tenantId: poster,
      accountId: anyAccount,
      asset: fc.constantFrom('TXC', 'TXC', 'INR'),
      amount,
      expiresAt: fc.option(laterMoment, { nil: null }),
      metadata,
      actor,
    }),
  ],
  [
    5,
    commandOf('CaptureHold', {
      captureId: fc.oneof(ids('k', 6), transactionId),
      contentHash,
      tenantId: poster,
      holdId,
      amount: someAmount,
      creditAccountId: anyAccount,
      final: fc.boolean(),
      actor,
    }),
  ],
  [2, commandOf('ReleaseHold', { releaseId: ids('q', 6), contentHash, tenantId: poster, holdId, actor })],
  [2, commandOf('ExpireHold', { holdId })],
  [1, commandOf('ClosePeriod', { closeId: ids('p', 8), contentHash, through: moment, actor })],
  [
    1,
    commandOf('SignCheckpoint', {
      checkpointId: ids('s', 8),
      contentHash,
      size: fc.constantFrom(1, 5, 10, 20, 40, 60),
      after: fc.constantFrom(0, 1, 5, 10, 20, 40),
      root: fc.constant('root'),
      keyId: fc.constant('key'),
      checkpoint: fc.constant('text'),
      signature: fc.constant('signature'),
    }),
  ],
];

const anyCommand: fc.Arbitrary<BookCommand> = fc.oneof(
  ...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })),
);

/**
 * A command, and the milliseconds that pass before it. Most commands take an id of their own and refer to something that
 * is there, both by `pick`: as they are drawn, they would seldom meet.
 */
export type Step = { readonly after: number; readonly pick: number; readonly command: BookCommand };

export const anyStep: fc.Arbitrary<Step> = fc.record({
  after: fc.constantFrom(0, 0, 1, 2, 5),
  pick: fc.nat(999),
  command: anyCommand,
});

const ownIds = ['transactionId', 'reversalId', 'transferId', 'holdId', 'captureId', 'releaseId', 'changeId', 'closeId'];

function settled({ pick, command }: Step, index: number, { records }: BookState): BookCommand {
  const fields: Record<string, unknown> = { ...command };
  const own = recordIdsNeeded(command)[0];
  const name = ownIds.find((each) => fields[each] === own);
  if (name !== undefined && 'contentHash' in command && pick % 4 !== 0) fields[name] = `${name}-${index}`;
  const { wants, as } = references[command.type] ?? {};
  const there =
    wants === undefined ? [] : [...records].filter(([, { subject }]) => subject?.type === wants || pick % 11 === 0);
  if (as !== undefined && there.length > 0 && pick % 7 !== 0) fields[as] = there[pick % there.length]![0];
  return fields as BookCommand;
}

type Reference = { readonly wants: NonNullable<BookRecord['subject']>['type']; readonly as: string };
const hold: Reference = { wants: 'hold', as: 'holdId' };
const transfer: Reference = { wants: 'transfer', as: 'transferId' };
const references: { readonly [Type in BookCommand['type']]?: Reference } = {
  CaptureHold: hold,
  ReleaseHold: hold,
  ExpireHold: hold,
  ConfirmTransfer: transfer,
  FailTransfer: transfer,
  ReverseTransfer: transfer,
  ReverseTransaction: { wants: 'transaction', as: 'transactionId' },
};

export type Ruled = { readonly command: BookCommand; readonly at: string; readonly verdict: Verdict };
export type Played = {
  readonly state: BookState;
  readonly log: readonly BookEvent[];
  readonly ruled: readonly Ruled[];
};

/** Opens all accounts, then decides and applies; calls `after` with each command and the state that it left. */
export function play(
  steps: readonly Step[],
  { after: look = () => undefined }: { after?: (ruled: Ruled, state: BookState) => void } = {},
): Played {
  const state = emptyBook();
  const log: BookEvent[] = [];
  let ms = 0;
  const opening = accountNames.map((name) => ({ after: 0, pick: 0, command: open(name) }));
  const ruled = [...opening, ...steps].map((step, index) => {
    ms += step.after;
    const at = timeAt(ms);
    const command = settled(step, index, state);
    const verdict = decide(state, command, at);
    for (const event of verdict.type === 'recorded' ? verdict.events : []) {
      apply(state, event, place(state));
      log.push(event);
    }
    const one = { command, at, verdict };
    look(one, state);
    return one;
  });
  return { state, log, ruled };
}

export function entriesOf(event: BookEvent): readonly Entry[] {
  return 'entries' in event ? event.entries : [];
}
