import { blockWithBalances, transfersIn } from './solana-transfers';

const token = { mint: 'Mint', programs: ['Program'] };
const watched = { has: (address: string) => address.startsWith('ours') };
type Held = { at: number; owner: string; amount: string; mint?: string; program?: string };
const balances = (held: readonly Held[]) =>
  held.map(({ at, owner, amount, mint = 'Mint', program = 'Program' }) => ({
    accountIndex: at,
    mint,
    owner,
    programId: program,
    uiTokenAmount: { amount },
  }));

type Given = {
  keys: readonly string[];
  signers?: number;
  sol?: readonly (readonly [number, number])[];
  before?: readonly Held[];
  after?: readonly Held[];
  err?: unknown;
};

function shownBlock(given: Given) {
  const { keys, signers = 1, sol = keys.map(() => [0, 0] as const), before = [], after = [], err = null } = given;
  return {
    blockhash: 'b',
    previousBlockhash: 'a',
    transactions: [
      {
        transaction: { signatures: ['id'], accountKeys: keys.map((pubkey, at) => ({ pubkey, signer: at < signers })) },
        meta: {
          err,
          preBalances: sol.map(([pre]) => pre),
          postBalances: sol.map(([, post]) => post),
          preTokenBalances: balances(before),
          postTokenBalances: balances(after),
        },
      },
    ],
  };
}

const readFrom = (given: Given) => transfersIn(blockWithBalances.parse(shownBlock(given)), token, watched);
const transfersOf = (given: Given) => readFrom(given).map(({ index, asset, to, amount }) => [index, asset, to, amount]);
const spendersOf = (given: Given) => readFrom(given).map(({ to, spenders }) => [to, spenders]);

describe('deposits in a Solana block', () => {
  const keys = ['payer', 'ours1', 'ours2', 'account1', 'account2'];
  /** Before and after, for each key. */
  const sol = [
    [100, 70],
    [5, 15],
    [0, 20],
    [1, 1],
    [1, 1],
  ] as const;

  test('SOL is what a balance grew by, for each address', () => {
    expect(transfersOf({ keys, sol })).toEqual([
      [1, 'SOL', 'ours1', 10n],
      [2, 'SOL', 'ours2', 20n],
    ]);
  });

  test('a transaction that failed paid nothing, whatever it shows', () => {
    const after = [{ at: 3, owner: 'ours1', amount: '9' }];
    expect(transfersOf({ keys, sol, after, err: { InstructionError: [0, 'Custom'] } })).toEqual([]);
  });

  test('tokens count by owner over all of its accounts', () => {
    const before = [{ at: 4, owner: 'ours1', amount: '7' }];
    const after = [
      { at: 3, owner: 'ours1', amount: '5' },
      { at: 4, owner: 'ours1', amount: '10' },
    ];
    expect(transfersOf({ keys, before, after })).toEqual([[256 + 3, 'USDT_SOL', 'ours1', 8n]]);
    const moved = [
      { at: 3, owner: 'ours1', amount: '7' },
      { at: 4, owner: 'ours1', amount: '0' },
    ];
    expect(transfersOf({ keys, before, after: moved })).toEqual([]);
  });

  test('of a token with a fee, what arrived counts', () => {
    const before = [{ at: 4, owner: 'payer', amount: '1000' }];
    const after = [
      { at: 3, owner: 'ours1', amount: '990' },
      { at: 4, owner: 'payer', amount: '0' },
    ];
    expect(transfersOf({ keys, before, after })).toEqual([[256 + 3, 'USDT_SOL', 'ours1', 990n]]);
  });

  test('another mint, and the same mint under another program, count nothing', () => {
    const after = [
      { at: 3, owner: 'ours1', amount: '5', mint: 'Other' },
      { at: 4, owner: 'ours2', amount: '5', program: 'Token2022' },
    ];
    expect(transfersOf({ keys, after })).toEqual([]);
  });

  test('an account that is given to an address with what it holds is a deposit; one given away is none', () => {
    const theirs = [{ at: 3, owner: 'somebody', amount: '5' }];
    const ours = [{ at: 3, owner: 'ours1', amount: '5' }];
    expect(transfersOf({ keys, before: theirs, after: ours })).toEqual([[256 + 3, 'USDT_SOL', 'ours1', 5n]]);
    expect(transfersOf({ keys, before: ours, after: theirs })).toEqual([]);
  });

  test('what an address gets back from a transaction that it signed itself is no deposit', () => {
    const after = [{ at: 3, owner: 'ours1', amount: '5' }];
    expect(transfersOf({ keys, signers: 2, sol, after })).toEqual([[2, 'SOL', 'ours2', 20n]]);
  });

  test('is spent by the watched addresses that have less of it afterwards', () => {
    const given = {
      keys,
      sol: [
        [100, 90],
        [50, 40],
        [0, 20],
        [1, 1],
        [1, 1],
      ],
    } as const;
    expect(spendersOf(given)).toEqual([['ours2', ['ours1']]]);
    const before = [{ at: 3, owner: 'ours1', amount: '9' }];
    const after = [
      { at: 3, owner: 'ours1', amount: '2' },
      { at: 4, owner: 'ours2', amount: '7' },
    ];
    expect(spendersOf({ keys, before, after })).toEqual([['ours2', ['ours1']]]);
    // Of another asset.
    expect(spendersOf({ ...given, after: [{ at: 4, owner: 'ours2', amount: '7' }] })).toEqual([
      ['ours2', ['ours1']],
      ['ours2', []],
    ]);
  });

  test('is spent by the watched addresses that signed, though the rent of an account that they close is not theirs', () => {
    const closed = {
      keys: ['ours1', 'ours2', 'account1'],
      sol: [
        [5, 5],
        [0, 20],
        [20, 0],
      ],
    } as const;
    expect(spendersOf(closed)).toEqual([['ours2', ['ours1']]]);
    expect(spendersOf({ keys, sol })).toEqual([
      ['ours1', []],
      ['ours2', []],
    ]);
  });

  test('a balance that a number cannot hold exactly is refused', () => {
    const sol = [
      [0, 0],
      [0, 2 ** 53],
      [0, 0],
      [0, 0],
      [0, 0],
    ] as const;
    expect(() => transfersOf({ keys, sol })).toThrow('no exact balances');
  });

  test.each(['err', 'preBalances', 'postBalances', 'preTokenBalances', 'postTokenBalances'])(
    'a transaction without its %s is refused: it may have paid anything',
    (left) => {
      const block = shownBlock({ keys });
      const [{ transaction, meta }] = block.transactions as [(typeof block.transactions)[number]];
      const told = (more: object) => ({ ...block, transactions: [{ transaction, meta: { ...meta, ...more } }] });
      expect(blockWithBalances.safeParse(told({})).success).toBe(true);
      expect(blockWithBalances.safeParse(told({ [left]: undefined })).success).toBe(false);
    },
  );

  test.each(['owner', 'programId'])('a balance of the token without its %s is refused: it may be anybody’s', (left) => {
    const before = [{ at: 3, owner: 'ours1', amount: '1000' }];
    const after = [{ at: 3, owner: 'ours1', amount: '1005' }];
    const block = shownBlock({ keys, before, after });
    const [{ meta }] = block.transactions as [(typeof block.transactions)[number]];
    const [held] = meta.preTokenBalances;
    const told = (mint: string) => {
      meta.preTokenBalances = [{ ...held!, mint, [left]: undefined }];
      return transfersIn(blockWithBalances.parse(block), token, watched);
    };
    expect(() => told('Mint')).toThrow(`without its ${left}`);
    expect(told('Other')).toHaveLength(1);
  });
});
