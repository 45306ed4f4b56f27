import { createHash } from 'node:crypto';
import { compareDeposits } from '../src/books-deposits';
import { compareIntents } from '../src/books-intents';
import { booksRules, type BooksRule, type RawEvent } from '../src/books-fold';
import { foldBook } from '../src/books-journal';
import {
  reversalOf as partlyReversed,
  sampleDeposit,
  sampleDrafts,
  seal,
  tenant,
  type Draft,
  type Json,
} from './journal';

const stream = 'book-sandbox';
const violationsOf = (events: readonly RawEvent[]) => foldBook(stream, events).violations;

/** Changes one thing in what is said, with the chain of hashes made to fit: a wrong decision, honestly stored. */
function spoilt(change: (drafts: Draft[]) => void): RawEvent[] {
  const drafts = structuredClone(sampleDrafts());
  change(drafts);
  return seal(drafts);
}

const only = (drafts: Draft[], type: string) => drafts.find((draft) => draft.type === type)!.data;
const entriesOf = (drafts: Draft[], type: string) => only(drafts, type)['entries'] as Json[];

/** Of transfer t1, as it is recorded without an id. */
function reversalOf(drafts: Draft[]): Json {
  const entries = [
    { accountId: 'wallet-b', asset: 'TXC', direction: 'debit', amount: '400' },
    { accountId: 'wallet-a', asset: 'TXC', direction: 'credit', amount: '400' },
  ];
  const { transfer } = only(drafts, 'TransferConfirmed');
  const confirmation = seal(drafts).find(({ type }) => type === 'TransferConfirmed')!;
  const reversed = `0x${createHash('sha256').update(confirmation.payload).digest('hex')}`;
  return { transfer, transactionId: 'reversal:t1', reversed, rule: 'transfer-reversal@1', actor: 'op', entries };
}

test.each([
  ['with the id that its caller gave it', { reversalId: 'v1', contentHash: '1'.repeat(64) }],
  ['that was recorded without an id', {}],
])('a reversal %s is sound', (_what, named) => {
  const events = spoilt((drafts) => {
    drafts.push({ type: 'TransferReversed', data: { ...reversalOf(drafts), ...named } });
  });
  expect(violationsOf(events)).toEqual([]);
});

test('a sound journal has no violation, and gives the balances', () => {
  const { accounts, violations } = foldBook(stream, seal(sampleDrafts()));
  expect(violations).toEqual([]);
  expect(accounts.get('wallet-a')).toMatchObject({ posted: 600n, held: 100n });
  expect(accounts.get('wallet-b')).toMatchObject({ posted: 400n, incoming: 100n, frozen: true });
  expect(accounts.get(`acct:${tenant}:owed`)).toMatchObject({ posted: 100n, held: 0n, ceiling: 120n });
});

test('a transaction taken back in part is sound', () => {
  const drafts = sampleDrafts();
  const { accounts, violations } = foldBook(stream, seal([...drafts, partlyReversed(seal(drafts))]));
  expect(violations).toEqual([]);
  expect(accounts.get(`acct:${tenant}:owed`)).toMatchObject({ posted: 90n });
});

/** A posting like the last one, with these entries. */
function posting(entries: unknown): RawEvent[] {
  return spoilt((drafts) => {
    const last = structuredClone(drafts.findLast(({ type }) => type === 'TransactionPosted')!);
    drafts.push({ ...last, data: { ...last.data, transactionId: 'p9', entries } });
  });
}

const draftOf = (drafts: readonly Draft[], type: string) => drafts.find((draft) => draft.type === type)!.data;

const sabotage: readonly [string, BooksRule, RegExp, () => RawEvent[]][] = [
  ['an event is missing', 'gapless', /revision 7 is event number 6/, () => seal(sampleDrafts()).toSpliced(6, 1)],
  [
    'one byte of a stored event changed',
    'hash-chain',
    /not the hash of the event before/,
    () => {
      const events = seal(sampleDrafts());
      const payload = Buffer.from(events[3]!.payload.toString('utf8').replace('"i1"', '"i2"'));
      return events.with(3, { ...events[3]!, payload });
    },
  ],
  [
    'the type column says something else',
    'hash-chain',
    /sealed as TransferFailed, stored as TransferConfirmed/,
    () =>
      seal(sampleDrafts()).map((event) =>
        event.type === 'TransferFailed' ? { ...event, type: 'TransferConfirmed' } : event,
      ),
  ],
  [
    'an event of an unknown type',
    'known-event',
    /MoneyPrinted is not an event/,
    () => spoilt((drafts) => drafts.push({ type: 'MoneyPrinted', data: {} })),
  ],
  [
    'one entry is a unit larger',
    'entries-balance',
    /i1: debits exceed credits by -1 TXC/,
    () => spoilt((drafts) => (entriesOf(drafts, 'TransactionPosted')[1]!['amount'] = '1001')),
  ],
  [
    'an amount with a decimal point',
    'entries-balance',
    /"10\.5" is not an amount/,
    () => spoilt((drafts) => (entriesOf(drafts, 'TransactionPosted')[1]!['amount'] = '10.5')),
  ],
  [
    'an entry on an account that was never opened',
    'entries-balance',
    /account nobody was never opened/,
    () => spoilt((drafts) => (entriesOf(drafts, 'TransactionPosted')[1]!['accountId'] = 'nobody')),
  ],
  [
    'an entry in another currency than its account',
    'entries-balance',
    /i1 puts ETH on wallet-a/,
    () => spoilt((drafts) => (entriesOf(drafts, 'TransactionPosted')[1]!['asset'] = 'ETH')),
  ],
  ['a posting of no entries', 'entries-balance', /p9 has fewer than two entries/, () => posting([])],
  ['a posting without entries', 'entries-balance', /p9 has fewer than two entries/, () => posting(undefined)],
  [
    'a posting of one entry',
    'entries-balance',
    /p9 has fewer than two entries/,
    () => posting(entriesOf(sampleDrafts(), 'TransactionPosted').slice(0, 1)),
  ],
  [
    'an entry that is neither a debit nor a credit',
    'entries-balance',
    /i1 has an entry that is a kredit/,
    () => spoilt((drafts) => (entriesOf(drafts, 'TransactionPosted')[1]!['direction'] = 'kredit')),
  ],
  [
    'an unbalanced transaction leaves the whole book unbalanced',
    'global-sum',
    /accounts in TXC add up to -1/,
    () => spoilt((drafts) => (entriesOf(drafts, 'TransactionPosted')[1]!['amount'] = '1001')),
  ],
  [
    'a hold of more than there is',
    'floor',
    /the hold of transfer t3 leaves wallet-a with -1/,
    () => spoilt((drafts) => ((drafts[8]!.data['transfer'] as Json)['amount'] = '601')),
  ],
  [
    'a posting of more than there is',
    'floor',
    /s1 leaves clearing:.* with -1/,
    () =>
      spoilt((drafts) => {
        for (const entry of drafts[14]!.data['entries'] as Json[]) entry['amount'] = '51';
      }),
  ],
  [
    'a hold released twice',
    'holds',
    /transfer t2 failed after it was failed/,
    () => spoilt((drafts) => drafts.push(structuredClone(drafts[7]!))),
  ],
  [
    'a transfer confirmed that was never accepted',
    'holds',
    /transfer t1 confirmed after it was never accepted/,
    () => spoilt((drafts) => drafts.splice(4, 1)),
  ],
  [
    'a transfer reversed before it was confirmed',
    'holds',
    /transfer t3 reversed after it was processing/,
    () =>
      spoilt((drafts) =>
        drafts.push({
          type: 'TransferReversed',
          data: { transfer: drafts[8]!.data['transfer'], transactionId: 'r', reversed: '', rule: 'r', entries: [] },
        }),
      ),
  ],
  [
    'less is posted than was held',
    'one-posting',
    /transfer t1 was posted as wallet-a TXC debit 399/,
    () =>
      spoilt((drafts) => {
        for (const entry of entriesOf(drafts, 'TransferConfirmed')) entry['amount'] = '399';
      }),
  ],
  [
    'one transaction posted twice',
    'one-posting',
    /d1 was posted twice/,
    () => spoilt((drafts) => drafts.push(structuredClone(drafts[12]!))),
  ],
  [
    'a posting above a ceiling',
    'floor',
    /p1 leaves acct:.*:owed with 90, above its ceiling of 80/,
    () => spoilt((drafts) => (draftOf(drafts, 'AccountLimitsSet')['ceiling'] = '80')),
  ],
  [
    'a hold of more than is available',
    'floor',
    /hold h1 leaves acct:.*:owed with -1/,
    () => spoilt((drafts) => (draftOf(drafts, 'HoldPlaced')['amount'] = '91')),
  ],
  [
    'more captured than is left',
    'holds',
    /HoldCaptured of 20 of hold h1, which has 10 left/,
    () => spoilt((drafts) => (draftOf(drafts, 'HoldPlaced')['amount'] = '10')),
  ],
  [
    'a hold that expired early',
    'holds',
    /hold h1 expired early/,
    () => spoilt((drafts) => (drafts.find(({ type }) => type === 'HoldReleased')!.type = 'HoldExpired')),
  ],
  [
    'another amount posted than captured',
    'one-posting',
    /capture k1 was posted as/,
    () =>
      spoilt((drafts) => {
        for (const entry of entriesOf(drafts, 'HoldCaptured')) entry['amount'] = '19';
      }),
  ],
  [
    'more taken back than was posted',
    'one-posting',
    /31 of p2 were reversed, which leaves -1/,
    () => {
      const drafts = sampleDrafts();
      return seal([...drafts, partlyReversed(seal(drafts), '31', '0')]);
    },
  ],
  [
    'a transaction in a closed period',
    'period',
    /p9 is effective at 2025-12-31T23:59:59.998Z, in a period that was closed/,
    () =>
      spoilt((drafts) => {
        const late = structuredClone(drafts.findLast(({ type }) => type === 'TransactionPosted')!);
        drafts.push({ ...late, data: { ...late.data, transactionId: 'p9', effectiveAt: '2025-12-31T23:59:59.998Z' } });
      }),
  ],
  [
    'a transaction of tomorrow',
    'period',
    /i1 is effective at 2026-01-02T00:00:00.000Z, after it was recorded/,
    () => spoilt((drafts) => (draftOf(drafts, 'TransactionPosted')['effectiveAt'] = '2026-01-02T00:00:00.000Z')),
  ],
  [
    'a period closed backwards',
    'period',
    /a period is closed through/,
    () => spoilt((drafts) => drafts.push({ ...structuredClone(drafts.at(-1)!) })),
  ],
  [
    'one reversal that was refused and then made',
    'one-answer',
    /v1 was answered twice/,
    () =>
      spoilt((drafts) => {
        const contentHash = '1'.repeat(64);
        drafts.push(
          { type: 'CommandRejected', data: { commandId: 'v1', contentHash, rejection: 'insufficient_balance' } },
          { type: 'TransferReversed', data: { ...reversalOf(drafts), reversalId: 'v1', contentHash } },
        );
      }),
  ],
];

test.each(sabotage)('%s: reported as %s', (_what, rule, message, events) => {
  const found = violationsOf(events()).filter((violation) => violation.rule === rule);
  expect(found).toContainEqual(expect.objectContaining({ where: stream, message: expect.stringMatching(message) }));
});

test('a recorded fact may break a floor that it names', () => {
  const events = spoilt((drafts) => {
    drafts[14]!.data['floorBreaches'] = [drafts[10]!.data['accountId'] as string];
    for (const entry of drafts[14]!.data['entries'] as Json[]) entry['amount'] = '51';
  });
  expect(violationsOf(events)).toEqual([]);
});

describe('intents', () => {
  const books = [foldBook(stream, seal(sampleDrafts()))];
  const confirmed = (amount: string) => {
    const deposit = { ...(sampleDeposit['deposit'] as Json), amount };
    return [
      {
        stream: 'intent-intent-1',
        type: 'DepositConfirmed',
        payload: Buffer.from(JSON.stringify({ ...sampleDeposit, deposit })),
      },
    ];
  };

  test('what was received stands in the ledger', () => {
    expect(compareIntents(books, confirmed('70'))).toEqual([]);
  });

  test.each([
    ['more was received', confirmed('71'), 'received 71 USDT_ERC20, of which 70 are in the ledger'],
    ['nothing was received', [], 'received 0 USDT_ERC20, of which 70 are in the ledger'],
  ])('%s than was booked: reported', (_what, events, message) => {
    expect(compareIntents(books, events)).toEqual([
      { rule: 'intent', where: stream, message: `intent intent-1 ${message}` },
    ]);
  });
});

describe('deposits', () => {
  const bytes = (data: Json) => ({ type: 'DepositConfirmed', payload: Buffer.from(JSON.stringify(data)) });
  const deposit = { depositId: 'd1', asset: 'ETH', amount: '70' };
  const onChain = (more: Json = {}) => bytes({ ...deposit, reference: 'intent-1', mode: 'sandbox', ...more });
  const attributed = (more: Json = {}) =>
    bytes({ intentId: 'intent-1', mode: 'sandbox', deposit: { ...deposit, ...more } });

  test('what is final on a chain is attributed', () => {
    expect(compareDeposits([onChain()], [attributed()])).toEqual([]);
  });

  test.each([
    ['lost on the way', [onChain()], [], 'in intents: not attributed'],
    ['of no chain', [], [attributed()], 'is on its chain: not final'],
    ['of another amount', [onChain()], [attributed({ amount: '71' })], 'in intents: 71 ETH for intent-1 in sandbox'],
    ['attributed twice', [onChain()], [attributed(), attributed()], 'and again 70 ETH'],
    ['of another intent', [onChain({ reference: 'intent-2' })], [attributed()], 'for intent-2 in sandbox; in intents'],
    ['of the other mode', [onChain({ mode: 'live' })], [attributed()], 'in live; in intents'],
  ])('a deposit %s: reported', (_what, chain, intents, message) => {
    expect(compareDeposits(chain, intents)).toEqual([
      { rule: 'deposit', where: 'intents', message: expect.stringContaining(message) },
    ]);
  });
});

describe('deposits to hot wallets', () => {
  const bytes = (type: string, data: Json) => ({ type, payload: Buffer.from(JSON.stringify(data)) });
  const deposit = { depositId: 'd1', asset: 'ETH', amount: '70', mode: 'sandbox' };
  const onChain = (more: Json = {}) =>
    bytes('DepositConfirmed', { ...deposit, transactionId: '0x1', reference: 'wallet:w1', ...more });
  const funded = (more: Json = {}) => bytes('WalletFunded', { funding: { ...deposit, walletId: 'w1', ...more } });
  const swept = bytes('SweepReceived', { sweep: { ...deposit, walletId: 'w1' } });
  const claimed = (walletId: string) =>
    bytes('TransactionClaimed', { claim: { transactionId: '0x1', walletId, sendId: 's1' } });

  test('what is final on a chain funds its wallet, but for change, and is nothing to intents', () => {
    expect(compareDeposits([onChain()], [], [funded()])).toEqual([]);
    expect(compareDeposits([onChain()], [], [claimed('w1')])).toEqual([]);
    expect(compareDeposits([onChain()], [])).toEqual([]);
  });

  test('a sweep is received by its wallet as one, and is nothing to intents wherever it goes', () => {
    expect(compareDeposits([onChain({ sweptFrom: '0x2' })], [], [swept])).toEqual([]);
    expect(compareDeposits([onChain({ sweptFrom: '0x2', reference: 'intent-1' })], [], [])).toEqual([]);
  });

  test.each([
    ['lost on the way', [onChain()], [], 'in settlement: not attributed'],
    ['of no chain', [], [funded()], 'is on its chain: not final'],
    ['of another amount', [onChain()], [funded({ amount: '71' })], 'in settlement: 71 ETH for wallet:w1 in sandbox'],
    ['taken twice', [onChain()], [funded(), funded()], 'and again 70 ETH'],
    ['taken for change of another wallet', [onChain()], [claimed('w2')], 'in settlement: not attributed'],
    ['that is a sweep, and credited', [onChain({ sweptFrom: '0x2' })], [funded()], '70 ETH for wallet:w1 in sandbox'],
    ['that is taken for a sweep', [onChain()], [swept], 'in settlement: 70 ETH swept to wallet:w1 in sandbox'],
    ['that is a sweep, and lost', [onChain({ sweptFrom: '0x2' })], [], 'in settlement: not attributed'],
    ['that is change, and taken', [onChain()], [claimed('w1'), funded()], 'is on its chain: not final'],
  ])('a deposit %s: reported', (_what, chain, wallets, message) => {
    expect(compareDeposits(chain, [], wallets)).toEqual([
      { rule: 'deposit', where: 'settlement', message: expect.stringContaining(message) },
    ]);
  });
});

test('every rule about the journal is sabotaged', () => {
  const tested = new Set(sabotage.map(([, rule]) => rule));
  expect(booksRules.filter((rule) => !tested.has(rule))).toEqual(['projection', 'intent', 'deposit', 'reader']);
});
