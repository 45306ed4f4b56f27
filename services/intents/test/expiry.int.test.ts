import { randomUUID } from 'node:crypto';
import { commandHandler } from '@daybook/event-store';
import { eventually } from '@daybook/testing';
import { intentEvents } from '../src/adapters/stored-events';
import { paymentIntent, type IntentCommand } from '../src/domain/payment-intent';
import {
  created,
  depositMessage,
  depositOf,
  expectIntent,
  intentsRig,
  read,
  tenantId,
  ttlMs,
  type IntentsRig,
} from './intents-rig';

const outcomes = ['IntentPaid', 'IntentExpired', 'IntentUnderpaid'];
const amount = 10n;

let rig: IntentsRig;
beforeAll(async () => {
  rig = await intentsRig();
});
afterAll(() => rig.close());

const outcomesOf = async (intentId: string) =>
  (await rig.eventsOf(intentId)).map(({ type }) => type).filter((type) => outcomes.includes(type));

describe('expiry', () => {
  test('waits for a deposit that was seen in time, then lets it pay', async () => {
    const intent = await created(rig, { amount });
    const deposit = depositOf(intent, amount, rig.now().toISOString());
    await rig.publish([depositMessage('seen', deposit)]);
    await expectIntent(rig, intent.intentId, { status: 'confirming' });
    // The other intent is due at the same time, and ends: the worker has passed by.
    const other = await created(rig, { amount });
    rig.now.advance(ttlMs);
    await expectIntent(rig, other.intentId, { status: 'expired' });
    expect((await read(rig, intent.intentId)).status).toBe('confirming');
    await rig.publish([depositMessage('confirmed', { ...deposit, at: rig.now().toISOString() })]);
    await expectIntent(rig, intent.intentId, { status: 'settled', exceptions: [] });
  });

  test('waits for the fact of a deposit that the watcher has recorded', async () => {
    const intent = await created(rig, { amount });
    const deposit = depositOf(intent, amount, rig.now().toISOString());
    rig.watched.push({ reference: intent.intentId, depositId: deposit.depositId, status: 'seen' });
    const other = await created(rig, { amount });
    rig.now.advance(ttlMs);
    await expectIntent(rig, other.intentId, { status: 'expired' });
    expect((await read(rig, intent.intentId)).status).toBe('pending');
    await rig.publish([depositMessage('seen', deposit)]);
    await expectIntent(rig, intent.intentId, { status: 'confirming' });
    await rig.publish([depositMessage('confirmed', { ...deposit, at: rig.now().toISOString() })]);
    await expectIntent(rig, intent.intentId, { status: 'settled', exceptions: [] });
  });

  test('ends it once that deposit has left the chain', async () => {
    const intent = await created(rig, { amount });
    const deposit = depositOf(intent, amount, rig.now().toISOString());
    await rig.publish([depositMessage('seen', deposit)]);
    await expectIntent(rig, intent.intentId, { status: 'confirming' });
    rig.now.advance(ttlMs);
    await rig.publish([depositMessage('reverted', { ...deposit, at: rig.now().toISOString() })]);
    await expectIntent(rig, intent.intentId, { status: 'expired', amountReceived: 0n });
  });

  test('fires after a restart for every deadline that passed meanwhile, with one effect each', async () => {
    const template = await created(rig, { amount });
    const { handle } = commandHandler(paymentIntent, intentEvents, rig.store);
    const { orderId, currency, asset, paymentAddress, createdAt, expiresAt } = template;
    const terms = {
      tenantId,
      mode: 'sandbox' as const,
      orderId,
      currency,
      asset,
      amount,
      paymentAddress,
      createdAt,
      expiresAt,
    };
    const intentIds = Array.from({ length: 1_000 }, () => randomUUID());
    const createOne = (intentId: string) =>
      handle(
        `intent-${intentId}`,
        { type: 'CreateIntent', intentId, ...terms },
        { commandId: intentId, correlationId: intentId, causationId: intentId },
      );
    for (let from = 0; from < intentIds.length; from += 50)
      await Promise.all(intentIds.slice(from, from + 50).map(createOne));
    await rig.restart(() => rig.now.advance(ttlMs));
    await expectIntent(rig, template.intentId, { status: 'expired' });
    const ends = await eventually(
      async () => {
        const found = await rig.endsOf(intentIds.map((intentId) => `intent-${intentId}`));
        expect(found).toHaveLength(intentIds.length);
        return found;
      },
      { timeoutMs: 60_000 },
    );
    expect(ends).toEqual(ends.map(() => ({ expired: 1, events: 2 })));
  }, 120_000);

  describe('races with payment: 200 pairs, one outcome each, and no unit lost', () => {
    const pairs = 200;
    const createMany = () => Promise.all(Array.from({ length: pairs }, () => created(rig, { amount })));

    test('command against command, on the store', async () => {
      const intents = await createMany();
      const { handle } = commandHandler(paymentIntent, intentEvents, rig.store);
      // The service's own clock stands before the deadline, so nobody else takes part.
      const command = (intentId: string, ...what: IntentCommand[]) =>
        what.reduce(async (before, each) => {
          await before;
          const commandId = randomUUID();
          return handle(`intent-${intentId}`, each, { commandId, correlationId: commandId, causationId: commandId });
        }, Promise.resolve() as Promise<unknown>);
      const race = async (intent: (typeof intents)[number], index: number) => {
        const { intentId, expiresAt, createdAt } = intent;
        const deposit = depositOf(intent, amount, createdAt);
        const pay = () => command(intentId, { type: 'RecordDepositConfirmed', deposit, at: createdAt });
        const expire = () => command(intentId, { type: 'ExpireIntent', at: expiresAt, watched: [] });
        await Promise.all(index % 2 === 0 ? [pay(), expire()] : [expire(), pay()]);
      };
      for (let from = 0; from < pairs; from += 20)
        await Promise.all(intents.slice(from, from + 20).map((intent, index) => race(intent, index)));

      const paid = await expectOneOutcomeEach(intents);
      // Both sides won some: otherwise nothing raced.
      expect(paid).toBeGreaterThan(0);
      expect(paid).toBeLessThan(pairs);
    }, 180_000);

    test('messages against the clock, in the running service', async () => {
      const intents = await createMany();
      const inTime = rig.now().toISOString();
      const messages = intents.map((intent) => depositMessage('confirmed', depositOf(intent, amount, inTime)));
      rig.now.advance(ttlMs);
      for (let from = 0; from < pairs; from += 10) await rig.publish(messages.slice(from, from + 10));
      await expectOneOutcomeEach(intents);
    }, 180_000);
  });
});

/** Answers with how many were paid. */
async function expectOneOutcomeEach(intents: readonly { intentId: string }[]): Promise<number> {
  let paid = 0;
  for (const { intentId } of intents) {
    const ended = await eventually(
      async () => {
        const intent = await read(rig, intentId);
        const { clearing, merchant, refundable } = rig.accountsOf(intentId);
        expect([intent.status, intent.amountReceived]).toEqual([expect.stringMatching(/^(settled|expired)$/), amount]);
        expect([clearing, merchant + refundable]).toEqual([0n, amount]);
        return intent;
      },
      { timeoutMs: 30_000 },
    );
    const late = { status: 'expired', amountApplied: 0n, amountRefundable: amount, exceptions: ['paid_late'] };
    const settled = { status: 'settled', amountApplied: amount, amountRefundable: 0n, exceptions: [] };
    expect(ended).toMatchObject(ended.status === 'settled' ? settled : late);
    expect(await outcomesOf(intentId)).toEqual([ended.status === 'settled' ? 'IntentPaid' : 'IntentExpired']);
    if (ended.status === 'settled') paid += 1;
  }
  return paid;
}
