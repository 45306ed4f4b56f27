import { comparedWith, constancyOf } from '../src/faults/answers';
import type { Asked, Attempt } from '../src/faults/clients';
import { idsOf, replay, type Command, type JournalEvent } from '../src/faults/model';
import type { People } from '../src/faults/people';
import type { Operation } from '../src/faults/plan';

const tenantId = '11111111-1111-4111-8111-111111111111';
const people: People = {
  tenantId,
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
const refused = (one: Command): JournalEvent => ({
  type: 'CommandRejected',
  data: { commandId: idOf(one), rejection: 'insufficient_balance' },
});

/** An operation, and what its clients were told. */
function asked({ key, operation }: Command, ...attempts: readonly Attempt[]): Asked {
  const known = attempts.findLast(({ outcome }) => outcome !== 'unknown')?.outcome ?? 'unknown';
  const planned = { key, operation, atMs: 0, again: false };
  return { planned, attempts: [...attempts], outcome: known, wasUnknown: true };
}
const told = (status: number, text = ''): Attempt => ({
  outcome: status < 300 ? 'ok' : status < 500 ? 'failed' : 'unknown',
  answer: { status, text, body: {} },
});

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
    expect(judged([fund], [posted(fund)], [asked(fund, told(422))])).toEqual([
      expect.stringMatching(/^refused and done: post/),
    ]);
    expect(judged([fund], [], [asked(fund, told(503))])).toEqual([expect.stringMatching(/^unresolved: post/)]);
    expect(judged([fund, spend], [posted(fund), refused(spend), refused(spend)], [asked(spend, told(422))])).toEqual([
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
    const hold = command('hold', { kind: 'hold', account: 'customers', amount: 40n });
    const part = command('part', { kind: 'capture', of: 'hold', credit: 'fees', amount: 15n, final: false });
    const release = command('release', { kind: 'release', of: 'hold' });
    const undo = command('undo', { kind: 'reverse', of: 'part' });
    const event = (type: string, field: string, one: Command) => ({ type, data: { [field]: idOf(one) } });
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
    expect(judged([fund, bulk], [posted(fund), second], [asked(bulk, told(422))])).toEqual([]);
    const apart = command('bulk', { kind: 'bulk', atomic: false, items });
    expect(judged([fund, apart], [posted(fund), second], [])).toHaveLength(1);
  });

  test('finds an answer that changed', () => {
    expect(constancyOf(asked(fund, told(503), told(200, 'a'), told(503), told(200, 'a')))).toEqual([]);
    expect(constancyOf(asked(fund, told(200, 'a'), told(200, 'b')))).toHaveLength(1);
    expect(constancyOf(asked(fund, told(422, 'no'), told(200, 'a')))).toHaveLength(1);
    expect(constancyOf(asked(fund, told(404, 'no'), told(200, 'a')))).toEqual([]);
  });
});
