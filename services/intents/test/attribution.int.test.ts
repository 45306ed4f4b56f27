import { eventually } from '@daybook/testing';
import fc from 'fast-check';
import {
  created,
  depositMessage,
  depositOf,
  expectIntent,
  intentsRig,
  occurredAt,
  read,
  ttlMs,
  type IntentsRig,
} from './intents-rig';

const amount = 10n;
const patterns: Record<string, readonly bigint[]> = {
  'one unit under': [9n],
  exact: [10n],
  'one unit over': [11n],
  double: [10n, 10n],
  'split in seven': [1n, 1n, 1n, 1n, 1n, 1n, 4n],
};
const sumOf = (amounts: readonly bigint[]) => amounts.reduce((sum, each) => sum + each, 0n);

type Row = { status: string; applied: bigint; refundable: bigint; exceptions: readonly string[] };
const row = (status: string, applied: bigint, refundable: bigint, ...exceptions: string[]): Row => ({
  status,
  applied,
  refundable,
  exceptions,
});
const forEach = (rowOf: (received: bigint) => Row) =>
  Object.fromEntries(Object.entries(patterns).map(([name, amounts]) => [name, rowOf(sumOf(amounts))]));
const late = forEach((received) => row('expired', 0n, received, 'paid_late'));

let rig: IntentsRig;
beforeAll(async () => {
  rig = await intentsRig();
});
afterAll(() => rig.close());

type Case = { readonly name: string; readonly intent: Awaited<ReturnType<typeof created>> };

async function open(): Promise<readonly Case[]> {
  return Promise.all(Object.keys(patterns).map(async (name) => ({ name, intent: await created(rig, { amount }) })));
}

async function pay(cases: readonly Case[], at: string) {
  const deposits = cases.flatMap(({ name, intent }) => patterns[name]!.map((each) => depositOf(intent, each, at)));
  await rig.publish(shuffledMessages(deposits));
}

/** Every fact of the deposits three times (twice the same message, once under another id), in a random order. */
function shuffledMessages(deposits: readonly ReturnType<typeof depositOf>[]) {
  const messages = deposits.flatMap((deposit) =>
    (['seen', 'confirmed'] as const).flatMap((kind) => [
      depositMessage(kind, deposit),
      depositMessage(kind, deposit),
      depositMessage(kind, deposit, 'again'),
    ]),
  );
  return fc.sample(fc.shuffledSubarray(messages, { minLength: messages.length }), 1)[0]!;
}

async function expectRows(cases: readonly Case[], expected: Readonly<Record<string, Row>>) {
  const rows = async () =>
    Object.fromEntries(
      await Promise.all(
        cases.map(async ({ name, intent: { intentId } }) => {
          const { status, amountApplied, amountRefundable, exceptions } = await read(rig, intentId);
          return [name, row(status, amountApplied, amountRefundable, ...exceptions)] as const;
        }),
      ),
    );
  await eventually(async () => expect(await rows()).toEqual(expected), { timeoutMs: 15_000 });
}

/** What was received, and nothing else, is in the accounts, and the intent says the same. */
async function expectConserved(cases: readonly Case[], receivedBefore = 0n) {
  for (const { name, intent } of cases) {
    const received = receivedBefore + sumOf(patterns[name]!);
    const { amountReceived, amountApplied, amountRefundable } = await read(rig, intent.intentId);
    expect([name, amountReceived, amountApplied + amountRefundable]).toEqual([name, received, received]);
    await eventually(
      () => {
        const { clearing, merchant, refundable } = rig.accountsOf(intent.intentId);
        expect([name, clearing, merchant, refundable]).toEqual([name, 0n, amountApplied, amountRefundable]);
      },
      { timeoutMs: 15_000 },
    );
    const types = (await rig.eventsOf(intent.intentId)).map(({ type }) => type);
    expect(types.filter((type) => ['IntentPaid', 'IntentExpired', 'IntentUnderpaid'].includes(type))).toHaveLength(1);
  }
}

describe('under, exact, over, double and split in seven', () => {
  test('before expiry', async () => {
    const cases = await open();
    await pay(cases, rig.now().toISOString());
    const paid = {
      exact: row('settled', 10n, 0n),
      'one unit over': row('settled', 10n, 1n, 'overpaid'),
      double: row('settled', 10n, 10n, 'overpaid'),
      'split in seven': row('settled', 10n, 0n),
    };
    await expectRows(cases, { ...paid, 'one unit under': row('partially_paid', 9n, 0n) });
    rig.now.advance(ttlMs);
    await expectRows(cases, { ...paid, 'one unit under': row('underpaid', 0n, 9n) });
    await expectConserved(cases);
  });

  test('at the instant of expiry', async () => {
    const cases = await open();
    await pay(cases, cases[0]!.intent.expiresAt);
    await expectRows(
      cases,
      forEach((received) => row('pending', 0n, received, 'paid_late')),
    );
    rig.now.advance(ttlMs);
    await expectRows(cases, late);
    await expectConserved(cases);
  });

  test('after expiry', async () => {
    const cases = await open();
    rig.now.advance(ttlMs);
    await expectRows(
      cases,
      forEach(() => row('expired', 0n, 0n)),
    );
    await pay(cases, rig.now().toISOString());
    await expectRows(cases, late);
    await expectConserved(cases);
  });

  test('after settlement', async () => {
    const cases = await open();
    const first = cases.map(({ intent }) => depositOf(intent, amount, rig.now().toISOString()));
    await rig.publish(shuffledMessages(first));
    await expectRows(
      cases,
      forEach(() => row('settled', 10n, 0n)),
    );
    await pay(cases, rig.now().toISOString());
    await expectRows(
      cases,
      forEach((received) => row('settled', 10n, received, 'overpaid')),
    );
    await expectConserved(cases, amount);
    for (const [index, { intent }] of cases.entries())
      expect((await read(rig, intent.intentId)).transactionHash).toBe(first[index]?.transactionId);
  });
});

describe('a payment as others are told of it', () => {
  test('publishes every change once, in order, with the full state', async () => {
    const intent = await created(rig, { amount });
    const deposit = depositOf(intent, 12n, rig.now().toISOString());
    const block = { blockNumber: 2, blockHash: '0xb2', at: new Date(rig.now().getTime() + 1).toISOString() };
    await rig.publish([depositMessage('seen', deposit), depositMessage('reverted', { ...deposit, ...block })]);
    await expectIntent(rig, intent.intentId, { status: 'pending', amountReceived: 0n });
    const later = new Date(rig.now().getTime() + 2).toISOString();
    await rig.publish([
      depositMessage('seen', { ...deposit, ...block, at: later }),
      depositMessage('confirmed', { ...deposit, ...block, at: later }),
    ]);
    await expectIntent(rig, intent.intentId, { status: 'settled' });

    const told = () => rig.published.filter(({ data }) => data.intentId === intent.intentId);
    await eventually(() => expect(told().at(-1)?.data).toMatchObject({ status: 'settled' }), { timeoutMs: 15_000 });
    expect(told().map((fact) => (fact.type === 'IntentStatusChanged' ? fact.data.status : fact.type))).toEqual([
      'pending',
      'confirming',
      'pending',
      'confirming',
      'PaymentReceived',
      'confirming',
      'IntentPaid',
      'paid',
      'settled',
    ]);
    const { verifiedAt, ...rest } = await read(rig, intent.intentId);
    expect(told().at(-1)?.data).toMatchObject({ ...rest, verifiedAt, amountRefundable: 2n, exceptions: ['overpaid'] });
    expect(verifiedAt).toBe(occurredAt);
  });

  test('another asset is in suspense, in that asset, and leaves the intent as it was', async () => {
    const intent = await created(rig, { amount });
    const wrong = { ...depositOf(intent, 7n, rig.now().toISOString()), asset: 'SOL' as const };
    await rig.publish([depositMessage('seen', wrong), depositMessage('confirmed', wrong)]);
    await expectIntent(rig, intent.intentId, { status: 'pending', amountReceived: 0n, exceptions: ['wrong_asset'] });
    await eventually(
      () =>
        expect(rig.published).toContainEqual({
          type: 'PaymentReceived',
          data: expect.objectContaining({ intentId: intent.intentId, asset: 'SOL', applied: 0n, suspense: 7n }),
        }),
      { timeoutMs: 15_000 },
    );
  });
});
