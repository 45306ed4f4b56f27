import { spendersOf } from './token-spenders';

const watched = { has: (address: string) => address.startsWith('ours') };
const move = (from: string, to: string, amount = 5n) => ({ from, to, amount });

describe('who spends a token', () => {
  test.each([
    ['whom the log names', [move('ours1', 'ours2')], [['ours1']]],
    ['nobody of ours', [move('theirs', 'ours1')], [[]]],
    [
      'who gave it to a contract that passes it on, whichever way it goes',
      [move('ours1', 'collector'), move('ours2', 'collector'), move('collector', 'router'), move('router', 'ours3')],
      [['ours1'], ['ours2'], ['ours1', 'ours2'], ['ours1', 'ours2']],
    ],
    [
      'nobody of ours, though a sweep is in the same transaction',
      [move('ours1', 'collector'), move('theirs', 'ours2'), move('collector', 'ours3')],
      [['ours1'], [], ['ours1']],
    ],
    ['not who is given some only afterwards', [move('shop', 'ours2'), move('ours1', 'shop')], [[], ['ours1']]],
    [
      'a watched address itself, whoever gave it some',
      [move('ours1', 'ours2'), move('ours2', 'ours3')],
      [['ours1'], ['ours2']],
    ],
    ['nobody by a transfer of nothing', [move('ours1', 'collector', 0n), move('collector', 'ours2')], [[], []]],
  ])('%s', (_name, moves, expected) => {
    expect(spendersOf(moves, 'somebody', watched)).toEqual(expected);
  });

  test('who signed the transaction, whatever contract pays out at its word, and nobody else who signs', () => {
    const moves = [move('vault', 'ours2'), move('ours1', 'ours3'), move('vault', 'ours2', 0n)];
    expect(spendersOf(moves, 'ours1', watched)).toEqual([['ours1'], ['ours1'], []]);
    expect(spendersOf(moves, 'theirs', watched)).toEqual([[], ['ours1'], []]);
  });
});
