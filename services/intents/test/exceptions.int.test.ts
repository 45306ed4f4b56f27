import { randomUUID } from 'node:crypto';
import {
  getReceiptPolicy,
  listExceptions,
  resolveException,
  setReceiptPolicy,
  type CallRequest,
} from '@daybook/contracts';
import { uuidFrom } from '@daybook/runtime';
import { eventually } from '@daybook/testing';
import {
  created,
  depositMessage,
  depositOf,
  expectIntent,
  intentsRig,
  tenantId,
  ttlMs,
  type Deposit,
  type IntentsRig,
} from './intents-rig';

const amount = 1_000n;
const actor = 'key_of_an_operator';
let rig: IntentsRig;
beforeAll(async () => {
  rig = await intentsRig();
});
afterAll(() => rig.close());

type Policy = CallRequest<typeof setReceiptPolicy>['policy'];
const policy: Policy = {
  under: { toleranceBps: 0, place: 'held' },
  over: 'credited',
  late: 'held',
  wrongAsset: 'suspense',
  dust: { below: { USDT_TRC20: 5n }, place: 'suspense' },
};
const owner = { tenantId, mode: 'sandbox' } as const;

async function setPolicy(change: Partial<Policy> = {}) {
  const answer = await rig.call(setReceiptPolicy, { ...owner, policy: { ...policy, ...change }, actor });
  if (!answer.ok) throw new Error('refused');
  return answer.value;
}

async function list(request: Partial<CallRequest<typeof listExceptions>> = {}) {
  const none = { tenantId: null, status: null, kind: null, place: null, reason: null, asset: null, cursor: null };
  const answer = await rig.call(listExceptions, { ...none, mode: 'sandbox', limit: 100, ...request });
  if (!answer.ok) throw new Error(answer.rejection);
  return answer.value;
}

const resolve = (exceptionId: string, action: CallRequest<typeof resolveException>['action']) =>
  rig.call(resolveException, { mode: 'sandbox', exceptionId, action, actor });

type Intent = Awaited<ReturnType<typeof created>>;

async function pay(intent: Intent, units: bigint, change: Partial<Deposit> = {}) {
  const deposit = { ...depositOf(intent, units, rig.now().toISOString()), ...change };
  await rig.publish([depositMessage('seen', deposit), depositMessage('confirmed', deposit)]);
  return deposit;
}

async function listed(deposit: Deposit) {
  return eventually(
    async () => {
      const found = (await list()).exceptions.find(({ exceptionId }) => exceptionId === deposit.depositId);
      if (found === undefined) throw new Error('not listed yet');
      return found;
    },
    { timeoutMs: 15_000 },
  );
}

const expectAccounts = (intent: Intent, expected: object) =>
  eventually(() => expect(rig.accountsOf(intent.intentId)).toMatchObject(expected), { timeoutMs: 15_000 });

test('by the default policy a wrong asset is in suspense, is found by whose it is, and goes where somebody decides', async () => {
  const intent = await created(rig, { amount });
  const deposit = await pay(intent, 7n, { asset: 'SOL' });
  const found = await listed(deposit);
  expect(found).toEqual({
    exceptionId: deposit.depositId,
    kind: 'receipt',
    ...owner,
    subject: intent.intentId,
    asset: 'SOL',
    amountReceived: 7n,
    amount: 7n,
    place: 'suspense',
    reasons: ['wrong_asset'],
    decidedBy: 'wrong_asset',
    status: 'open',
    nextAction: 'identify',
    actions: ['credit', 'refund', 'suspend'],
    chain: deposit.chain,
    transactionReference: deposit.transactionId,
    receivedAt: found.receivedAt,
    updatedAt: found.updatedAt,
  });
  // Kept where it is: nothing is recorded.
  expect(await resolve(deposit.depositId, 'suspend')).toMatchObject({ ok: true });
  expect((await rig.eventsOf(intent.intentId)).map(({ type }) => type)).not.toContain('ReceiptMoved');

  expect(await resolve(deposit.depositId, 'refund')).toMatchObject({
    ok: true,
    value: { exception: { place: 'refundable', status: 'open', nextAction: 'refund' } },
  });
  const both = await Promise.all([resolve(deposit.depositId, 'credit'), resolve(deposit.depositId, 'credit')]);
  for (const answer of both)
    expect(answer).toMatchObject({
      ok: true,
      value: { exception: { place: 'credited', status: 'closed', actions: [] } },
    });
  expect(await resolve(deposit.depositId, 'refund')).toMatchObject({ rejection: 'exception_already_credited' });
  expect(await resolve(deposit.depositId, 'dismiss')).toMatchObject({ rejection: 'action_not_possible' });
  await expectAccounts(intent, { clearing: 0n, merchant: 7n, held: 0n, refundable: 0n, suspense: 0n });

  const moves = rig.published.filter(({ type, data }) => type === 'ReceiptMoved' && data.intentId === intent.intentId);
  expect(moves.map(({ data }) => data)).toMatchObject([
    {
      from: 'suspense',
      to: 'refundable',
      amount: 7n,
      actor,
      moveId: uuidFrom(['receipt-move', deposit.depositId, '1']),
    },
    {
      from: 'refundable',
      to: 'credited',
      amount: 7n,
      actor,
      moveId: uuidFrom(['receipt-move', deposit.depositId, '2']),
    },
  ]);
});

test('a policy holds for what is received from then on, whoever asks for it', async () => {
  const before = await created(rig, { amount });
  const [first] = [await pay(before, amount + 9n)];
  await expectIntent(rig, before.intentId, { status: 'settled', amountRefundable: 9n });
  const changed = await setPolicy();
  expect(changed.policy).toEqual(policy);
  rig.now.advance(1_000);
  expect(await setPolicy()).toEqual(changed);
  expect(await rig.call(getReceiptPolicy, owner)).toEqual({ ok: true, value: changed });
  expect(await rig.call(getReceiptPolicy, { tenantId: randomUUID(), mode: 'sandbox' })).toMatchObject({
    value: { policy: { over: 'refundable', wrongAsset: 'suspense' }, changedAt: null },
  });

  const second = await pay(before, 9n);
  expect(await listed(second)).toMatchObject({
    place: 'credited',
    decidedBy: 'over',
    status: 'closed',
    nextAction: null,
  });
  expect(await listed(first)).toMatchObject({ place: 'refundable', amount: 9n, amountReceived: amount + 9n });
  await expectAccounts(before, { clearing: 0n, merchant: amount + 9n, refundable: 9n });
});

test('under, late and dust: each is in one place, with what is to be done', async () => {
  await setPolicy();
  const [under, late, dust] = [
    await created(rig, { amount }),
    await created(rig, { amount }),
    await created(rig, { amount }),
  ];
  const parts = [await pay(under, 300n), await pay(under, 400n)];
  const speck = await pay(dust, amount + 4n);
  await expectIntent(rig, under.intentId, { status: 'partially_paid' });
  await expectIntent(rig, dust.intentId, { status: 'settled' });
  rig.now.advance(ttlMs);
  await expectIntent(rig, under.intentId, { status: 'underpaid', amountApplied: 0n, amountRefundable: 0n });
  await expectIntent(rig, late.intentId, { status: 'expired' });
  const tardy = await pay(late, amount);
  expect(await listed(tardy)).toMatchObject({ place: 'held', reasons: ['paid_late'], nextAction: 'decide' });
  for (const part of parts)
    expect(await listed(part)).toMatchObject({
      place: 'held',
      amount: part.amount,
      reasons: ['underpaid'],
      decidedBy: 'under',
    });
  expect(await listed(speck)).toMatchObject({
    place: 'suspense',
    amount: 4n,
    reasons: ['overpaid'],
    decidedBy: 'dust',
  });
  await resolve(parts[0]!.depositId, 'credit');
  await resolve(parts[1]!.depositId, 'refund');
  await expectAccounts(under, { clearing: 0n, merchant: 300n, held: 0n, refundable: 400n, suspense: 0n });
  await expectAccounts(late, { merchant: 0n, held: amount });
  await expectAccounts(dust, { merchant: amount, suspense: 4n });
});

test('within the tolerance an intent is paid with what came', async () => {
  await setPolicy({ under: { toleranceBps: 100, place: 'held' } });
  const intent = await created(rig, { amount });
  await pay(intent, 990n);
  await expectIntent(rig, intent.intentId, { status: 'settled', amountApplied: 990n, exceptions: ['underpaid'] });
  await expectAccounts(intent, { clearing: 0n, merchant: 990n });
});

test('the list has filters and pages, and tells nothing of the other mode', async () => {
  const all = (await list()).exceptions;
  expect(all.length).toBeGreaterThanOrEqual(6);
  const paged: string[] = [];
  for (let cursor: string | null = null; ;) {
    const page: Awaited<ReturnType<typeof list>> = await list({ limit: 2, cursor });
    paged.push(...page.exceptions.map(({ exceptionId }) => exceptionId));
    cursor = page.nextCursor;
    if (cursor === null) break;
  }
  expect(paged).toEqual(all.map(({ exceptionId }) => exceptionId));
  const only = async (request: Parameters<typeof list>[0]) => (await list(request)).exceptions;
  const ids = (some: typeof all) => some.map(({ exceptionId }) => exceptionId);
  expect(await only({ status: 'open' })).toEqual(all.filter(({ status }) => status === 'open'));
  expect(ids(await only({ place: 'held' }))).toEqual(ids(all.filter(({ place }) => place === 'held')));
  expect(ids(await only({ reason: 'overpaid' }))).toEqual(
    ids(all.filter(({ reasons }) => reasons.includes('overpaid'))),
  );
  expect(ids(await only({ asset: 'SOL' }))).toEqual(ids(all.filter(({ asset }) => asset === 'SOL')));
  expect(await only({ kind: 'payment' })).toEqual([]);
  expect(await only({ tenantId: randomUUID() })).toEqual([]);
  expect(await only({ mode: 'live' })).toEqual([]);
  expect(await rig.call(listExceptions, { ...noFilter, cursor: 'bad' })).toMatchObject({ rejection: 'cursor_invalid' });
  for (const exceptionId of [randomUUID(), 'TX0', all[0]!.subject])
    expect(await resolve(exceptionId, 'refund')).toMatchObject({ rejection: 'exception_not_found' });
  const elsewhere = await rig.call(resolveException, {
    mode: 'live',
    exceptionId: all[0]!.exceptionId,
    action: 'refund',
    actor,
  });
  expect(elsewhere).toMatchObject({ rejection: 'exception_not_found' });
});

const noFilter = {
  mode: 'sandbox',
  tenantId: null,
  status: null,
  kind: null,
  place: null,
  reason: null,
  asset: null,
  limit: 1,
} as const;
