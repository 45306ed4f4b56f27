import { randomUUID } from 'node:crypto';
import {
  intentUnderpaid,
  paymentReceived,
  receiptMoved,
  sendFinal,
  settlementInstructed,
  sweepReceived,
  transactionPosted,
  type listTransactions,
} from '@daybook/contracts';
import type { StoredEvent } from '@daybook/event-store';
import { messageOf, type OutgoingMessage } from '@daybook/messaging';
import { eventually } from '@daybook/testing';
import { alice, balance, ledgerRig, must, type LedgerRig } from './ledger-rig';

let rig: LedgerRig;
beforeEach(async () => {
  rig = await ledgerRig();
});
afterEach(() => rig.close());

const at = '2026-03-01T10:00:00.000Z';
const intentId = randomUUID();
const common = { tenantId: alice, mode: 'sandbox', asset: 'USDT_ERC20', at } as const;

/** As another service would have recorded it. */
function source(): StoredEvent {
  const id = randomUUID();
  const metadata = { correlationId: id, causationId: id };
  return { id, stream: 'test', revision: 0n, recordedAt: new Date(at), metadata } as StoredEvent;
}

function payment(
  depositId: string,
  applied: bigint,
  refundable: bigint,
  elsewhere: { credited?: bigint; held?: bigint; suspense?: bigint } = {},
): OutgoingMessage {
  const split = { applied, credited: 0n, held: 0n, refundable, suspense: 0n, ...elsewhere };
  return messageOf(paymentReceived, { ...common, intentId, depositId, chain: 'evm', ...split }, source());
}

async function posted(count: number) {
  return eventually(
    async () => {
      const { transactions } = await must<typeof listTransactions>(rig.calls.listTransactions({ subject: intentId }));
      expect(transactions).toHaveLength(count);
      return transactions;
    },
    { timeoutMs: 10_000 },
  );
}

const balanceOf = async (accountId: string) => (await balance(rig, accountId)).posted;

test('a payment goes from custody to clearing and refundable, and a settlement on to the merchant', async () => {
  const [depositId, settlementId] = [randomUUID(), randomUUID()];
  await rig.transport.publish([payment(depositId, 70n, 30n)]);
  await posted(1);
  await rig.transport.publish([
    messageOf(settlementInstructed, { ...common, settlementId, intentId, amount: 70n }, source()),
  ]);
  const transactions = await posted(2);
  expect(transactions.map(({ rule, cause }) => [rule, cause])).toEqual([
    ['intent-payment@1', { type: 'intent_payment', id: depositId, subject: intentId }],
    ['settlement@1', { type: 'settlement', id: settlementId, subject: intentId }],
  ]);
  expect(await balanceOf('custody:evm:USDT_ERC20')).toBe(100n);
  expect(await balanceOf(`clearing:${alice}:USDT_ERC20`)).toBe(0n);
  expect(await balanceOf(`merchant:${alice}:USDT_ERC20`)).toBe(70n);
  expect(await balanceOf(`refundable:${alice}:USDT_ERC20`)).toBe(30n);
  await eventually(
    () => expect(rig.published.map(({ type }) => type)).toEqual([transactionPosted.type, transactionPosted.type]),
    {
      timeoutMs: 10_000,
    },
  );
});

test('an intent that ends underpaid owes back what was applied', async () => {
  await rig.transport.publish([
    payment(randomUUID(), 40n, 0n),
    messageOf(intentUnderpaid, { ...common, intentId, amount: 40n, place: 'refundable' }, source()),
  ]);
  const transactions = await posted(2);
  expect(transactions[1]).toMatchObject({ transactionId: `underpaid:${intentId}`, rule: 'intent-underpaid@1' });
  expect(await balanceOf(`clearing:${alice}:USDT_ERC20`)).toBe(0n);
  expect(await balanceOf(`refundable:${alice}:USDT_ERC20`)).toBe(40n);
});

test('what a policy sends elsewhere is there, and goes on where somebody decides', async () => {
  const [over, wrong] = [randomUUID(), randomUUID()];
  const move = { ...common, intentId, actor: 'key_ops' } as const;
  const [firstMove, secondMove] = [randomUUID(), randomUUID()];
  await rig.transport.publish([
    payment(over, 70n, 0n, { credited: 30n }),
    payment(wrong, 0n, 0n, { suspense: 9n }),
    payment(randomUUID(), 0n, 0n, { held: 5n }),
    messageOf(
      receiptMoved,
      { ...move, moveId: firstMove, depositId: wrong, amount: 9n, from: 'suspense', to: 'refundable' },
      source(),
    ),
    messageOf(
      receiptMoved,
      { ...move, moveId: secondMove, depositId: wrong, amount: 9n, from: 'refundable', to: 'credited' },
      source(),
    ),
    messageOf(intentUnderpaid, { ...common, intentId, amount: 70n, place: 'held' }, source()),
  ]);
  const transactions = await posted(6);
  expect(transactions.map(({ rule }) => rule)).toEqual([
    ...Array<string>(3).fill('intent-receipt@1'),
    ...Array<string>(3).fill('receipt-move@1'),
  ]);
  expect(transactions.slice(3).map(({ transactionId }) => transactionId)).toEqual([
    firstMove,
    secondMove,
    `underpaid:${intentId}`,
  ]);
  expect(await balanceOf('custody:evm:USDT_ERC20')).toBe(114n);
  const balances = ['clearing', 'merchant', 'held', 'refundable', 'suspense'].map((purpose) =>
    balanceOf(`${purpose}:${alice}:USDT_ERC20`),
  );
  expect(await Promise.all(balances)).toEqual([0n, 39n, 75n, 0n, 0n]);
});

test('a payment that is told three times, and once more after a restart, is posted once', async () => {
  const depositId = randomUUID();
  await rig.transport.publish([1, 2, 3].map(() => payment(depositId, 5n, 0n)));
  await posted(1);
  await rig.restart();
  const after = randomUUID();
  await rig.transport.publish([payment(depositId, 5n, 0n), payment(after, 1n, 0n)]);
  const transactions = await posted(2);
  expect(transactions.map(({ transactionId }) => transactionId)).toEqual([depositId, after]);
});

test('a settlement of more than was cleared is recorded, and names the floor that it breaks', async () => {
  await rig.transport.publish([
    messageOf(settlementInstructed, { ...common, settlementId: randomUUID(), intentId, amount: 7n }, source()),
  ]);
  await posted(1);
  const event = (await rig.events()).find(({ type }) => type === 'TransactionPosted');
  expect(JSON.parse(event!.payload.toString())).toMatchObject({
    floorBreaches: [`clearing:${alice}:USDT_ERC20`],
    effectiveAt: at,
  });
});

test('a send has the content hash that repeats of it are known by for ever', async () => {
  const id = '018f2f7a-0000-7000-8000-00000000000';
  const ids = { tenantId: `${id}1`, transactionId: `${id}2`, walletId: `${id}3` };
  const holds = { amountHoldId: 'ops/amount', feeHoldId: 'ops/fee' };
  const amounts = { asset: 'USDT_ERC20', amount: 7n, feeAsset: 'ETH', fee: 3n } as const;
  const message = messageOf(sendFinal, { mode: 'sandbox', ...ids, ...holds, ...amounts, at }, source());
  await rig.transport.publish([message, message]);
  const sent = await eventually(
    async () => {
      const found = (await rig.events()).filter(({ payload }) => payload.includes(ids.transactionId));
      expect(found).toHaveLength(1);
      return JSON.parse(found[0]!.payload.toString()) as unknown;
    },
    { timeoutMs: 10_000 },
  );
  expect(sent).toMatchObject({
    rule: 'chain-send@1',
    contentHash: '3953f9536743d871b008c16d6cd0821421c74e6b55de1d691cbffaa411aff143',
  });
  expect(await balanceOf(`wallet:${ids.walletId}:ETH`)).toBe(-3n);
});

test('a sweep moves what deposit addresses hold to the hot wallet, once, and nobody has more or less', async () => {
  const [depositId, walletId] = [randomUUID(), randomUUID()];
  const swept = { depositId, walletId, tenantId: alice, mode: 'sandbox', chain: 'evm-7', asset: 'ETH' } as const;
  const message = messageOf(sweepReceived, { ...swept, amount: 7n, at }, source());
  await rig.transport.publish([message, message]);
  const found = await eventually(
    async () => {
      const events = (await rig.events()).filter(({ payload }) => payload.includes(depositId));
      expect(events).toHaveLength(1);
      return JSON.parse(events[0]!.payload.toString()) as object;
    },
    { timeoutMs: 10_000 },
  );
  expect(found).not.toHaveProperty('tenantId');
  expect(found).toMatchObject({
    rule: 'wallet-sweep@1',
    entries: [expect.anything(), expect.anything()],
  });
  expect(await balanceOf(`wallet:${walletId}:ETH`)).toBe(7n);
  expect(await balanceOf('custody:evm-7:ETH')).toBe(-7n);
});
