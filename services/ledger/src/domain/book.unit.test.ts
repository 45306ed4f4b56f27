import { entriesOf, place } from '../../test/book-play';
import { effectOf, type Account, type Entry } from './account';
import { decide } from './book';
import type { BookCommand } from './book-commands';
import type { BookEvent } from './book-events';
import { apply, emptyBook } from './book-state';
import { reversalPostingIdOf, type Verdict } from './verdict';

const tenants = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const;
const [alice, bob] = tenants;
const at = '2026-01-01T00:00:00.000Z';
const asset = 'TXC';

type Step = { readonly command: BookCommand; readonly verdict: Verdict };

/** Decides and applies commands in order; keeps every verdict and event. */
function play(commands: readonly BookCommand[]) {
  const state = emptyBook();
  const log: BookEvent[] = [];
  const steps: Step[] = commands.map((command) => {
    const verdict = decide(state, command, at);
    if (verdict.type === 'recorded') {
      for (const event of verdict.events) {
        apply(state, event, place(state));
        log.push(event);
      }
    }
    return { command, verdict };
  });
  return { state, log, steps };
}

const walletOwner: Record<string, string> = { a: alice, b: bob, c: alice };

function open(accountId: string): BookCommand {
  return {
    type: 'OpenAccount',
    accountId,
    tenantId: walletOwner[accountId] ?? alice,
    asset,
    accountType: 'liability',
    floor: 0n,
  };
}

function issue(accountId: string, units: bigint, id = `issue-${accountId}`): BookCommand {
  return { type: 'IssueFunds', transactionId: id, contentHash: id, accountId, asset, amount: units };
}

function transfer(
  id: string,
  units: bigint,
  more: Partial<Extract<BookCommand, { type: 'AcceptTransfer' }>> = {},
): BookCommand {
  return {
    type: 'AcceptTransfer',
    transferId: id,
    contentHash: `content of ${id}`,
    tenantId: alice,
    debitAccountId: 'a',
    creditAccountId: 'b',
    asset,
    amount: units,
    referenceId: 'r',
    note: null,
    ...more,
  };
}

function reversal(reversalId: string): BookCommand {
  return { type: 'ReverseTransfer', reversalId, contentHash: 'of t', transferId: 't', actor: 'op' };
}

function freezing(changeId: string | null, frozen: boolean, accountId = 'b'): BookCommand {
  const contentHash = changeId && `${accountId} ${frozen}`;
  return { type: 'SetAccountFrozen', changeId, contentHash, accountId, frozen, actor: 'op' };
}

function fact(
  id: string,
  contentHash: string,
  { type, tenantId, amount: units, refundable }: { type: string; tenantId: string; amount: bigint; refundable: bigint },
): BookCommand {
  const common = { intentId: 'intent', tenantId, asset: 'ETH' } as const;
  const posted = { type: 'PostFact', transactionId: id, contentHash, effectiveAt: at } as const;
  if (type === 'settlement')
    return { ...posted, fact: { type: 'settlement', settlementId: id, ...common, amount: units } };
  if (type === 'intent_underpaid') return { ...posted, fact: { type: 'intent_underpaid', ...common, amount: units } };
  return {
    ...posted,
    fact: { type: 'intent_payment', depositId: id, chain: 'evm', ...common, applied: units, refundable },
  };
}

const payment = (id: string, applied: bigint, refundable: bigint) =>
  fact(id, id, { type: 'intent_payment', tenantId: alice, amount: applied, refundable });

/** A wallet of alice with money, a wallet of bob, and what follows. */
function funded(units: bigint, ...then: readonly BookCommand[]) {
  return play([open('a'), open('b'), open('c'), issue('a', units), ...then]);
}

function lastOf(played: { readonly steps: readonly Step[] }): Verdict {
  return played.steps.at(-1)!.verdict;
}

function rejectionOf(verdict: Verdict): string | null {
  if (verdict.type === 'refused') return verdict.rejection;
  return verdict.type === 'recorded' ? verdict.rejection : verdict.outcome.rejection;
}

describe('freezing', () => {
  test('that somebody repeats late does not undo what was decided since, whether it changed anything or not', () => {
    for (const before of [[], [freezing(null, true)]]) {
      const first = funded(0n, ...before, freezing('f', true));
      expect(first.steps.at(-1)?.verdict).toMatchObject({ type: 'recorded', rejection: null });
      const played = funded(0n, ...before, freezing('f', true), freezing('u', false), freezing('f', true));
      expect(lastOf(played)).toMatchObject({ type: 'repeated', outcome: { rejection: null } });
      expect(played.state.accounts.get('b')?.frozen).toBe(false);
    }
  });

  test('that was refused stays so under its id, and the id is of one content', () => {
    const early = freezing('f', true, 'd');
    const played = play([early, open('d'), early, freezing('f', false, 'd')]);
    const [refused, , again, other] = played.steps.map(({ verdict }) => verdict);
    expect([refused, again, other].map((verdict) => rejectionOf(verdict!))).toEqual([
      'account_not_found',
      'account_not_found',
      'id_reused',
    ]);
    expect(again?.type).toBe('repeated');
  });

  test('that nobody named is recorded only when it changes something', () => {
    const played = funded(0n, freezing(null, true), freezing(null, true), freezing(null, false));
    expect(played.steps.slice(-3).map(({ verdict }) => verdict.type)).toEqual(['recorded', 'repeated', 'recorded']);
  });
});

describe('a transfer', () => {
  test('may take the last unit, and not one more', () => {
    expect(rejectionOf(lastOf(funded(60n, transfer('t', 60n))))).toBeNull();
    expect(rejectionOf(lastOf(funded(60n, transfer('t', 61n))))).toBe('insufficient_balance');
  });

  test('cannot spend what is held for another', () => {
    const played = funded(60n, transfer('t1', 40n), transfer('t2', 21n), transfer('t3', 20n));
    expect(played.steps.slice(-2).map(({ verdict }) => rejectionOf(verdict))).toEqual(['insufficient_balance', null]);
  });

  test('cannot spend what is only incoming', () => {
    const back = transfer('t2', 1n, { tenantId: bob, debitAccountId: 'b', creditAccountId: 'a' });
    expect(rejectionOf(lastOf(funded(60n, transfer('t1', 40n), back)))).toBe('insufficient_balance');
    expect(
      rejectionOf(lastOf(funded(60n, transfer('t1', 40n), { type: 'ConfirmTransfer', transferId: 't1' }, back))),
    ).toBeNull();
  });

  const frozen = (accountId: string) => freezing(null, true, accountId);
  test.each<[string, BookCommand[]]>([
    ['debit_account_not_found', [transfer('t', 1n, { debitAccountId: 'nobody', creditAccountId: 'nobody' })]],
    ['debit_account_not_found', [transfer('t', 1n, { tenantId: bob })]],
    ['debit_account_not_found', [transfer('t', 1n, { debitAccountId: 'issuance:TXC' })]],
    ['credit_account_not_found', [transfer('t', 1n, { creditAccountId: 'nobody', asset: 'INR' })]],
    [
      'credit_account_not_found',
      [payment('d', 5n, 0n), transfer('t', 1n, { creditAccountId: `merchant:${alice}:ETH` })],
    ],
    ['accounts_not_distinct', [transfer('t', 1n, { creditAccountId: 'a', asset: 'INR' })]],
    ['asset_mismatch', [frozen('a'), transfer('t', 1n, { asset: 'INR' })]],
    ['debit_account_frozen', [frozen('a'), frozen('b'), transfer('t', 1n)]],
    ['credit_account_frozen', [frozen('b'), transfer('t', 1_000n)]],
    ['insufficient_balance', [transfer('t', 1_000n)]],
  ])('is refused as %s before any later reason, and the refusal is recorded', (rejection, then) => {
    const played = funded(60n, ...then);
    expect(rejectionOf(lastOf(played))).toBe(rejection);
    expect(played.log.at(-1)).toMatchObject({ type: 'CommandRejected', commandId: 't', rejection });
  });

  test('is reversed by operators alone, who are told to have asked when it is refused', () => {
    const back = { type: 'ReverseTransfer', reversalId: 'r', contentHash: 'r', transferId: 't', actor: 'op' } as const;
    const played = funded(60n, transfer('t', 40n), back);
    expect(played.log.at(-1)).toMatchObject({ commandType: 'ReverseTransfer', tenantId: null, actor: 'op' });
    expect(lastOf(funded(60n, transfer('t', 40n), back, back))).toMatchObject({
      type: 'repeated',
      outcome: { rejection: 'transfer_not_confirmed' },
    });
    const foreign = { type: 'IssueFunds', transactionId: 'i', contentHash: 'i', accountId: 'a', asset: 'INR' } as const;
    expect(funded(60n, { ...foreign, amount: 1n }).log.at(-1)).toMatchObject({
      commandType: 'IssueFunds',
      tenantId: null,
    });
  });

  test('keeps its refusal for ever, also when it would be accepted by now', () => {
    const played = funded(60n, transfer('t', 61n), issue('a', 1n, 'more'), transfer('t', 61n));
    expect(lastOf(played)).toMatchObject({ type: 'repeated', outcome: { rejection: 'insufficient_balance' } });
  });

  test('cannot have an id that the ledger makes itself', () => {
    expect(rejectionOf(lastOf(funded(60n, transfer(reversalPostingIdOf('t'), 1n))))).toBe('id_reused');
  });

  test('releases its hold when the recipient was frozen meanwhile', () => {
    const played = funded(
      60n,
      transfer('t', 60n),
      frozen('b'),
      { type: 'ConfirmTransfer', transferId: 't' },
      {
        type: 'FailTransfer',
        transferId: 't',
        reason: 'recipient_frozen',
      },
    );
    expect(played.steps.slice(-2).map(({ verdict }) => rejectionOf(verdict))).toEqual(['credit_account_frozen', null]);
    expect(played.state.accounts.get('a')).toMatchObject({ posted: 60n, held: 0n });
    expect(played.state.accounts.get('b')).toMatchObject({ posted: 0n, incoming: 0n });
  });
});

describe('a reversal', () => {
  const reverse = reversal('v');
  const confirm: BookCommand = { type: 'ConfirmTransfer', transferId: 't' };
  const spend = (units: bigint) =>
    transfer('spent', units, { tenantId: bob, debitAccountId: 'b', creditAccountId: 'a' });

  test('brings the money back, once', () => {
    const played = funded(60n, transfer('t', 60n), confirm, reverse, reversal('w'));
    expect(played.steps.slice(-2).map(({ verdict }) => rejectionOf(verdict))).toEqual([
      null,
      'transfer_already_reversed',
    ]);
    expect(played.state.accounts.get('a')?.posted).toBe(60n);
  });

  test('is taken from a wallet that is frozen too', () => {
    const played = funded(60n, transfer('t', 60n), confirm, freezing(null, true), reverse);
    expect(rejectionOf(lastOf(played))).toBeNull();
    expect(played.state.accounts.get('b')).toMatchObject({ posted: 0n, frozen: true });
  });

  test('asked for again under its id gets the answer that it got, and its reference', () => {
    const played = funded(60n, transfer('t', 60n), confirm, reverse, reversal('w'), reverse, reversal('w'));
    const recorded = played.log.findIndex(({ type }) => type === 'TransferReversed');
    const [again, refusedAgain] = played.steps.slice(-2).map(({ verdict }) => verdict);
    const reference = place({ ...emptyBook(), length: recorded }).reference;
    expect(again).toMatchObject({ type: 'repeated', outcome: { rejection: null, reference } });
    expect(refusedAgain).toMatchObject({ type: 'repeated', outcome: { rejection: 'transfer_already_reversed' } });
  });

  test("that was recorded without an id still stands, and is nobody's answer", () => {
    const { log } = funded(60n, transfer('t', 60n), confirm, reverse);
    const state = emptyBook();
    for (const event of log)
      apply(
        state,
        event.type === 'TransferReversed' ? { ...event, reversalId: null, contentHash: null } : event,
        place(state),
      );
    expect(rejectionOf(decide(state, reverse, at))).toBe('transfer_already_reversed');
  });

  test('needs a confirmed transfer', () => {
    expect(rejectionOf(lastOf(funded(60n, reverse)))).toBe('transfer_not_found');
    expect(rejectionOf(lastOf(funded(60n, transfer('t', 60n), reverse)))).toBe('transfer_not_confirmed');
  });

  test('needs the recipient to still have all of it', () => {
    expect(rejectionOf(lastOf(funded(60n, transfer('t', 60n), confirm, spend(1n), reverse)))).toBe(
      'insufficient_balance',
    );
    expect(
      rejectionOf(lastOf(funded(61n, transfer('t', 60n), confirm, issue('b', 1n), spend(1n), reverse))),
    ).toBeNull();
  });
});

test('a tenant cannot take back what an operator captured of its hold', () => {
  const own = (name: string) => `acct:${alice}:${name}`;
  const openOwn = (name: string): BookCommand => ({ ...open('a'), accountId: own(name), floor: null }) as BookCommand;
  const of = { contentHash: 'h', actor: 'op' } as const;
  const hold = { type: 'PlaceHold', holdId: 'h', tenantId: alice, accountId: own('owed'), asset, amount: 5n } as const;
  const capture = { type: 'CaptureHold', captureId: 'k', tenantId: null, holdId: 'h', creditAccountId: 'b' } as const;
  const played = play([
    openOwn('owed'),
    open('b'),
    { ...hold, ...of, expiresAt: null, metadata: null },
    { ...capture, ...of, amount: null, final: true },
    { type: 'ReverseTransaction', reversalId: 'r', tenantId: alice, transactionId: 'k', amount: null, ...of },
    { type: 'ReverseTransaction', reversalId: 'q', tenantId: null, transactionId: 'k', amount: null, ...of },
  ]);
  expect(played.steps.slice(-3).map(({ verdict }) => rejectionOf(verdict))).toEqual([
    null,
    'transaction_not_found',
    null,
  ]);
});

describe('what a tenant named, and what looks like it', () => {
  const own = (name: string) => `acct:${alice}:${name}`;
  const openOwn = (name: string): BookCommand => ({ ...open('a'), accountId: own(name), floor: null }) as BookCommand;
  const of = { contentHash: 'h', actor: 'op' } as const;
  const entries: readonly Entry[] = [
    { accountId: own('cash'), asset, direction: 'debit', amount: 5n },
    { accountId: own('owed'), asset, direction: 'credit', amount: 5n },
  ];
  const posting = (transactionId: string, tenantId: string | null = alice): BookCommand => ({
    type: 'PostTransaction',
    transactionId,
    tenantId,
    mode: 'authorizing',
    entries,
    effectiveAt: null,
    ...of,
    closedPeriod: 'refuse',
    description: null,
    metadata: null,
  });
  const opened = [openOwn('cash'), openOwn('owed')];
  const reversing = (transactionId: string, tenantId: string | null, reversalId: string): BookCommand => ({
    type: 'ReverseTransaction',
    reversalId,
    tenantId,
    transactionId,
    amount: null,
    ...of,
  });

  test.each([
    ['a reversal', 'r'],
    ['a hold', 'h'],
    ['a release', 'q'],
  ])('%s is not reversible to it and to operators, and unknown to another tenant', (_what, name) => {
    const hold = {
      type: 'PlaceHold',
      holdId: `${alice}/h`,
      tenantId: alice,
      accountId: own('owed'),
      amount: 5n,
    } as const;
    const { steps } = play([
      ...opened,
      posting(`${alice}/x`),
      { ...hold, ...of, asset, expiresAt: null, metadata: null },
      { type: 'ReleaseHold', releaseId: `${alice}/q`, tenantId: alice, holdId: `${alice}/h`, ...of },
      reversing(`${alice}/x`, alice, `${alice}/r`),
      reversing(`${alice}/${name}`, alice, `${alice}/1`),
      reversing(`${alice}/${name}`, null, 'ops/2'),
      reversing(`${alice}/${name}`, bob, `${bob}/3`),
      reversing(`${alice}/none`, alice, `${alice}/4`),
      reversing(`${alice}/1`, alice, `${alice}/5`),
    ]);
    expect(steps.slice(2).map(({ verdict }) => rejectionOf(verdict))).toEqual([
      null,
      null,
      null,
      null,
      'transaction_not_reversible',
      'transaction_not_reversible',
      'transaction_not_found',
      'transaction_not_found',
      // What was refused made nothing.
      'transaction_not_found',
    ]);
  });

  test.each([`ops/x`, `ops/`, `${bob}/x`, `${alice}/x`])(
    'the new id %s of a tenant is refused without a trace',
    (id) => {
      const { steps, log } = play([...opened, posting(`${alice}/${id}`)]);
      expect(lastOf({ steps }).type).toBe('refused');
      expect(rejectionOf(lastOf({ steps }))).toBe('id_reserved');
      expect(log).toHaveLength(2);
    },
  );

  test.each([`${alice}/opsx`, `${alice}/my/ops/x`, `${alice}/${bob}`, `${alice}/x/${bob}/y`])(
    'the new id %s is taken',
    (id) => expect(rejectionOf(lastOf(play([...opened, posting(id)])))).toBeNull(),
  );

  test('an operator may name anything', () => {
    for (const id of [`ops/ops/x`, `ops/${alice}/x`])
      expect(rejectionOf(lastOf(play([...opened, posting(id, null)])))).toBeNull();
  });

  test('an id of that kind that was used once is answered as it was', () => {
    const { state, log } = play([...opened, posting('x')]);
    const transactionId = `${alice}/ops/x`;
    apply(state, { ...log.at(-1)!, transactionId } as BookEvent, place(state));
    expect(decide(state, posting(transactionId), at)).toMatchObject({ type: 'repeated', outcome: { rejection: null } });
    const other = { ...posting(transactionId), contentHash: 'other' } as BookCommand;
    expect(decide(state, other, at)).toEqual({ type: 'refused', rejection: 'id_reused' });
  });
});

describe('opening an account', () => {
  test('again with the same fields changes nothing; with others it is refused', () => {
    expect(lastOf(play([open('a'), open('a')])).type).toBe('repeated');
    const other = { ...open('a'), floor: null } as BookCommand;
    expect(rejectionOf(lastOf(play([open('a'), other])))).toBe('account_exists_with_different_fields');
  });

  test('that a rule refuses is recorded with who asked for it, if somebody did, and leaves the id free', () => {
    const asked = { tenantId: alice, actor: 'key-1' };
    const crossed = { ...open('acct'), floor: 2n, ceiling: 1n } as BookCommand;
    const own = `acct:${alice}:till`;
    const { log, steps } = play([
      { ...crossed, accountId: own } as BookCommand,
      { ...crossed, accountId: own, asked } as BookCommand,
      { ...open(own), asked } as BookCommand,
    ]);
    expect(steps.map(({ verdict }) => verdict.type)).toEqual(['refused', 'recorded', 'recorded']);
    const request = { accountId: own, asset, type: 'liability', floor: '2', ceiling: '1' };
    expect(log).toMatchObject([
      { type: 'CommandRejected', rejection: 'limits_crossed', commandType: 'OpenAccount', ...asked, request },
      { type: 'AccountOpened', accountId: own, actor: 'key-1' },
    ]);
  });

  test.each([`clearing:${bob}:TXC`, 'custody:evm', 'issuance:TXC'])(
    'refuses %s: the chart says what it is',
    (accountId) => {
      expect(rejectionOf(lastOf(play([open(accountId)])))).toBe('account_exists_with_different_fields');
    },
  );

  test('accepts an account of the chart as the chart has it', () => {
    expect(rejectionOf(lastOf(play([open(`clearing:${alice}:TXC`)])))).toBeNull();
  });
});

describe('issuing funds', () => {
  test('needs a wallet in that asset', () => {
    expect(rejectionOf(lastOf(play([issue('a', 1n)])))).toBe('account_not_found');
    expect(rejectionOf(lastOf(play([payment('d', 5n, 0n), issue(`clearing:${alice}:ETH`, 1n)])))).toBe(
      'account_not_found',
    );
    expect(rejectionOf(lastOf(play([open('a'), { ...issue('a', 1n), asset: 'INR' } as BookCommand])))).toBe(
      'asset_mismatch',
    );
  });
});

describe('a payment', () => {
  test('splits what custody received between clearing and refundable', () => {
    const { state } = play([payment('d', 7n, 3n)]);
    const posted = [`custody:evm:ETH`, `clearing:${alice}:ETH`, `refundable:${alice}:ETH`].map(
      (accountId) => state.accounts.get(accountId)?.posted,
    );
    expect(posted).toEqual([10n, 7n, 3n]);
  });

  test('has no entry of zero, and nothing at all is not recorded', () => {
    const { log } = play([payment('d', 0n, 3n), payment('nothing', 0n, 0n)]);
    expect(log.filter(({ type }) => type === 'TransactionPosted')).toHaveLength(1);
    expect(log.flatMap(entriesOf).map(({ accountId }) => accountId)).toEqual([
      'custody:evm:ETH',
      `refundable:${alice}:ETH`,
    ]);
  });
});

describe('an impossible history stops the book', () => {
  const entries = (debit: bigint, credit: bigint): Entry[] => [
    { accountId: 'a', asset, direction: 'debit', amount: debit },
    { accountId: 'b', asset, direction: 'credit', amount: credit },
  ];
  const posted = (es: Entry[], more: object = {}) =>
    ({
      type: 'TransactionPosted',
      transactionId: 'x',
      contentHash: 'x',
      tenantId: null,
      cause: { type: 'issuance', id: 'x', subject: 'x' },
      rule: 'r@1',
      entries: es,
      floorBreaches: [],
      ceilingBreaches: [],
      description: null,
      metadata: null,
      actor: null,
      adjustmentFor: null,
      effectiveAt: at,
      at,
      ...more,
    }) as BookEvent;

  test.each<[string, BookEvent]>([
    ['entries in TXC do not balance', posted(entries(5n, 4n))],
    ['an entry of 0', posted(entries(0n, 0n))],
    ['unknown account z', posted([{ accountId: 'z', asset, direction: 'debit', amount: 1n }, ...entries(1n, 1n)])],
    ['takes a below its floor', posted(entries(61n, 61n))],
    ['dated before', posted(entries(1n, 1n), { at: '2025-12-31T23:59:59.999Z' })],
    ['account a opened twice', { ...open('a'), type: 'AccountOpened', rule: null, at } as unknown as BookEvent],
    ['issue-a answered twice', posted(entries(1n, 1n), { transactionId: 'issue-a' })],
  ])('%s', (message, event) => {
    const { state } = funded(60n);
    expect(() => apply(state, event, place(state))).toThrow(message);
  });

  test('a hold resolved twice', () => {
    const { state, log } = funded(60n, transfer('t', 60n), { type: 'ConfirmTransfer', transferId: 't' });
    expect(() => apply(state, log.at(-1)!, place(state))).toThrow('transfer t confirmed after confirmed');
  });

  test('a hold that takes the sender below its floor', () => {
    const { state, log } = funded(60n, transfer('t', 60n));
    const accepted = log.at(-1) as Extract<BookEvent, { type: 'TransferAccepted' }>;
    const second = { ...accepted, transfer: { ...accepted.transfer, transferId: 't2', amount: 1n } };
    expect(() => apply(state, second, place(state))).toThrow('transfer t2 takes a below its floor');
  });

  test('an event out of its place', () => {
    const { state, log } = funded(60n);
    expect(() => apply(state, log[0]!, { sequence: 0, reference: '' })).toThrow('event 0 after');
  });
});

test('an entry raises its account on the normal side and lowers it on the other', () => {
  const entry = (direction: Entry['direction']): Entry => ({ accountId: 'a', asset, direction, amount: 5n });
  const types: Account['accountType'][] = ['asset', 'expense', 'liability', 'income', 'equity'];
  expect(types.map((type) => effectOf(entry('debit'), type))).toEqual([5n, 5n, -5n, -5n, -5n]);
  expect(types.map((type) => effectOf(entry('credit'), type))).toEqual([-5n, -5n, 5n, 5n, 5n]);
});

test('a wallet has no ceiling: what a transfer brings is not refused by it once it was accepted', () => {
  const ceiling: BookCommand = { ...open('b'), ceiling: 10n } as BookCommand;
  const { state, steps } = play([open('a'), ceiling, issue('a', 60n)]);
  expect(rejectionOf(steps[1]!.verdict)).toBe('limits_fixed');
  expect(state.accounts.has('b')).toBe(false);
});

test('a period in a year that is far away is not over', () => {
  const close: BookCommand = {
    type: 'ClosePeriod',
    closeId: 'close',
    contentHash: 'of close',
    through: '9999-12-31T23:59:59.999Z',
    actor: 'op',
  };
  const { state, steps } = play([close]);
  expect(rejectionOf(steps[0]!.verdict)).toBe('period_not_over');
  expect(state.openFrom).toBe('');
});
