import { accept, reject } from '@daybook/core';
import fc from 'fast-check';
import { delivery, type DeliveryCommand, type DeliveryEvent, type DeliveryState } from './delivery';
import { attemptDelaysMs, nextAttemptAt } from './retry-schedule';

const at = '2026-01-01T00:00:00.000Z';
const schedule = (payload = '{}'): DeliveryCommand => ({
  type: 'ScheduleDelivery',
  deliveryId: 'd1',
  webhookId: 'w1',
  endpointId: 'e1',
  tenantId: 't1',
  mode: 'sandbox',
  event: 'transfer.confirmed',
  subject: 'TX1',
  payload,
  correlationId: 'c1',
  at,
});
const outcome = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ ok: true as const, status: 204 }) },
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      { ok: false as const, status: 500, error: 'HTTP 500' },
      { ok: false as const, status: null, error: 'timed out' },
    ),
  },
  { weight: 1, arbitrary: fc.constant({ ok: false as const, status: 410, error: 'HTTP 410' }) },
);
/** `attempt: 0` stands for the next number, filled in while playing. */
const command: fc.Arbitrary<DeliveryCommand> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(schedule('{"a":1}'), schedule('{"a":2}')) },
  {
    weight: 10,
    arbitrary: fc.record({
      type: fc.constant('RecordAttempt' as const),
      attempt: fc.constantFrom(0, 0, 0, 1, 2, 5),
      outcome,
      at: fc.constant(at),
      random: fc.double({ min: 0, max: 0.999, noNaN: true }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant<DeliveryCommand>({ type: 'AbandonDelivery', reason: 'endpoint_removed', at }),
  },
  { weight: 2, arbitrary: fc.constant<DeliveryCommand>({ type: 'Redeliver', at }) },
);
const commands = fc.array(command, { maxLength: 60, size: 'max' });

function play(given: readonly DeliveryCommand[]) {
  const log: DeliveryEvent[] = [];
  const states: DeliveryState[] = [delivery.initial];
  const played: DeliveryCommand[] = [];
  const accepted = given.map((c) => {
    const state = states.at(-1)!;
    const attempts = state.status === 'none' ? 0 : state.attempts;
    const filled = c.type === 'RecordAttempt' && c.attempt === 0 ? { ...c, attempt: attempts + 1 } : c;
    played.push(filled);
    const decision = delivery.decide(filled, state);
    if (!decision.ok) return false;
    states.push(decision.events.reduce(delivery.evolve, state));
    log.push(...decision.events);
    return true;
  });
  return { log, states, accepted, played };
}
const fail = (status: number | null = 500): DeliveryCommand => ({
  type: 'RecordAttempt',
  attempt: 0,
  outcome: { ok: false, status, error: `HTTP ${status}` },
  at,
  random: 0.5,
});

describe('delivery', () => {
  test('D1: keeps payload, webhook id and endpoint', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const { log, states } = play(given);
        const first = log[0];
        for (const state of states) {
          if (state.status === 'none' || first?.type !== 'DeliveryScheduled') continue;
          const { payload, webhookId, endpointId } = first;
          expect(state).toMatchObject({ payload, webhookId, endpointId });
        }
      }),
    );
  });

  test('D2: numbers attempts without gaps, ten a round, one outcome a round', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const { log } = play(given);
        const attempts = log.flatMap((e) => ('attempt' in e ? [e.attempt] : []));
        expect(attempts).toEqual(attempts.map((_, index) => index + 1));
        let inRound = 0;
        let ends = 0;
        for (const event of log) {
          if (event.type === 'DeliveryRequeued') inRound = ends = 0;
          if ('attempt' in event) inRound++;
          if (event.type === 'DeliverySucceeded' || event.type === 'DeliveryExhausted') ends++;
          expect(inRound).toBeLessThanOrEqual(attemptDelaysMs.length);
          expect(ends).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('D3: is pending with a next attempt, delivered, or exhausted', () => {
    fc.assert(
      fc.property(commands, (given) => {
        for (const state of play(given).states) {
          if (state.status !== 'none') expect(state.nextAttemptAt !== null).toBe(state.status === 'pending');
        }
      }),
    );
  });

  test('D4: accepts an immediate repeat and records nothing', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const once = play(given);
        const twice = play(once.played.flatMap((c) => [c, c]));
        expect(twice.log).toEqual(once.log);
        expect(twice.accepted).toEqual(once.accepted.flatMap((ok) => [ok, ok]));
      }),
    );
  });

  test('gives up after the tenth failure and not after the ninth', () => {
    const nine = play([schedule(), ...Array.from({ length: 9 }, () => fail())]);
    expect(nine.states.at(-1)).toMatchObject({ status: 'pending', attempts: 9 });
    const ten = play([schedule(), ...Array.from({ length: 10 }, () => fail())]);
    expect(ten.states.at(-1)).toMatchObject({ status: 'exhausted', attempts: 10 });
    expect(ten.log.at(-1)).toMatchObject({ type: 'DeliveryExhausted', reason: 'attempts_used' });
  });

  test('gives up at once when the endpoint is gone', () => {
    expect(play([schedule(), fail(410)]).log.at(-1)).toMatchObject({
      type: 'DeliveryExhausted',
      reason: 'endpoint_gone',
    });
    expect(play([schedule(), fail(404)]).states.at(-1)).toMatchObject({ status: 'pending' });
  });

  test('starts a full round when it is redelivered, counting attempts on', () => {
    const ended = [schedule(), fail(410)];
    const { states } = play([...ended, { type: 'Redeliver', at }, ...Array.from({ length: 9 }, () => fail())]);
    expect(states.at(-1)).toMatchObject({ status: 'pending', attempts: 10 });
    expect(delivery.decide({ type: 'Redeliver', at }, delivery.initial)).toEqual(reject('delivery_not_found'));
    expect(delivery.decide({ type: 'Redeliver', at }, play([schedule()]).states.at(-1)!)).toEqual(accept());
  });

  test('is given a full round while an attempt is under way, which is then the first of it', () => {
    const nine = [schedule(), ...Array.from({ length: 9 }, () => fail())];
    const later = '2027-01-01T00:00:00.000Z';
    const { states, log } = play([...nine, { type: 'Redeliver', at: later }, { type: 'Redeliver', at: later }, fail()]);
    expect(log.filter(({ type }) => type === 'DeliveryRequeued')).toHaveLength(1);
    expect(states.at(-1)).toMatchObject({ status: 'pending', attempts: 10, roundAttempts: 1 });
  });

  test('waits as the schedule says, a tenth more or less', () => {
    const hours = (h: number) => h * 3_600_000;
    expect(attemptDelaysMs).toEqual([
      0,
      5_000,
      300_000,
      1_800_000,
      hours(2),
      hours(5),
      hours(10),
      hours(14),
      hours(20),
      hours(24),
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.double({ min: 0, max: 0.9999, noNaN: true }), (failed, random) => {
        const waited = Date.parse(nextAttemptAt(failed, at, random)!) - Date.parse(at);
        expect(waited).toBeGreaterThanOrEqual(Math.floor(attemptDelaysMs[failed]! * 0.9));
        expect(waited).toBeLessThanOrEqual(Math.ceil(attemptDelaysMs[failed]! * 1.1));
      }),
    );
    expect(nextAttemptAt(1, at, 0.5)).toBe('2026-01-01T00:00:05.000Z');
    expect(nextAttemptAt(10, at, 0.5)).toBeUndefined();
  });
});
