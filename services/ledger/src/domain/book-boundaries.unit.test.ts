/** Where a rule ends: the last that is accepted, and the first that is refused. The properties of the book say the rest. */
import { place } from '../../test/book-play';
import type { Entry } from './account';
import { decide } from './book';
import type { BookCommand } from './book-commands';
import { apply, emptyBook } from './book-state';
import { reasonOf } from './verdict';

const alice = '11111111-1111-4111-8111-111111111111';
const bob = '22222222-2222-4222-8222-222222222222';
const january = '2026-01-15T00:00:00.000Z';
const endOfJanuary = '2026-01-31T23:59:59.999Z';
const february = '2026-02-01T00:00:00.000Z';
const now = '2026-02-10T00:00:00.000Z';

/** Own accounts of alice: money, what is owed and what is earned; rupees too. */
const own = (name: string, tenantId = alice) => `acct:${tenantId}:${name}`;
const [cash, owed, earned, rupees] = [own('cash'), own('owed'), own('earned'), own('rupees')];

type Fields = Partial<Extract<BookCommand, { type: 'OpenAccount' }>>;
const open = (accountId: string, fields: Fields = {}): BookCommand => {
  const common = { tenantId: alice, asset: 'TXC', accountType: 'liability', floor: null } as const;
  return { type: 'OpenAccount', accountId, ...common, ...fields };
};

function book(...commands: readonly BookCommand[]) {
  const state = emptyBook();
  const ask = (command: BookCommand) => {
    const verdict = decide(state, command, now);
    const events = verdict.type === 'recorded' ? verdict.events : [];
    for (const event of events) apply(state, event, place(state));
    return { rejection: reasonOf(verdict)?.rejection ?? null, events };
  };
  const accounts = [
    open(cash, { accountType: 'asset' }),
    open(owed, { floor: 0n }),
    open(earned),
    open(rupees, { asset: 'INR' }),
  ];
  for (const command of [...accounts, ...commands]) expect(ask(command).rejection).toBeNull();
  return { ask, asked: (...asked: readonly BookCommand[]) => asked.map((command) => ask(command).rejection) };
}

type Side = readonly [direction: Entry['direction'], accountId: string, amount: bigint, asset?: Entry['asset']];
type Posting = Extract<BookCommand, { type: 'PostTransaction' }>;

const posting = (transactionId: string, sides: readonly Side[], more: Partial<Posting> = {}): Posting => ({
  type: 'PostTransaction',
  transactionId,
  contentHash: transactionId,
  tenantId: alice,
  mode: 'authorizing',
  entries: sides.map(([direction, accountId, amount, asset = 'TXC']) => ({ direction, accountId, amount, asset })),
  effectiveAt: null,
  closedPeriod: 'refuse',
  description: null,
  metadata: null,
  actor: 'alice',
  ...more,
});
const received = (transactionId: string, amount: bigint, more: Partial<Posting> = {}) =>
  posting(
    transactionId,
    [
      ['debit', cash, amount],
      ['credit', owed, amount],
    ],
    more,
  );

const of = (id: string) => ({ contentHash: id, tenantId: alice, actor: 'alice' });
const reversal = (reversalId: string, amount: bigint): BookCommand => {
  return { type: 'ReverseTransaction', reversalId, ...of(reversalId), transactionId: 'p', amount };
};
const capture = (captureId: string, amount: bigint): BookCommand => {
  const fields = { holdId: 'h', creditAccountId: earned, amount, final: false };
  return { type: 'CaptureHold', captureId, ...of(captureId), ...fields };
};

test('entries balance to the unit', () => {
  const sides = (credit: bigint): readonly Side[] => [
    ['debit', cash, 10n],
    ['credit', owed, 4n],
    ['credit', earned, credit],
  ];
  const { asked } = book();
  expect(asked(posting('p', sides(6n)), posting('q', sides(5n)), posting('r', sides(7n)))).toEqual([
    null,
    'entries_unbalanced',
    'entries_unbalanced',
  ]);
});

test('a unit of one asset is no balance for one of another', () => {
  const { asked } = book(open(own('rupees in cash'), { asset: 'INR', accountType: 'asset' }));
  const crossed = posting('p', [
    ['debit', cash, 10n],
    ['credit', rupees, 10n, 'INR'],
  ]);
  const exchange = posting('q', [
    ['debit', cash, 10n],
    ['credit', earned, 10n],
    ['debit', own('rupees in cash'), 7n, 'INR'],
    ['credit', rupees, 7n, 'INR'],
  ]);
  const lopsided = posting('r', [...exchange.entries.map(sideOf).slice(0, 3), ['credit', rupees, 8n, 'INR']]);
  expect(asked(crossed, exchange, lopsided)).toEqual(['entries_unbalanced', null, 'entries_unbalanced']);
});

const sideOf = ({ direction, accountId, amount, asset }: Entry): Side => [direction, accountId, amount, asset];

test('a posting goes down to the floor, and not one unit below', () => {
  const { asked } = book(received('p', 10n));
  const paid = (id: string, amount: bigint) =>
    posting(id, [
      ['debit', owed, amount],
      ['credit', cash, amount],
    ]);
  expect(asked(paid('q', 11n), paid('r', 10n), paid('s', 1n))).toEqual([
    'insufficient_balance',
    null,
    'insufficient_balance',
  ]);
});

test('captures take what the hold holds, and not one unit more', () => {
  const hold = { accountId: owed, asset: 'TXC', amount: 100n, expiresAt: null, metadata: null } as const;
  const { asked } = book(received('p', 200n), { type: 'PlaceHold', holdId: 'h', ...of('h'), ...hold });
  expect(asked(capture('i', 60n), capture('j', 41n), capture('k', 40n), capture('l', 1n))).toEqual([
    null,
    'amount_exceeds_remaining',
    null,
    'hold_closed',
  ]);
});

test('a transaction is taken back to the last unit, and not one more', () => {
  const { asked } = book(received('p', 10n), received('more', 10n));
  expect(asked(reversal('i', 6n), reversal('j', 5n), reversal('k', 4n), reversal('l', 1n))).toEqual([
    null,
    'amount_exceeds_remaining',
    null,
    'transaction_already_reversed',
  ]);
});

describe('a period that is closed', () => {
  const close: BookCommand = {
    type: 'ClosePeriod',
    closeId: 'close',
    contentHash: 'close',
    through: endOfJanuary,
    actor: 'op',
  };

  test('takes nothing more, up to its last instant', () => {
    const { asked } = book(close);
    const at = (id: string, effectiveAt: string) => received(id, 1n, { effectiveAt });
    expect(asked(at('p', january), at('q', endOfJanuary), at('r', february))).toEqual([
      'period_closed',
      'period_closed',
      null,
    ]);
  });

  test('sends what is late to the first instant that is open, under the name of its own', () => {
    const { ask } = book(close);
    const late = ask(received('p', 1n, { effectiveAt: january, closedPeriod: 'adjust' }));
    expect(late.events).toMatchObject([{ effectiveAt: february, adjustmentFor: january }]);
    const early = ask(received('q', 1n, { effectiveAt: february, closedPeriod: 'adjust' }));
    expect(early.events).toMatchObject([{ effectiveAt: february, adjustmentFor: null }]);
  });
});

test('what happened by a clock that is up to five seconds ahead happened now', () => {
  const { ask } = book();
  const ahead = (id: string, ms: number) =>
    ask(received(id, 1n, { effectiveAt: new Date(Date.parse(now) + ms).toISOString() }));
  for (const ms of [1, 5_000])
    expect(ahead(`p${ms}`, ms)).toMatchObject({ rejection: null, events: [{ effectiveAt: now, adjustmentFor: null }] });
  expect(ahead('q', 5_001).rejection).toBe('effective_in_future');
});

test("a tenant posts to its own books, and to nobody else's", () => {
  const [bobs, wallet] = [own('cash', bob), 'wallet-alice'];
  const { asked } = book(open(bobs, { tenantId: bob }), open(wallet, { floor: 0n }));
  const to = (id: string, accountId: string) =>
    posting(id, [
      ['debit', cash, 1n],
      ['credit', accountId, 1n],
    ]);
  expect(asked(to('p', owed), to('q', bobs), to('r', wallet))).toEqual([
    null,
    'account_not_found',
    'account_not_found',
  ]);
});
