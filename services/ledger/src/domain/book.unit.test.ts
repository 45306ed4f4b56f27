import fc from 'fast-check';
import { availableOf, effectOf, type Account, type Entry } from './account';
import { decide } from './book';
import type { BookCommand } from './book-commands';
import type { BookEvent } from './book-events';
import { apply, emptyBook, fork, type BookState, type WorkingState } from './book-state';
import { isOpen, recordIdsOf, recordsFrom } from './records';
import { reversalPostingIdOf, type Verdict } from './verdict';

const tenants = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const;
const [alice, bob] = tenants;
const at = '2026-01-01T00:00:00.000Z';
const asset = 'TXC';

function place(state: WorkingState) {
  return { sequence: state.length, reference: `0x${state.length.toString(16).padStart(64, '0')}` };
}

type Step = { readonly command: BookCommand; readonly verdict: Verdict };

/** Decides and applies commands in order; keeps every verdict and event, and looks at the state after each command. */
function play(commands: readonly BookCommand[], look: (state: BookState) => void = () => undefined) {
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
    look(state);
    return { command, verdict };
  });
  return { state, log, steps };
}

function entriesOf(event: BookEvent): readonly Entry[] {
  return 'entries' in event ? event.entries : [];
}

/** Few names and small amounts, so that commands meet. */
const wallet = fc.constantFrom('a', 'b', 'c');
const tenant = fc.constantFrom(...tenants);
const walletOwner: Record<string, string> = { a: alice, b: bob, c: alice };
const amount = fc.bigInt({ min: 1n, max: 40n });
const transferId = fc.constantFrom('t1', 't2', 't3', 't4', 't5', 't6');
const content = fc.constantFrom('h1', 'h1', 'h1', 'h2');
const command: fc.Arbitrary<BookCommand> = fc.oneof(
  {
    weight: 2,
    arbitrary: wallet.map((accountId): BookCommand => open(accountId)),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('IssueFunds' as const),
      transactionId: fc.constantFrom('i1', 'i2', 'i3', 't1'),
      contentHash: content,
      accountId: wallet,
      asset: fc.constant('TXC' as const),
      amount,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('AcceptTransfer' as const),
      transferId,
      contentHash: content,
      tenantId: tenant,
      debitAccountId: wallet,
      creditAccountId: wallet,
      asset: fc.constantFrom('TXC' as const, 'TXC' as const, 'TXC' as const, 'INR' as const),
      amount,
      referenceId: fc.constant('r'),
      note: fc.constant(null),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('ConfirmTransfer' as const), transferId }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('FailTransfer' as const),
      transferId,
      reason: fc.constantFrom('sender_frozen' as const, 'recipient_frozen' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('ReverseTransfer' as const),
      reversalId: fc.constantFrom('v1', 'v2', 'v3', 't1'),
      contentHash: content,
      transferId,
      actor: fc.constant('op'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('SetAccountFrozen' as const),
      accountId: wallet,
      frozen: fc.boolean(),
      actor: fc.constant('op'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({
        id: fc.constantFrom('d1', 'd2', 'd3', 'd4'),
        contentHash: content,
        type: fc.constantFrom('intent_payment', 'intent_underpaid', 'settlement'),
        tenantId: tenant,
        amount: fc.bigInt({ min: 0n, max: 40n }),
        refundable: fc.bigInt({ min: 0n, max: 5n }),
      })
      .map(({ id, contentHash, ...rest }): BookCommand => fact(id, contentHash, rest)),
  },
);
const commands = fc.array(command, { maxLength: 100 });

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

const boundTo = (runs: number) => ({ numRuns: runs });

describe('book', () => {
  test('B1: the entries of an event are positive and balance per asset', () => {
    fc.assert(
      fc.property(commands, (cs) => {
        for (const event of play(cs).log) {
          const sums = new Map<string, bigint>();
          for (const { asset: code, direction, amount: units } of entriesOf(event)) {
            expect(units).toBeGreaterThan(0n);
            sums.set(code, (sums.get(code) ?? 0n) + (direction === 'debit' ? units : -units));
          }
          for (const sum of sums.values()) expect(sum).toBe(0n);
        }
      }),
      boundTo(300),
    );
  });

  test('B2: posted balances are the sums of the entries, by a second model that only adds up lists', () => {
    fc.assert(
      fc.property(commands, (cs) => {
        const { state, log } = play(cs);
        const all = log.flatMap(entriesOf);
        for (const account of state.accounts.values()) {
          const own = all.filter(({ accountId }) => accountId === account.accountId);
          const sum = (direction: string) =>
            own.filter((entry) => entry.direction === direction).reduce((total, entry) => total + entry.amount, 0n);
          const raisedByDebit = account.accountType === 'asset' || account.accountType === 'expense';
          const expected = raisedByDebit ? sum('debit') - sum('credit') : sum('credit') - sum('debit');
          expect(account.posted).toBe(expected);
          expect(account.version).toBe(own.length);
        }
      }),
      boundTo(300),
    );
  });

  test('B3: no available balance of a wallet goes below its floor, after any command', () => {
    fc.assert(
      fc.property(commands, (cs) => {
        play(cs, (state) => {
          for (const account of state.accounts.values()) {
            if (account.wallet) expect(availableOf(account)).toBeGreaterThanOrEqual(account.floor ?? 0n);
          }
        });
      }),
      boundTo(300),
    );
  });

  test('B4: held and incoming are the sums of the pending transfers', () => {
    fc.assert(
      fc.property(commands, (cs) => {
        const { state, log } = play(cs);
        const resolved = new Set(
          log.flatMap((event) =>
            event.type === 'TransferConfirmed' || event.type === 'TransferFailed' ? [event.transfer.transferId] : [],
          ),
        );
        const pending = log.flatMap((event) =>
          event.type === 'TransferAccepted' && !resolved.has(event.transfer.transferId) ? [event.transfer] : [],
        );
        expect([...state.open].toSorted()).toEqual(pending.map((each) => each.transferId).toSorted());
        for (const account of state.accounts.values()) {
          const sumOf = (side: 'debitAccountId' | 'creditAccountId') =>
            pending.filter((each) => each[side] === account.accountId).reduce((sum, each) => sum + each.amount, 0n);
          expect([account.held, account.incoming]).toEqual([sumOf('debitAccountId'), sumOf('creditAccountId')]);
        }
      }),
      boundTo(300),
    );
  });

  test('B5: a transfer is resolved at most once, and reversed at most once after it was confirmed', () => {
    fc.assert(
      fc.property(commands, (cs) => {
        const { log } = play(cs);
        const ids = new Set(log.flatMap((event) => ('transfer' in event ? [event.transfer.transferId] : [])));
        for (const id of ids) {
          const story = log.flatMap((event) =>
            'transfer' in event && event.transfer.transferId === id ? [event.type] : [],
          );
          expect([
            ['TransferAccepted'],
            ['TransferAccepted', 'TransferConfirmed'],
            ['TransferAccepted', 'TransferFailed'],
            ['TransferAccepted', 'TransferConfirmed', 'TransferReversed'],
          ]).toContainEqual(story);
        }
      }),
      boundTo(300),
    );
  });

  test('B6: a repeat gets the original answer, another content is refused, and neither records anything', () => {
    fc.assert(
      fc.property(commands, (cs) => {
        const { state, steps } = play(cs);
        for (const { command: said, verdict } of steps) {
          if (!('contentHash' in said) || verdict.type !== 'recorded') continue;
          const again = decide(state, said, at);
          expect(again.type).toBe('repeated');
          expect(rejectionOf(again)).toBe(rejectionOf(verdict));
          expect(decide(state, { ...said, contentHash: 'other' }, at)).toEqual({
            type: 'refused',
            rejection: 'id_reused',
          });
        }
      }),
      boundTo(300),
    );
  });

  test('B7: a fact is never refused, and its event names every floor that it breaks', () => {
    fc.assert(
      fc.property(commands, (cs) => {
        for (const { command: said, verdict } of play(cs).steps) {
          if (said.type !== 'PostFact') continue;
          if (verdict.type === 'refused') expect(verdict.rejection).toBe('id_reused');
          else expect(rejectionOf(verdict)).toBeNull();
        }
      }),
      boundTo(300),
    );
    const clearing = `clearing:${alice}:ETH`;
    const settle = (units: bigint) =>
      fact('s', 's', { type: 'settlement', tenantId: alice, amount: units, refundable: 0n });
    const breaches = (units: bigint) => {
      const verdict = lastOf(play([payment('d', 10n, 0n), settle(units)]));
      return verdict.type === 'recorded'
        ? verdict.events.map((event) => 'floorBreaches' in event && event.floorBreaches)
        : [];
    };
    expect(breaches(10n)).toContainEqual([]);
    expect(breaches(11n)).toContainEqual([clearing]);
  });

  test('B8: the events alone give the state', () => {
    fc.assert(
      fc.property(commands, (cs) => {
        const { state, log } = play(cs);
        const again = emptyBook();
        for (const event of log) apply(again, event, place(again));
        expect(again).toEqual(state);
      }),
      boundTo(300),
    );
  });

  test('B10: a state from a snapshot and its tail has the accounts and the open records of the whole journal', () => {
    fc.assert(
      fc.property(commands, fc.nat(100), (cs, cut) => {
        const { state, log } = play(cs);
        const again = emptyBook();
        for (const [index, event] of log.entries()) {
          if (index === cut) for (const [id, each] of again.records) if (!isOpen(each)) again.records.delete(id);
          apply(again, event, place(again));
        }
        expect(again.accounts).toEqual(state.accounts);
        expect(again.open).toEqual(state.open);
        for (const [id, each] of again.records) expect(each).toEqual(state.records.get(id));
        for (const id of state.open) expect(again.records.has(id)).toBe(true);
      }),
      boundTo(300),
    );
  });

  test('B11: a record is the fold of the events that touch it', () => {
    fc.assert(
      fc.property(commands, (cs) => {
        const { state, log } = play(cs);
        for (const [id, each] of state.records) {
          const touching = log.flatMap((event, sequence) =>
            recordIdsOf(event).includes(id) ? [{ event, place: place({ ...state, length: sequence }) }] : [],
          );
          expect(recordsFrom(new Set([id]), touching)).toEqual(new Map([[id, each]]));
        }
      }),
      boundTo(100),
    );
  });

  test('B12: a fork decides and changes as the book does, and leaves the book as it is', () => {
    fc.assert(
      fc.property(commands, fc.nat(100), (cs, cut) => {
        const { state } = play(cs.slice(0, cut));
        const before = structuredClone(state);
        const copy = fork(state);
        const run = (on: WorkingState) =>
          cs.slice(cut).map((each) => {
            const verdict = decide(on, each, at);
            for (const event of verdict.type === 'recorded' ? verdict.events : []) apply(on, event, place(on));
            return verdict;
          });
        const forked = structuredClone(run(copy));
        expect(state).toEqual(before);
        expect(run(state)).toEqual(forked);
        for (const [id, account] of state.accounts) expect(copy.accounts.get(id)).toEqual(account);
        for (const [id, each] of state.records) expect(copy.records.get(id)).toEqual(each);
        expect([copy.length, copy.lastAt]).toEqual([state.length, state.lastAt]);
      }),
      boundTo(300),
    );
  });

  test('B9: a tenant moves money from its own wallets only', () => {
    fc.assert(
      fc.property(commands, (cs) => {
        for (const { command: said, verdict } of play(cs).steps) {
          if (said.type !== 'AcceptTransfer' || said.tenantId === walletOwner[said.debitAccountId]) continue;
          if (verdict.type === 'recorded') expect(verdict.rejection).toBe('debit_account_not_found');
        }
      }),
      boundTo(300),
    );
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

  const frozen = (accountId: string): BookCommand => ({
    type: 'SetAccountFrozen',
    accountId,
    frozen: true,
    actor: 'op',
  });
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

describe('opening an account', () => {
  test('again with the same fields changes nothing; with others it is refused', () => {
    expect(lastOf(play([open('a'), open('a')])).type).toBe('repeated');
    const other = { ...open('a'), floor: null } as BookCommand;
    expect(rejectionOf(lastOf(play([open('a'), other])))).toBe('account_exists_with_different_fields');
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
