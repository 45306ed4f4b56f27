import { comparedWith, constancyOf, hiddenFrom } from '../src/faults/answers';
import type { Answer, Asked, Attempt } from '../src/faults/clients';
import { idsOf, replay, type Command, type JournalEvent } from '../src/faults/model';
import type { People } from '../src/faults/people';
import type { Operation } from '../src/faults/plan';

const tenantId = '11111111-1111-4111-8111-111111111111';
const people: People = {
  tenantId,
  begunAtMs: 0,
  wallets: [0, 1].map((n) => ({ walletId: `WALLET-${n}`, token: '' })),
  client: {},
  ops: {},
};
const opening = new Map([
  ['WALLET-0', 100n],
  ['WALLET-1', 0n],
]);

const command = (key: string, operation: Operation): Command => ({ key, operation });
const posting = (key: string, debit: string, credit: string, amount: bigint) =>
  command(key, { kind: 'post', debit, credit, amount });
const transfer = (key: string, amount: bigint) => command(key, { kind: 'transfer', from: 0, to: 1, amount });
const idOf = (one: Command) => idsOf(people, one)[0]!;

const posted = (one: Command): JournalEvent => ({ type: 'TransactionPosted', data: { transactionId: idOf(one) } });
const accepted = (one: Command): JournalEvent => ({
  type: 'TransferAccepted',
  data: { transfer: { transferId: idOf(one) } },
});
const confirmed = (one: Command): JournalEvent => ({ ...accepted(one), type: 'TransferConfirmed' });
const refused = (one: Command, rejection = 'insufficient_balance'): JournalEvent => ({
  type: 'CommandRejected',
  data: { commandId: idOf(one), rejection },
});
const event = (type: string, field: string, one: Command): JournalEvent => ({ type, data: { [field]: idOf(one) } });

/** An operation, and what its clients were told. */
function asked({ key, operation }: Command, ...attempts: readonly Attempt[]): Asked {
  const known = attempts.findLast(({ outcome }) => outcome !== 'unknown')?.outcome ?? 'unknown';
  const planned = { key, operation, atMs: 0, again: false };
  return { planned, attempts: [...attempts], outcome: known, wasUnknown: true };
}
const told = (status: number, text = '', body: Answer['body'] = {}): Attempt => ({
  outcome: status < 300 ? 'ok' : status < 500 ? 'failed' : 'unknown',
  answer: { status, text, body },
  fromMs: 0,
  toMs: 0,
});
const toldNo = (status: number, code: string) => told(status, `no: ${code}`, { status, code });
const noMoney = toldNo(422, 'INSUFFICIENT_BALANCE');

function judged(commands: readonly Command[], journal: readonly JournalEvent[], answers: readonly Asked[]) {
  const modelled = replay(people, commands, opening, journal);
  return [...modelled.violations, ...answers.flatMap((each) => comparedWith(modelled, people, each))];
}

describe('the model of a fault run', () => {
  const fund = posting('fund', 'cash', 'customers', 50n);
  const spend = posting('spend', 'customers', 'fees', 30n);
  const pay = transfer('pay', 60n);

  test('finds nothing where everything is as it was told', () => {
    const journal = [posted(fund), posted(spend), accepted(pay), confirmed(pay)];
    expect(
      judged(
        [fund, spend, pay],
        journal,
        [fund, spend, pay].map((each) => asked(each, told(200))),
      ),
    ).toEqual([]);
    const { balances } = replay(people, [fund, spend, pay], opening, journal);
    expect(Object.fromEntries(balances)).toEqual({
      cash: { posted: 50n, held: 0n },
      customers: { posted: 20n, held: 0n },
      fees: { posted: 30n, held: 0n },
      'WALLET-0': { posted: 40n, held: 0n },
      'WALLET-1': { posted: 60n, held: 0n },
    });
  });

  test('finds what was lost, doubled, or done although it was refused', () => {
    expect(judged([fund], [], [asked(fund, told(200))])).toEqual([expect.stringMatching(/^lost: post/)]);
    expect(judged([fund], [posted(fund), posted(fund)], [asked(fund, told(200))])).toEqual([
      expect.stringMatching(/^doubled: post/),
    ]);
    expect(judged([spend], [posted(spend), refused(spend)], [asked(spend, noMoney)])).toEqual([
      expect.stringMatching(/leaves customers with -30/),
      expect.stringMatching(/^refused and done: post/),
    ]);
    expect(judged([fund], [], [asked(fund, told(503))])).toEqual([expect.stringMatching(/^unresolved: post/)]);
    expect(judged([fund, spend], [posted(fund), refused(spend), refused(spend)], [asked(spend, noMoney)])).toEqual([
      expect.stringMatching(/was refused 30 while customers had 50/),
      expect.stringMatching(/was refused 30 while customers had 50/),
      expect.stringMatching(/^doubled: the refusal/),
    ]);
  });

  test('finds a transfer that was never confirmed, and one that was twice', () => {
    expect(judged([pay], [accepted(pay)], [asked(pay, told(200))])).toEqual([
      expect.stringMatching(/confirmed 0 times/),
    ]);
    expect(judged([pay], [accepted(pay), confirmed(pay), confirmed(pay)], [asked(pay, told(200))])).toEqual([
      expect.stringMatching(/confirmed 2 times/),
    ]);
  });

  test('finds what nobody asked for, what leaves less than nothing, and a refusal that was wrong', () => {
    const stranger: JournalEvent = { type: 'TransactionPosted', data: { transactionId: `${tenantId}/other` } };
    expect(judged([fund], [stranger], [])).toEqual([expect.stringMatching(/which nobody asked for/)]);
    expect(judged([spend], [posted(spend)], [])).toEqual([expect.stringMatching(/leaves customers with -30/)]);
    expect(judged([fund, spend], [posted(fund), refused(spend)], [])).toEqual([
      expect.stringMatching(/was refused 30 while customers had 50/),
    ]);
    expect(judged([fund, spend], [refused(spend), posted(fund)], [])).toEqual([]);
  });

  test('follows holds to their captures and releases, and reversals', () => {
    const hold = command('hold', { kind: 'hold', account: 'customers', amount: 40n, expiresAfterMs: null });
    const part = command('part', { kind: 'capture', of: 'hold', credit: 'fees', amount: 15n, final: false });
    const release = command('release', { kind: 'release', of: 'hold' });
    const undo = command('undo', { kind: 'reverse', of: 'part' });
    const journal = [
      posted(fund),
      event('HoldPlaced', 'holdId', hold),
      event('HoldCaptured', 'captureId', part),
      event('HoldReleased', 'releaseId', release),
      event('TransactionReversed', 'reversalId', undo),
    ];
    const all = [fund, hold, part, release, undo];
    const { balances, violations } = replay(people, all, opening, journal);
    expect(violations).toEqual([]);
    expect(balances.get('customers')).toEqual({ posted: 50n, held: 0n });
    expect(balances.get('fees')).toEqual({ posted: 0n, held: 0n });
    expect(replay(people, all, opening, [...journal, journal[2]!]).violations).toEqual([
      expect.stringMatching(/captures 15 of 0/),
    ]);
    expect(replay(people, all, opening, [...journal, journal.at(-1)!]).violations).toEqual([
      expect.stringMatching(/taken back already/),
    ]);
  });

  test('judges an item of an atomic bulk after those before it', () => {
    const items = [
      { debit: 'customers', credit: 'fees', amount: 30n },
      { debit: 'customers', credit: 'fees', amount: 25n },
    ];
    const bulk = command('bulk', { kind: 'bulk', atomic: true, items });
    const second: JournalEvent = {
      type: 'CommandRejected',
      data: { commandId: idsOf(people, bulk)[1], rejection: 'insufficient_balance' },
    };
    expect(judged([fund, bulk], [posted(fund), second], [asked(bulk, noMoney)])).toEqual([]);
    const apart = command('bulk', { kind: 'bulk', atomic: false, items });
    expect(judged([fund, apart], [posted(fund), second], [])).toHaveLength(1);
  });

  test('takes only the refusals that an operation can have', () => {
    const hold = command('hold', { kind: 'hold', account: 'customers', amount: 4n, expiresAfterMs: null });
    const capture = command('part', { kind: 'capture', of: 'hold', credit: 'fees', amount: 1n, final: false });
    const release = command('release', { kind: 'release', of: 'hold' });
    const undo = command('undo', { kind: 'reverse', of: 'fund' });
    const bulk = command('bulk', { kind: 'bulk', atomic: true, items: [] });
    const intent = command('intent', { kind: 'intent', currency: 'UPI', amount: 1n });
    const deposit = command('deposit', { kind: 'deposit', of: 'intent', currency: 'UPI', amount: 1n });
    for (const one of [fund, pay, bulk, hold, capture, release, undo, intent, deposit]) {
      for (const [status, code] of [
        [400, 'INVALID_REQUEST'],
        [401, 'UNAUTHORIZED'],
        [403, 'FORBIDDEN'],
        [404, 'NOT_FOUND'],
        [409, 'IDEMPOTENCY_KEY_REUSED'],
        [429, 'RATE_LIMIT_EXCEEDED'],
        [422, 'INSUFFICIENT'],
        [404, 'INSUFFICIENT_BALANCE'],
      ] as const) {
        const no = toldNo(status, code);
        expect(judged([one], [], [asked(one, no)])).toEqual([expect.stringMatching(`^refused wrongly: .* ${status} `)]);
        expect(judged([one], [], [asked(one, no, told(503))])).toContainEqual(
          expect.stringMatching('^refused wrongly'),
        );
      }
    }
  });

  test('takes a refusal only when it is in the journal, for the same reason', () => {
    const undo = command('undo', { kind: 'reverse', of: 'nothing' });
    const no = toldNo(404, 'TRANSACTION_NOT_FOUND');
    expect(judged([undo], [refused(undo, 'transaction_not_found')], [asked(undo, no)])).toEqual([]);
    expect(judged([undo], [], [asked(undo, no)])).toEqual([expect.stringMatching(/^unrecorded: reverse undo/)]);
    expect(judged([undo], [refused(undo, 'transaction_not_found')], [asked(undo, noMoney)])).toEqual([
      expect.stringMatching(/^unrecorded: reverse undo/),
    ]);
    const error = { code: 'INSUFFICIENT_BALANCE', message: '' };
    const lot = transfer('lot', 101n);
    expect(judged([lot], [refused(lot)], [asked(lot, told(422, '', { error }))])).toEqual([]);
    expect(judged([lot], [], [asked(lot, told(422, '', { error }))])).toEqual([
      expect.stringMatching(/^unrecorded: transfer lot/),
    ]);
  });

  test('takes the refusal of one transaction of a bulk only when it is in the journal', () => {
    const items = [
      { debit: 'cash', credit: 'customers', amount: 10n },
      { debit: 'customers', credit: 'fees', amount: 25n },
    ];
    const bulk = command('bulk', { kind: 'bulk', atomic: false, items });
    const [first = '', second = ''] = idsOf(people, bulk);
    const results = [
      { transaction_id: 'bulk.item0', status: 'posted', code: null },
      { transaction_id: 'bulk.item1', status: 'rejected', code: 'INSUFFICIENT_BALANCE' },
    ];
    const answered = asked(bulk, told(200, '', { results }));
    const there: JournalEvent = { type: 'TransactionPosted', data: { transactionId: first } };
    const no = (commandId: string): JournalEvent => ({
      type: 'CommandRejected',
      data: { commandId, rejection: 'insufficient_balance' },
    });
    expect(judged([bulk], [there, no(second)], [answered])).toEqual([]);
    expect(judged([bulk], [there], [answered])).toEqual([expect.stringMatching(/^unrecorded: bulk.item1/)]);
  });

  test('takes not found, closed and too much only where it agrees', () => {
    const hold = command('hold', { kind: 'hold', account: 'customers', amount: 40n, expiresAfterMs: null });
    const capture = command('part', { kind: 'capture', of: 'hold', credit: 'fees', amount: 15n, final: false });
    const all = command('all', { kind: 'capture', of: 'hold', credit: 'fees', amount: null, final: false });
    const release = command('release', { kind: 'release', of: 'hold' });
    const [undo, again] = ['undo', 'again'].map((key) => command(key, { kind: 'reverse', of: 'fund' })) as [
      Command,
      Command,
    ];
    const commands = [fund, spend, hold, capture, all, release, undo, again];
    const wrong = (...journal: readonly JournalEvent[]) => replay(people, commands, opening, journal).violations;
    const placed = [posted(fund), event('HoldPlaced', 'holdId', hold)];
    const taken = [...placed, event('HoldCaptured', 'captureId', all)];

    expect(wrong(refused(capture, 'hold_not_found'), refused(release, 'hold_not_found'))).toEqual([]);
    expect(wrong(...placed, refused(capture, 'hold_not_found'))).toEqual([expect.stringMatching(/did not find/)]);
    expect(wrong(...taken, refused(release, 'hold_closed'))).toEqual([]);
    expect(wrong(...placed, refused(release, 'hold_closed'))).toEqual([expect.stringMatching(/of which 40 is held/)]);
    expect(wrong(refused(release, 'hold_closed'))).toHaveLength(1);
    expect(wrong(...taken, refused(capture, 'amount_exceeds_remaining'))).toEqual([]);
    expect(wrong(...placed, refused(capture, 'amount_exceeds_remaining'))).toEqual([
      expect.stringMatching(/was refused 15 of 40/),
    ]);
    expect(wrong(refused(undo, 'transaction_not_found'))).toEqual([]);
    expect(wrong(posted(fund), refused(undo, 'transaction_not_found'))).toEqual([
      expect.stringMatching(/did not find/),
    ]);
    const undone = [posted(fund), event('TransactionReversed', 'reversalId', undo)];
    expect(wrong(...undone, refused(again, 'transaction_already_reversed'))).toEqual([]);
    expect(wrong(posted(fund), refused(undo, 'transaction_already_reversed'))).toHaveLength(1);
    expect(wrong(posted(fund), posted(spend), refused(undo))).toEqual([]);
    expect(wrong(posted(fund), refused(undo))).toEqual([
      expect.stringMatching(/was refused 50 while customers had 50/),
    ]);
    expect(wrong(refused(fund))).toEqual([expect.stringMatching(/takes none/)]);
    expect(wrong(refused(spend, 'account_frozen'))).toEqual([expect.stringMatching(/was refused for account_frozen/)]);
  });

  test('takes that a hold is not found without a record only for an amount, and before the hold was answered', () => {
    const hold = command('hold', { kind: 'hold', account: 'customers', amount: 40n, expiresAfterMs: null });
    const capture = (amount: bigint | null) =>
      command('part', { kind: 'capture', of: 'hold', credit: 'fees', amount, final: false });
    const no = toldNo(404, 'HOLD_NOT_FOUND');
    expect(judged([capture(15n)], [], [asked(capture(15n), no)])).toEqual([]);
    expect(judged([capture(null)], [], [asked(capture(null), no)])).toEqual([
      expect.stringMatching(/^unrecorded: capture part/),
    ]);
    expect(constancyOf(asked(capture(15n), no, told(200), told(200)))).toEqual([]);
    expect(constancyOf(asked(capture(15n), told(200), no))).toHaveLength(1);
    expect(constancyOf(asked(capture(null), no, told(200)))).toHaveLength(1);

    const answered = asked(hold, { ...told(200), fromMs: 10, toMs: 20 });
    for (const amount of [15n, null]) {
      const one = capture(amount);
      expect(hiddenFrom([answered, asked(one, { ...no, fromMs: 15, toMs: 30 })])).toEqual([]);
      expect(hiddenFrom([answered, asked(one, { ...no, fromMs: 21, toMs: 30 })])).toHaveLength(1);
    }
    const before = { ...told(503), fromMs: 5, toMs: 8 };
    const after = { ...no, fromMs: 21, toMs: 30 };
    expect(hiddenFrom([answered, asked(capture(null), before, after)])).toEqual([]);
    expect(hiddenFrom([answered, asked(capture(15n), before, after)])).toHaveLength(1);
  });

  test('finds a hold that expired before its time', () => {
    const hold = command('hold', { kind: 'hold', account: 'customers', amount: 40n, expiresAfterMs: 3_600_000 });
    const journal = [posted(fund), event('HoldPlaced', 'holdId', hold), event('HoldExpired', 'holdId', hold)];
    expect(judged([fund, hold], journal, [asked(hold, told(200))])).toEqual([expect.stringMatching(/hold expired/)]);
  });

  test('finds an answer that changed, whatever it was', () => {
    expect(constancyOf(asked(fund, told(503), told(200, 'a'), told(503), told(200, 'a')))).toEqual([]);
    expect(constancyOf(asked(fund, told(200, 'a'), told(200, 'b')))).toHaveLength(1);
    for (const status of [400, 401, 403, 404, 409, 422, 429]) {
      const no = toldNo(status, 'NO');
      expect(constancyOf(asked(fund, no, told(503), no))).toEqual([]);
      expect(constancyOf(asked(fund, no, told(200, 'a')))).toHaveLength(1);
      expect(constancyOf(asked(fund, told(200, 'a'), no))).toHaveLength(1);
      expect(constancyOf(asked(fund, no, toldNo(status, 'OTHER')))).toHaveLength(1);
      expect(constancyOf(asked(fund, no, told(status, 'in other words', { code: 'NO' })))).toHaveLength(1);
    }
    const bulk = command('bulk', { kind: 'bulk', atomic: true, items: [] });
    const ofItem = (index: number) => told(422, `item ${index}`, { code: 'INSUFFICIENT_BALANCE' });
    expect(constancyOf(asked(bulk, ofItem(1), ofItem(0)))).toEqual([]);
    expect(constancyOf(asked(bulk, ofItem(1), toldNo(422, 'OTHER')))).toHaveLength(1);
  });
});
