import { isOperationalError } from '@daybook/core';
import { seededRandom } from '@daybook/testing';
import { getAddress, hexlify } from 'ethers';
import { evmChainOver } from '../src/adapters/evm-chain';
import { watchPass } from '../src/app/watch-chain';
import { faultyEvm, token, type Payment } from './faulty-evm';
import { memoryWatch } from './memory-watch';
import { byDepth } from './test-chain';

/** `CHAIN_BLOCKS=100000` follows a chain of that many blocks, with a deposit in every hundredth. */
const blocks = Number(process.env['CHAIN_BLOCKS'] ?? 3_000);
const rates = { empty: 5, partial: 20, stale: 2, error: 1 };

test(`over ${blocks} blocks from a provider that is empty, incomplete, stale and failing, no deposit is missed and none doubled`, async () => {
  const random = seededRandom(7);
  const payments = Array.from({ length: blocks / 100 }, (_, at): Payment => {
    const to = getAddress(hexlify(Uint8Array.from({ length: 20 }, () => random.below(256))));
    const asset = random.below(2) === 0 ? 'ETH' : 'USDT_ERC20';
    return { block: 1 + random.below(blocks - 10), to, asset, amount: BigInt(at + 1) };
  });
  const { provider, faults, grow } = faultyEvm(payments, rates, 14);
  const source = evmChainOver(async () => provider, { chainId: 31_337, usdtContract: token });
  const { deps, log } = memoryWatch(source, new Set(payments.map(({ to }) => to)), byDepth(3));
  let failed = 0;
  for (let height = 0, pass = 0; pass < blocks; pass++) {
    height = Math.min(blocks, height + random.below(60));
    grow(height);
    await watchPass(deps, () => undefined).catch((error: unknown) => {
      if (!isOperationalError(error)) throw error;
      failed++;
    });
    if ((await deps.cursor.tip())?.number === blocks) break;
  }
  // The last blocks confirm when nothing fails in between.
  for (let pass = 0; pass < 50; pass++) await watchPass(deps, () => undefined).catch(() => undefined);
  const confirmed = log.filter(({ type }) => type === 'DepositConfirmed');
  const named = (one: { address: string; asset: string; amount: bigint }) =>
    `${one.amount} ${one.asset} to ${one.address}`;
  expect(confirmed.map(named).toSorted()).toEqual(
    payments.map(({ to, ...one }) => named({ ...one, address: to })).toSorted(),
  );
  expect(new Set(log.map(({ depositId }) => depositId)).size).toBe(payments.length);
  expect(Math.min(faults.empty, faults.partial, faults.stale, faults.error, failed)).toBeGreaterThan(0);
}, 600_000);
