import { lastWordsOf, wrongEndings } from '../src/faults/endings';

const log = '{"level":30,"msg":"started"}';
const broken = 'AssertionError: a balance is not the sum of its entries';

describe('the ending of a service', () => {
  test('is told by its errors, wherever they stand in the log, and first by one that is no outage', () => {
    const away = 'OperationalError: store_unavailable';
    expect(lastWordsOf([log, broken, '    at decide (book.js:1:1)', log, log].join('\n'))).toBe(broken);
    expect(lastWordsOf([log, away, '    at run (x.js:1:1)', broken].join('\n'))).toBe(broken);
    expect(lastWordsOf([log, away, log].join('\n'))).toBe(away);
    expect(lastWordsOf(['/x/y.js:12', '    throw error;', '    ^', '', 'TypeError: x is not y'].join('\n'))).toBe(
      'TypeError: x is not y',
    );
    expect(lastWordsOf([log, '<--- Last few GCs --->'].join('\n'))).toBe('<--- Last few GCs --->');
    expect(lastWordsOf(log)).toBe('without a word');
    const noDatabase = 'the database of DATABASE_URL cannot be used: connect ECONNREFUSED 127.0.0.1:9';
    expect(lastWordsOf([log, '(node:1) Warning: 11 listeners', noDatabase].join('\n'))).toBe(noDatabase);
  });

  test.each([
    'ledger: OperationalError: store_unavailable',
    'ledger: OperationalError: broker_unavailable: no broker answers',
    'intents: the database of DATABASE_URL cannot be used: the database system is starting up',
    'ledger: ledger: relay ledger did not start: OperationalError: store_unavailable: Connection terminated unexpectedly',
    'ledger: ledger: books did not start: Error: books: sandbox did not start: OperationalError: outcome_unknown',
  ])('by an outage is none of ours: %s', (ending) => {
    expect(wrongEndings([ending])).toEqual([]);
  });

  test.each([
    `ledger: ${broken}`,
    `ledger: Error: ledger: books did not start: ${broken}`,
    'ledger: OperationalError: topics_not_as_declared',
    'ledger: OperationalError: messages_missing',
    'settlement: Error: settlement.intents makes no progress in intents.intents/0 at 1 of 2',
    'ledger: Error: ledger: database did not start',
    'ledger: the log has no event at 12:7, where its reader relay ledger stands. Either EVENT_STORE, …',
    'gateway: without a word',
  ])('of its own is wrong: %s', (ending) => {
    expect(wrongEndings(['intents: OperationalError: store_unavailable', ending])).toEqual([`ended: ${ending}`]);
  });
});
