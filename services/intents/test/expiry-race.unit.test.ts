/**
 * The expiry of an intent against the payment of it, thousands of times, in every order that their reads and appends can
 * take: one of the two ends it, and what was paid is the merchant's or refundable, never both and never gone.
 */
import { commandHandler, memoryEventStore, type EventStore } from '@daybook/event-store';
import { uuidFrom } from '@daybook/runtime';
import { seededRandom } from '@daybook/testing';
import { intentEvents } from '../src/adapters/stored-events';
import { paymentIntent, summaryOf, type DepositFact, type IntentCommand } from '../src/domain/payment-intent';
import { createSample } from './sample-intent';

/** `RACE_PAIRS=10000` for a long run. */
const pairs = Number(process.env['RACE_PAIRS'] ?? 2_000);
const { amount, createdAt } = createSample;
const late = '2026-03-01T10:00:01.001Z';

const deposit: DepositFact = {
  depositId: 'd1',
  chain: 'tron-sandbox',
  transactionId: 'tx-d1',
  asset: 'USDT_TRC20',
  amount,
  at: createdAt,
};

test(`${pairs} pairs end in one way each, and no unit is lost`, async () => {
  const random = seededRandom(20);
  /** Gives way to the other side for a few turns, as a database does. */
  const elsewhere = async () => {
    for (let turns = random.below(6); turns > 0; turns--) await undefined;
  };
  const slow = (store: EventStore): EventStore => ({
    ...store,
    append: async (...append) => {
      await elsewhere();
      return store.append(...append).finally(elsewhere);
    },
    readStream: async (...from) => {
      const events = await store.readStream(...from);
      await elsewhere();
      return events;
    },
  });
  const outcomes = { IntentPaid: 0, IntentExpired: 0 };
  let commands = 0;
  for (let pair = 0; pair < pairs; pair++) {
    const store = slow(memoryEventStore());
    const { handle, load } = commandHandler(paymentIntent, intentEvents, store);
    const does = async (command: IntentCommand) => {
      const id = uuidFrom(['command', String(commands++)]);
      return handle('intent', command, { commandId: id, correlationId: id, causationId: id });
    };
    await does({ ...createSample, intentId: uuidFrom(['intent', String(pair)]) });
    const pay = async () => {
      await elsewhere();
      await does({ type: 'RecordDepositConfirmed', deposit, at: late });
      await elsewhere();
      await does({ type: 'RecordDepositBooked', depositId: deposit.depositId, at: late });
    };
    const expire = async () => {
      await elsewhere();
      // Looked at again until it has ended, as the worker does.
      for (let refused = true; refused;) {
        const outcome = await does({ type: 'ExpireIntent', at: late, watched: [] });
        refused = !outcome.ok && outcome.rejection === 'deposit_in_flight';
      }
    };
    await Promise.all([pay(), expire()]);

    const ended = (await store.readStream('intent')).map(({ type }) => type).filter((type) => type in outcomes);
    expect(ended).toHaveLength(1);
    outcomes[ended[0] as keyof typeof outcomes]++;
    const { state } = await load('intent');
    if (state.stage === 'none') throw new Error('the intent is there');
    const { status, amountReceived, amountApplied, amountRefundable, exceptions } = summaryOf(state);
    expect({ status, amountReceived, amountApplied, amountRefundable, exceptions }).toEqual(
      ended[0] === 'IntentPaid'
        ? { status: 'paid', amountReceived: amount, amountApplied: amount, amountRefundable: 0n, exceptions: [] }
        : {
            status: 'expired',
            amountReceived: amount,
            amountApplied: 0n,
            amountRefundable: amount,
            exceptions: ['paid_late'],
          },
    );
  }
  // Both sides won often: otherwise nothing raced.
  expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(pairs / 10);
}, 120_000);
