import { isOperationalError } from '@daybook/core';
import { Transaction, Wallet } from 'ethers';
import type { Prepared, SendChain, SendTerms, SlotStatus } from '../src/ports';
import { evmRollupTestChain, oracleCalls, type Rollup, type RollupTestChain } from './evm-rollup-test-chain';
import { withResult } from './lying-wire';
import type { SignedBytes } from './send-test-chain';

const ether = 10n ** 18n;
const amount = ether;
const gwei = 10n ** 9n;
/** Above the gas of a payment, so that nothing of it can hide there. */
const usual = { data: 10_000n * gwei, operator: 0n };
/** What a wallet is asked to have of what the oracle tells now. */
const reserve = 2n;

const base = { chainId: 8_453, oracle: '0x420000000000000000000000000000000000000F', bytes: 'unsigned' } as const;
const scroll = { chainId: 534_352, oracle: '0x5300000000000000000000000000000000000002', bytes: 'signed' } as const;

let chain: RollupTestChain;
let sends: SendChain;
let made = 0;

async function start(rollup: Rollup): Promise<void> {
  chain = await evmRollupTestChain(rollup);
  sends = chain.connect();
}
async function usualTimes(): Promise<void> {
  chain.honest();
  await chain.setOracleCode(chain.oracleCode);
  await chain.setRates(usual);
  await chain.fund(100n * ether);
}

function termsOf(more: Partial<SendTerms> = {}): SendTerms {
  const toAddress = Wallet.createRandom().address;
  return { sendId: `send-${++made}`, asset: 'ETH', amount, toAddress, useContract: false, feeCap: null, ...more };
}
async function prepared(terms: SendTerms, by = sends): Promise<Prepared> {
  const preparing = await by.prepare(terms, chain.wallet, []);
  if (!preparing.ok) throw new Error(preparing.refusal);
  return preparing.prepared;
}
const signed = ({ sendId }: SendTerms, { transaction }: Prepared) => chain.sign(sendId, transaction);
const ofGas = ({ transaction }: Prepared) =>
  BigInt(`${transaction['gasLimit']}`) * BigInt(`${transaction['maxFeePerGas']}`);

async function finished({ slot }: Prepared, { transactionId }: SignedBytes) {
  await chain.mine(1);
  await chain.mine(2);
  const status = await sends.statusOf(slot, chain.wallet, [transactionId]);
  if (status.type !== 'included' || !status.final) throw new Error(`${status.type} is not final`);
  return status as Extract<SlotStatus, { type: 'included' }>;
}
async function expectUnanswered(asked: Promise<unknown>): Promise<void> {
  const error: unknown = await asked.then(
    (answer) =>
      new Error(
        `it answered ${JSON.stringify(answer, (_, value) => (typeof value === 'bigint' ? `${value}` : value))}`,
      ),
    (reason: unknown) => reason,
  );
  if (!isOperationalError(error)) throw error;
  expect(error.code).toBe('upstream_unavailable');
}

describe.each([
  ['the OP stack', base],
  ['Scroll', scroll],
])('what %s takes besides gas', (_, rollup) => {
  beforeAll(() => start(rollup));
  afterAll(() => chain?.stop());
  beforeEach(usualTimes);

  test('the poorest wallet that may send can pay it, though L1 asks twice as much by then', async () => {
    const terms = termsOf();
    const { maxFee } = await prepared(terms);
    await chain.fund(amount + maxFee - 1n);
    expect(await sends.prepare(terms, chain.wallet, [])).toEqual({ ok: false, refusal: 'insufficient_funds' });
    await chain.fund(amount + maxFee);
    const send = await prepared(terms);
    expect(send.maxFee).toBe(maxFee);
    const bytes = await signed(terms, send);
    await chain.setRates({ ...usual, data: 2n * usual.data });
    await sends.broadcast(bytes.bytes);
    const { fee } = await finished(send, bytes);
    expect(await chain.held(terms.toAddress)).toBe(amount);
    expect(await chain.held()).toBe(maxFee - fee);
    expect(fee).toBeLessThanOrEqual(maxFee);
    expect(fee).toBeGreaterThan(ofGas(send));
  });

  test.each(['ETH', 'USDT_ERC20'] as const)(
    'what is held for %s is gas and twice what these bytes cost',
    async (asset) => {
      const terms = termsOf({ asset, amount: 1_000_000n });
      chain.oracleAsked.splice(0);
      const send = await prepared(terms);
      const bytes = await signed(terms, send);
      expect(send.maxFee).toBe(ofGas(send) + reserve * chain.dataFee(bytes));
      // What else is asked at the same time may be answered first.
      const call = chain.oracleAsked.find((data) => data.startsWith(oracleCalls.getFunction('getL1Fee')!.selector))!;
      const [asked] = oracleCalls.decodeFunctionData('getL1Fee', call) as unknown as [string];
      const [said, should] = [Transaction.from(asked), Transaction.from(`0x${bytes.bytes}`)];
      expect(said.unsignedSerialized).toBe(should.unsignedSerialized);
      expect(said.signature !== null).toBe(rollup.bytes === 'signed');
      await sends.broadcast(bytes.bytes);
      expect((await finished(send, bytes)).fee).toBeLessThanOrEqual(send.maxFee);
    },
  );

  test('a cap is one of all that a send may cost', async () => {
    const { maxFee } = await prepared(termsOf());
    const refused = { ok: false, refusal: 'fee_too_high' };
    expect(await sends.prepare(termsOf({ feeCap: maxFee - 1n }), chain.wallet, [])).toEqual(refused);
    expect(await chain.connect({ feeMax: maxFee - 1n }).prepare(termsOf(), chain.wallet, [])).toEqual(refused);
    expect((await prepared(termsOf({ feeCap: maxFee }), chain.connect({ feeMax: maxFee }))).maxFee).toBe(maxFee);
  });

  test('a raised fee is counted and capped with what L1 takes by then', async () => {
    const terms = termsOf();
    const send = await prepared(terms);
    await signed(terms, send);
    await chain.setRates({ ...usual, data: 3n * usual.data });
    const higher = (await sends.bump(terms, send))!;
    expect(ofGas(higher)).toBeGreaterThan(ofGas(send));
    const bytes = await signed(terms, higher);
    expect(higher.maxFee).toBe(ofGas(higher) + reserve * chain.dataFee(bytes));
    const [just, less] = [higher.maxFee, higher.maxFee - 1n];
    expect(await sends.bump({ ...terms, feeCap: just }, send)).toEqual(higher);
    expect(await sends.bump({ ...terms, feeCap: less }, send)).toBeUndefined();
    expect(await chain.connect({ feeMax: just }).bump(terms, send)).toEqual(higher);
    expect(await chain.connect({ feeMax: less }).bump(terms, send)).toBeUndefined();
    await sends.broadcast(bytes.bytes);
    expect((await finished(higher, bytes)).fee).toBeLessThanOrEqual(higher.maxFee);
  });

  test.each([
    ['is not there', '0x'],
    ['reverts', '0x60006000fd'],
    ['tells no price', '0x60206000f3'],
    ['tells half a word', '0x600160005260106010f3'],
  ])('an oracle that %s is no answer: nothing is prepared', async (_what, code) => {
    const send = await prepared(termsOf());
    await chain.setOracleCode(code);
    await expectUnanswered(sends.prepare(termsOf(), chain.wallet, []));
    await expectUnanswered(sends.bump(termsOf(), send));
  });

  test('a chain that has not the oracle that it should have is refused', async () => {
    await sends.verify();
    await chain.setOracleCode('0x');
    await expectUnanswered(sends.verify());
  });

  test('a rollup that is not in the table is refused, and a chain that is none asks no oracle', async () => {
    const other = chain.connect({ chainId: 31_337 });
    chain.wire.lie(({ method }) => method === 'eth_chainId', withResult('0x7a69'));
    await expectUnanswered(other.verify());
    await chain.setOracleCode('0x');
    await other.verify();
    chain.oracleAsked.splice(0);
    const send = await prepared(termsOf(), other);
    expect(send.maxFee).toBe(ofGas(send));
    expect(chain.oracleAsked).toEqual([]);
  });
});

describe('what an operator of the OP stack takes for himself', () => {
  beforeAll(() => start(base));
  afterAll(() => chain?.stop());
  beforeEach(usualTimes);

  test('it is held by the gas limit, and told by the gas that was used', async () => {
    const rates = { ...usual, operator: 7n * gwei };
    await chain.setRates(rates);
    const terms = termsOf({ asset: 'USDT_ERC20', amount: 1_000_000n });
    const { maxFee } = await prepared(terms);
    await chain.fund(maxFee);
    const send = await prepared(terms);
    const bytes = await signed(terms, send);
    const ofOperator = BigInt(`${send.transaction['gasLimit']}`) * rates.operator * 100n;
    expect(send.maxFee).toBe(ofGas(send) + reserve * (chain.dataFee(bytes) + ofOperator));
    await sends.broadcast(bytes.bytes);
    const { fee } = await finished(send, bytes);
    expect(await chain.held()).toBe(maxFee - fee);
    expect(fee).toBeLessThanOrEqual(maxFee);
  });
});
