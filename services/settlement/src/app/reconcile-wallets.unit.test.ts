/** Wallets whose nodes hang: the others are told, and nobody waits for long. */
import { OperationalError } from '@daybook/core';
import { fakeClock, testLogger } from '@daybook/testing';
import type { SendChain } from '../ports';
import { reconcileWallets } from './reconcile-wallets';

const never = new Promise<never>(() => undefined);
const walletOn = (chain: string, walletId: string) =>
  ({ walletId, tenantId: 't', mode: 'sandbox', chain, family: 'evm', address: walletId, assets: ['ETH'] }) as never;

/** Two wallets on a chain whose node does as it is told, and one on a chain that is well. */
function nodes(patience: { answerWithinMs: number; lookWithinMs: number }) {
  let balanceOf: () => Promise<{ final: bigint }> = async () => ({ final: 5n });
  const asked: string[] = [];
  const now = fakeClock('2026-03-01T10:00:00.000Z');
  const reconciliation = reconcileWallets(
    {
      all: async () => [walletOn('ill', 'a'), walletOn('ill', 'b'), walletOn('well', 'c')],
      openSends: async () => new Map([['a', 2]]),
      chainOf: (chain) =>
        ({
          balanceOf: (address: string) => {
            asked.push(address);
            return chain === 'well' ? Promise.resolve({ final: 7n }) : balanceOf();
          },
        }) as unknown as SendChain,
      ledger: { balanceOf: async () => 5n } as never,
      everyMs: 60_000,
      now,
      logger: testLogger().logger,
    },
    patience,
  );
  const list = async () => {
    const outcome = await reconciliation.listWallets();
    return outcome.ok
      ? outcome.value.wallets.map(({ walletId, onChain, difference, at }) => [
          walletId,
          onChain,
          difference,
          at !== null,
        ])
      : [];
  };
  return { ...reconciliation, list, asked, be: (to: typeof balanceOf) => void (balanceOf = to) };
}

const patient = { answerWithinMs: 1_000_000, lookWithinMs: 1_000_000 };

test('a node that hangs is asked once a look, and its wallets have nothing on chain; the others are told', async () => {
  const { list, pass, last, asked, be } = nodes({ ...patient, answerWithinMs: 10 });
  be(() => never);
  expect(await list()).toEqual([
    ['a', null, null, true],
    ['b', null, null, true],
    ['c', 7n, 2n, true],
  ]);
  expect(asked.toSorted()).toEqual(['a', 'c']);
  be(async () => ({ final: 5n }));
  await pass();
  expect(last()).toMatchObject([{ walletId: 'c' }, { walletId: 'a', underway: 2, difference: 0n }, { walletId: 'b' }]);
});

test('whoever lists does not wait for a look that takes long: what was seen last is told, or nothing', async () => {
  // The look goes on after the test, for as long as it has patience with the node.
  const { list, be } = nodes({ answerWithinMs: 1_000, lookWithinMs: 10 });
  be(() => never);
  expect(await list()).toEqual([
    ['a', null, null, false],
    ['b', null, null, false],
    ['c', 7n, 2n, true],
  ]);
});

test.each([
  ['does not answer', new OperationalError('upstream_unavailable', true)],
  ['answers what cannot be read', new RangeError('no transaction')],
])('a node that %s leaves the others as they are, and is asked about each of its wallets', async (_, error) => {
  const { list, pass, asked, be } = nodes(patient);
  be(() => Promise.reject(error));
  // A pass that rejects with anything but an OperationalError ends the process.
  await pass();
  asked.length = 0;
  const others = ['c', 7n, 2n, true];
  expect(await list()).toEqual([['a', null, null, true], ['b', null, null, true], others]);
  expect(asked.toSorted()).toEqual(['a', 'b', 'c']);
  be(async () => ({ final: 9n }));
  const answer = [['a', 9n, 4n, true], ['b', 9n, 4n, true], others];
  expect(await Promise.all([list(), list()])).toEqual([answer, answer]);
  expect(asked).toHaveLength(9);
});
