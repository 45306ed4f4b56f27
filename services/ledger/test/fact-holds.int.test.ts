import { randomUUID } from 'node:crypto';
import {
  institutionTransferFailed,
  institutionTransferReturned,
  institutionTransferSettled,
  operateBook,
  providerPaymentReceived,
  providerPaymentReturned,
  type BookOperation,
  type listTransactions,
} from '@daybook/contracts';
import type { StoredEvent } from '@daybook/event-store';
import { callClient } from '@daybook/http';
import { messageOf } from '@daybook/messaging';
import { Secret } from '@daybook/runtime';
import { eventually } from '@daybook/testing';
import { alice, balance, ledgerRig, must, token, type LedgerRig } from './ledger-rig';

let rig: LedgerRig;
beforeAll(async () => {
  rig = await ledgerRig();
});
afterAll(() => rig.close());

const at = '2026-03-01T10:00:00.000Z';
const institutionId = randomUUID();
const common = { tenantId: alice, mode: 'sandbox', asset: 'USD' } as const;
const merchant = `merchant:${alice}:USD`;

/** As another service would have recorded it. */
function source(): StoredEvent {
  const id = randomUUID();
  const metadata = { correlationId: id, causationId: id };
  return { id, stream: 'test', revision: 0n, recordedAt: new Date(at), metadata } as StoredEvent;
}

async function operate(operation: BookOperation) {
  const call = callClient({ baseUrl: rig.calls.url, token: new Secret(token) });
  return call(operateBook, { mode: 'sandbox', tenantId: null, actor: 'settlement', dryRun: false, operation });
}

/** Holds `amount` for a transfer of the tenant, after it was paid as much. */
async function held(amount: bigint): Promise<{ transactionId: string; holdId: string }> {
  const before = await balance(rig, merchant).catch(() => ({ posted: 0n }));
  const paid = { ...common, transactionId: `TX${randomUUID()}`, gatewayId: randomUUID(), amount, at };
  await rig.transport.publish([messageOf(providerPaymentReceived, paid, source())]);
  const posted = before.posted + amount;
  await eventually(async () => expect(await balance(rig, merchant)).toMatchObject({ posted }), { timeoutMs: 10_000 });
  const transactionId = `TX${randomUUID()}`;
  const holdId = `institution-transfer:${transactionId}`;
  const place = { type: 'hold', holdId, accountId: merchant, asset: 'USD', amount, expiresAt: null } as const;
  expect(await operate({ ...place, metadata: null })).toMatchObject({ ok: true });
  return { transactionId, holdId: `ops/${holdId}` };
}

const settled = ({ transactionId, holdId }: { transactionId: string; holdId: string }, amount: bigint) =>
  messageOf(institutionTransferSettled, { ...common, transactionId, holdId, institutionId, amount, at }, source());

async function posted(subject: string, count: number) {
  return eventually(
    async () => {
      const { transactions } = await must<typeof listTransactions>(rig.calls.listTransactions({ subject }));
      expect(transactions).toHaveLength(count);
      return transactions;
    },
    { timeoutMs: 10_000 },
  );
}

const breachesOf = async (transactionId: string) => {
  const events = (await rig.events()).map(({ payload }) => JSON.parse(payload.toString('utf8')) as never);
  return events.flatMap((event: { transactionId?: string; floorBreaches?: string[] }) =>
    event.transactionId === transactionId ? (event.floorBreaches ?? []) : [],
  );
};

test('what was held for a transfer is free in the moment that it is posted, so no floor is broken; told twice, once', async () => {
  const transfer = await held(700n);
  await rig.transport.publish([settled(transfer, 700n), settled(transfer, 700n)]);
  const [only] = await posted(transfer.transactionId, 1);
  expect(only).toMatchObject({ rule: 'institution-transfer@1', cause: { type: 'institution_transfer' } });
  expect(await balance(rig, merchant)).toMatchObject({ posted: 0n, held: 0n, available: 0n });
  expect(await balance(rig, `institution:${institutionId}:USD`)).toMatchObject({ posted: -700n });
  expect(await breachesOf(transfer.transactionId)).toEqual([]);

  const back = { ...common, transactionId: transfer.transactionId, institutionId, amount: 700n, at };
  await rig.transport.publish([1, 2].map(() => messageOf(institutionTransferReturned, back, source())));
  const transactions = await posted(transfer.transactionId, 2);
  expect(transactions[1]).toMatchObject({
    transactionId: `return:${transfer.transactionId}`,
    rule: 'institution-transfer-return@1',
  });
  expect(await balance(rig, merchant)).toMatchObject({ posted: 700n, held: 0n });
  expect(await balance(rig, `institution:${institutionId}:USD`)).toMatchObject({ posted: 0n });
});

test('a refusal releases the hold, once, and what comes after it is still a fact', async () => {
  const transfer = await held(30n);
  const { posted: before } = await balance(rig, merchant);
  const refused = { ...common, ...transfer, institutionId, amount: 30n, at };
  await rig.transport.publish([1, 2].map(() => messageOf(institutionTransferFailed, refused, source())));
  await eventually(async () => expect(await balance(rig, merchant)).toMatchObject({ posted: before, held: 0n }), {
    timeoutMs: 10_000,
  });
  await rig.transport.publish([settled(transfer, 30n)]);
  await posted(transfer.transactionId, 1);
  expect(await balance(rig, merchant)).toMatchObject({ posted: before - 30n, held: 0n });
});

test('a hold that an operator has released leaves the fact as true as it was: it is recorded, and names the floor', async () => {
  const transfer = await held(50n);
  await operate({ type: 'release', releaseId: randomUUID(), holdId: transfer.holdId });
  const { posted: amount } = await balance(rig, merchant);
  const entries = [
    { accountId: merchant, asset: 'USD' as const, direction: 'debit' as const, amount },
    { accountId: `institution:${institutionId}:USD`, asset: 'USD' as const, direction: 'credit' as const, amount },
  ];
  const spend = { type: 'post', transactionId: randomUUID(), mode: 'authorizing', entries } as const;
  const plain = { effectiveAt: null, closedPeriod: 'refuse', description: null, metadata: null } as const;
  expect(await operate({ ...spend, ...plain, entries })).toMatchObject({ ok: true });
  await rig.transport.publish([settled(transfer, 50n)]);
  await posted(transfer.transactionId, 1);
  expect(await breachesOf(transfer.transactionId)).toEqual([merchant]);
  expect(await balance(rig, merchant)).toMatchObject({ posted: -50n, held: 0n });
});

test('what went back of a payment is debited, below the floor too, and credited when it comes back; told twice, once', async () => {
  const { posted: before } = await balance(rig, merchant);
  const paid = { ...common, transactionId: `TX${randomUUID()}`, gatewayId: randomUUID() };
  const moved = (change: number, direction: 'returned' | 'reinstated', amount: bigint) =>
    messageOf(providerPaymentReturned, { ...paid, change, direction, amount, at }, source());
  const first = moved(1, 'returned', 40n);
  const received = messageOf(providerPaymentReceived, { ...paid, amount: 100n, at }, source());
  // The payer's bank takes the rest, and more than there is.
  const more = before + 1_000n;
  await rig.transport.publish([received, first, moved(1, 'returned', 40n), moved(2, 'returned', more)]);
  await rig.transport.publish([moved(3, 'reinstated', 7n), moved(3, 'reinstated', 7n)]);
  const transactions = await posted(paid.transactionId, 4);
  expect(transactions.map(({ transactionId, rule }) => [transactionId, rule])).toEqual([
    [paid.transactionId, 'provider-payment@1'],
    [`return:${paid.transactionId}:1`, 'provider-payment-return@1'],
    [`return:${paid.transactionId}:2`, 'provider-payment-return@1'],
    [`return:${paid.transactionId}:3`, 'provider-payment-reinstatement@1'],
  ]);
  expect(await breachesOf(`return:${paid.transactionId}:2`)).toEqual([merchant]);
  const left = 100n - 40n - more + 7n;
  expect(await balance(rig, merchant)).toMatchObject({ posted: before + left });
  expect(await balance(rig, `provider:${paid.gatewayId}:USD`)).toMatchObject({ posted: left });
});
