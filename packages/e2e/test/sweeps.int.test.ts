/** Deposits that the operator sweeps into a hot wallet, on a real node, from the payer to the books. */
import { randomUUID } from 'node:crypto';
import { createIntent, getIntent } from '@daybook/contracts';
import { payFromFaucet } from '@daybook/embedded';
import { eventually, expectBooksBalance } from '@daybook/testing';
import { JsonRpcProvider } from 'ethers';
import { depositKey, merchant, owner, sendRig, type SendRig } from './send-rig';
import { valueOf } from './value-of';

const ether = 10n ** 18n;
const gas = 21_000n;
const gasPrice = 10n ** 10n;
const custody = 'custody:evm-31337:ETH';
let rig: SendRig;
let intents: Awaited<ReturnType<SendRig['intents']>>;
let wallet: string;
let provider: JsonRpcProvider;
beforeAll(async () => {
  rig = await sendRig();
  intents = await rig.intents();
  wallet = await rig.fund(ether);
  provider = new JsonRpcProvider(rig.node.url, 31_337, { staticNetwork: true, cacheTimeout: -1 });
}, 60_000);
afterAll(async () => {
  provider?.destroy();
  await rig.close();
});

async function intentOf(amount: bigint) {
  const request = { ...owner, currency: 'ETH' as const, amount, orderId: randomUUID(), idempotencyKey: null };
  return valueOf(await intents(createIntent, request)).intent;
}
const statusOf = async (intentId: string) => valueOf(await intents(getIntent, { ...owner, intentId })).intent.status;
const paid = (to: string, amount: bigint) => payFromFaucet({ rpcUrl: rig.node.url, to, amount, asset: 'ETH' });

/** All that lies on a deposit address, less what the chain takes for moving it. Who has the key signs. */
async function sweep(address: string, to: string): Promise<bigint> {
  const key = Array.from({ length: 10 }, (_, index) => depositKey.deriveChild(index)).find(
    (child) => child.address === address,
  );
  const value = (await rig.balanceOf(address)) - gas * gasPrice;
  await (await key!.connect(provider).sendTransaction({ to, value, gasLimit: gas, gasPrice, type: 0 })).wait();
  return value;
}
const settles = (check: () => Promise<void>) =>
  eventually(
    async () => {
      await rig.mine(1);
      await check();
    },
    { timeoutMs: 20_000 },
  );

test('a deposit that is swept into the hot wallet is credited once, and the wallet and the books agree with the chain', async () => {
  const [before, inCustody] = [await rig.account(merchant), (await rig.account(custody)).posted];
  const amount = ether / 2n;
  const { intentId, paymentAddress } = await intentOf(amount);
  await paid(paymentAddress, amount);
  await settles(async () => expect(await statusOf(intentId)).toBe('settled'));
  expect((await rig.account(merchant)).posted).toBe(before.posted + amount);
  expect((await rig.account(custody)).posted).toBe(inCustody + amount);

  const swept = await sweep(paymentAddress, wallet);
  await settles(async () => {
    // What the chain took for the sweep is booked nowhere: custody is said to have it still.
    expect((await rig.account(custody)).posted).toBe(inCustody + amount - swept);
    expect(await rig.wallets()).toMatchObject([{ address: wallet, difference: 0n }]);
  });
  expect((await rig.account(merchant)).posted).toBe(before.posted + amount);

  // It can be spent, and what a hot wallet pays to a deposit address is paid.
  const again = await intentOf(amount + ether);
  valueOf(await rig.create({ toAddress: again.paymentAddress, amount: amount + ether - ether / 100n }));
  await paid(again.paymentAddress, ether / 100n);
  await settles(async () => expect(await statusOf(again.intentId)).toBe('settled'));
  await settles(async () => expect(await rig.wallets()).toMatchObject([{ difference: 0n, underway: 0 }]));
  await expectBooksBalance({ databaseUrl: rig.database.url });
});

test('a sweep to another deposit address pays no intent', async () => {
  const [one, other] = [await intentOf(ether / 4n), await intentOf(ether / 5n)];
  await paid(one.paymentAddress, ether / 4n);
  await settles(async () => expect(await statusOf(one.intentId)).toBe('settled'));
  const { posted } = await rig.account(custody);
  await sweep(one.paymentAddress, other.paymentAddress);
  await rig.mine(3);
  // What comes after it on the chain is told after it.
  await paid(other.paymentAddress, 1n);
  await settles(async () => expect(await statusOf(other.intentId)).toBe('partially_paid'));
  expect((await rig.account(custody)).posted).toBe(posted + 1n);
  await expectBooksBalance({ databaseUrl: rig.database.url });
});
