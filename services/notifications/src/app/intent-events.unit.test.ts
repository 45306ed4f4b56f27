import { intentExceptions, intentStatuses } from '@daybook/contracts';
import fc from 'fast-check';
import { eventsOf, toldOf, type Told } from './intent-events';
import type { IntentFact } from './payloads';

const intent: IntentFact = {
  intentId: '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d',
  tenantId: '6f1d7a52-3c0b-4a0e-9a53-0c1f2e3d4b5a',
  mode: 'live',
  asset: 'USDT_ERC20',
  orderId: 'INV_1',
  currency: 'USDT_ERC20',
  amount: 100n,
  amountReceived: 0n,
  amountApplied: 0n,
  amountRefundable: 0n,
  status: 'pending',
  exceptions: [],
  paymentAddress: '0xabc',
  transactionHash: null,
  createdAt: '2026-03-01T11:00:00.000Z',
  expiresAt: '2026-03-01T13:00:00.000Z',
  verifiedAt: null,
  at: '2026-03-01T12:00:00.000Z',
};

/** What is told of each state of an intent's life, from its creation on. */
function toldThrough(life: readonly Partial<IntentFact>[]): (readonly string[])[] {
  let before: Told | undefined;
  return life.map((change) => {
    const now = { ...intent, ...change };
    const events = eventsOf(now, before);
    before = toldOf(now);
    return events;
  });
}

const paid = { amountReceived: 100n, transactionHash: '0xdef' };

describe('what is told of an intent', () => {
  test('its statuses as it comes to them, and nothing of its creation or of what no receiver can see', () => {
    expect(
      toldThrough([
        {},
        { status: 'confirming', amountReceived: 40n },
        { status: 'confirming', amountReceived: 40n, amountApplied: 40n },
        { status: 'partially_paid', amountReceived: 40n },
        { status: 'confirming', amountReceived: 100n },
        { ...paid, status: 'paid' },
        { ...paid, status: 'settled', verifiedAt: '2026-03-01T12:30:00.000Z' },
      ]),
    ).toEqual([
      [],
      ['intent.confirming'],
      [],
      ['intent.partially_paid'],
      ['intent.confirming'],
      ['intent.paid'],
      ['intent.settled'],
    ]);
  });

  test.each(['paid', 'settled', 'expired', 'underpaid', 'confirming', 'partially_paid'] as const)(
    'what comes in while it is %s is an update, which a chain may take back, and no second coming to the status',
    (status) => {
      expect(
        toldThrough([
          { status },
          { status, amountReceived: 7n },
          { status },
          { status, amountReceived: 7n },
          { status, amountReceived: 7n, amountRefundable: 7n, exceptions: ['paid_late'] },
        ]),
      ).toEqual([
        [`intent.${status}`],
        ['intent.updated'],
        ['intent.updated'],
        ['intent.updated'],
        ['intent.updated', 'intent.exception'],
      ]);
    },
  );

  test('that it is pending again when its chain takes the deposit back, and confirming again when it returns', () => {
    const seen = { status: 'confirming', amountReceived: 100n } as const;
    expect(toldThrough([{}, seen, {}, seen])).toEqual([
      [],
      ['intent.confirming'],
      ['intent.pending'],
      ['intent.confirming'],
    ]);
  });

  test('each status as often as it comes to it, whatever else changes', () => {
    const state: fc.Arbitrary<Partial<IntentFact>> = fc.record({
      status: fc.constantFrom(...intentStatuses),
      amountReceived: fc.bigInt({ min: 0n, max: 2n }),
      amountRefundable: fc.bigInt({ min: 0n, max: 2n }),
      exceptions: fc.subarray([...intentExceptions]),
      transactionHash: fc.constantFrom(null, '0xdef'),
    });
    fc.assert(
      fc.property(fc.array(state), (later) => {
        const told = toldThrough([{}, ...later]);
        const statuses = [intent, ...later].map(({ status }) => status);
        told.forEach((events, index) => {
          const comes = index > 0 && statuses[index] !== statuses[index - 1];
          expect(events.includes(`intent.${statuses[index]}`)).toBe(comes);
          if (comes) expect(events).not.toContain('intent.updated');
        });
      }),
    );
  });
});
