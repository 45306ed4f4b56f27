/**
 * E21: whatever a node says a fee should be, and whatever follows from it, the signer signs none above its caps, and no
 * transaction whose sums do not add up.
 */
import fc from 'fast-check';
import { loadConfig } from '../src/config';
import { decide, nothingSigned, type Policy, type Terms } from '../src/domain/signing';
import { bitcoinKeys } from '../src/families/bitcoin-keys';
import { evmKeys } from '../src/families/evm-keys';
import { signRequest } from '../src/protocol';
import { maxFeeOf, type BitcoinTransaction, type EvmTransaction } from '../src/transactions';
import { alice, ethSend, seed, settings } from './rig';

const to = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
const config = loadConfig(settings('unused'));
const caps = { eth: 10n ** 16n, btc: 100_000n, percent: 50n };
const policy: Policy = {
  amounts: config.SEND_CAPS,
  fees: { ...config.FEE_CAPS, BTC: { ...config.FEE_CAPS.BTC!, percentMax: caps.percent } },
  replacementsMax: 10,
};
/** What nodes have said: nothing, too little, and 19.8 BTC. */
const anyUnits = fc.oneof(
  fc.constantFrom(0n, 1n, 293n, 294n, 10n ** 30n, 10n ** 37n),
  fc.bigInt({ min: 0n, max: 200_000n }),
  fc.bigInt({ min: 0n, max: 10n ** 38n - 1n }),
);

describe('E21: fees', () => {
  const bitcoin = bitcoinKeys(seed, 'regtest');
  const evm = evmKeys(seed, { chainId: 31_337, tokens: new Map(), settlementContracts: new Set() });
  const isSigned = (terms: Terms) => decide(terms, 0, nothingSigned(), policy).type === 'sign';

  test('of Bitcoin: inputs are outputs and fee, and the fee is within its cap and its share of the amount', async () => {
    let signed = 0;
    const inputs = fc.uniqueArray(fc.record({ vout: fc.nat(5), amount: anyUnits }), {
      minLength: 1,
      maxLength: 4,
      selector: ({ vout }) => vout,
    });
    // Most are made to add up: the others end at the first check.
    const sends = fc
      .tuple(inputs, anyUnits, anyUnits, anyUnits, fc.boolean())
      .map(([coins, amount, change, fee, whole]) => {
        const spent = coins.reduce((sum, coin) => sum + coin.amount, 0n);
        return {
          network: 'regtest' as const,
          inputs: coins.map((coin) => ({ txid: 'cd'.repeat(32), ...coin })),
          to,
          amount,
          change: whole && spent >= amount + fee ? spent - amount - fee : change,
          fee,
        } satisfies BitcoinTransaction;
      });
    await fc.assert(
      fc.asyncProperty(sends, async (transaction) => {
        const outcome = await bitcoin.read(0, transaction);
        if (!outcome.ok) return;
        const fee = maxFeeOf({ family: 'bitcoin', transaction });
        if (!isSigned({ ...outcome.reading, sendId: 'a', digest: 'd', feeAsset: 'BTC', fee })) return;
        signed++;
        const spent = transaction.inputs.reduce((sum, { amount }) => sum + amount, 0n);
        expect(spent).toBe(transaction.amount + transaction.change + transaction.fee);
        expect(transaction.fee).toBeLessThanOrEqual(caps.btc);
        expect(transaction.fee * 100n).toBeLessThanOrEqual(transaction.amount * caps.percent);
        expect(transaction.fee).toBeGreaterThan(0n);
      }),
      { numRuns: 3_000 },
    );
    expect(signed).toBeGreaterThan(20);
  });

  test('of EVM: gas times its highest price is within the cap', async () => {
    let signed = 0;
    const quotes = fc.record({
      gasLimit: fc.oneof(fc.bigInt({ min: 21_000n, max: 500_000n }), anyUnits),
      maxFeePerGas: fc.oneof(fc.bigInt({ min: 1n, max: 10n ** 12n }), anyUnits),
      maxPriorityFeePerGas: fc.oneof(fc.constant(0n), anyUnits),
    });
    await fc.assert(
      fc.asyncProperty(quotes, async (quote) => {
        const transaction: EvmTransaction = ethSend('a', 0, quote).transaction;
        const outcome = await evm.read(0, transaction);
        if (!outcome.ok) return;
        const fee = maxFeeOf({ family: 'evm', transaction });
        if (!isSigned({ ...outcome.reading, sendId: 'a', digest: 'd', feeAsset: 'ETH', fee })) return;
        signed++;
        expect(quote.gasLimit * quote.maxFeePerGas).toBeLessThanOrEqual(caps.eth);
        expect(quote.maxPriorityFeePerGas).toBeLessThanOrEqual(quote.maxFeePerGas);
      }),
      { numRuns: 3_000 },
    );
    expect(signed).toBeGreaterThan(20);
  });

  test('the cap is the last that is signed: one unit of gas more is not', async () => {
    const at = async (gasLimit: bigint) => {
      const { transaction } = ethSend('a', 0, { gasLimit, maxFeePerGas: 10n ** 11n });
      const outcome = await evm.read(0, transaction);
      const fee = maxFeeOf({ family: 'evm', transaction });
      return outcome.ok && isSigned({ ...outcome.reading, sendId: 'a', digest: 'd', feeAsset: 'ETH', fee });
    };
    expect([await at(100_000n), await at(100_001n)]).toEqual([true, false]);
  });

  test.each([
    NaN,
    null,
    undefined,
    1e30,
    5,
    -1,
    '',
    '-1',
    '1e30',
    'NaN',
    '0x10',
    '01',
    '1.5',
    ' 1',
    `1${'0'.repeat(38)}`,
  ])('what is no number of units is no request: %p', (maxFeePerGas) => {
    const { transaction, ...request } = ethSend('a', 0);
    const digits = {
      gasLimit: '21000',
      maxPriorityFeePerGas: '0',
      payment: { type: 'native', to: alice, amount: '1' },
    };
    const wire = (fee: unknown) => ({ ...request, transaction: { ...transaction, ...digits, maxFeePerGas: fee } });
    expect(signRequest.safeParse(wire('1')).success).toBe(true);
    expect(signRequest.safeParse(wire(maxFeePerGas)).success).toBe(false);
  });
});
