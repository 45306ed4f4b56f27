import { reject } from '@daybook/core';
import fc from 'fast-check';
import { settlement, type SettlementEvent, type SettlementInput, type SettlementTerms } from './settlement';

const at = '2026-03-01T10:00:00.000Z';
const terms: SettlementTerms = {
  settlementId: '3b3c8f6e-54f3-8e0a-9d0f-5d4b5ac1d7aa',
  intentId: '9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d',
  tenantId: '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11',
  mode: 'sandbox',
  asset: 'USDT_TRC20',
  amount: 10n,
};
const paid: SettlementInput = { type: 'IntentPaid', terms, at };
const posted: SettlementInput = {
  type: 'TransactionPosted',
  settlementId: terms.settlementId,
  ledgerReference: '0xa',
  at,
};
const inputs = fc.array(
  fc.constantFrom<SettlementInput>(
    paid,
    posted,
    { ...paid, terms: { ...terms, amount: 11n } },
    { ...posted, ledgerReference: '0xb' },
  ),
  { maxLength: 12 },
);

/** Runs the inputs in order and returns what each recorded, or why it was ignored. */
function play(all: readonly SettlementInput[]) {
  let state = settlement.initial;
  const decisions = all.map((input) => {
    const decision = settlement.decide(input, state);
    if (decision.ok) state = decision.events.reduce(settlement.evolve, state);
    return decision;
  });
  const log: SettlementEvent[] = decisions.flatMap((decision) => (decision.ok ? [...decision.events] : []));
  return { log, decisions, state };
}
const ofType = <Type extends SettlementEvent['type']>(log: readonly SettlementEvent[], type: Type) =>
  log.filter((event): event is Extract<SettlementEvent, { type: Type }> => event.type === type);

describe('settlement', () => {
  test('S1: is instructed at most once, for what the intent was paid', () => {
    fc.assert(
      fc.property(inputs, (all) => {
        const instructed = ofType(play(all).log, 'SettlementInstructed');
        const first = all.find((input) => input.type === 'IntentPaid');
        expect(instructed.map((event) => event.terms)).toEqual(first === undefined ? [] : [first.terms]);
      }),
    );
  });

  test('S2: completes once, as soon as both facts are known, in either order', () => {
    fc.assert(
      fc.property(inputs, (all) => {
        const completed = ofType(play(all).log, 'SettlementCompleted');
        const first = all.find((input) => input.type === 'TransactionPosted');
        const both = first !== undefined && all.some((input) => input.type === 'IntentPaid');
        expect(completed.map((event) => event.ledgerReference)).toEqual(both ? [first.ledgerReference] : []);
      }),
    );
    expect(play([paid, posted]).log.map(({ type }) => type)).toEqual([
      'SettlementStarted',
      'SettlementInstructed',
      'SettlementPosted',
      'SettlementCompleted',
    ]);
    expect(play([posted, paid]).log.map(({ type }) => type)).toEqual([
      'SettlementPosted',
      'SettlementStarted',
      'SettlementInstructed',
      'SettlementCompleted',
    ]);
  });

  test('S3: records nothing when an input is repeated at once', () => {
    fc.assert(
      fc.property(inputs, (all) => {
        expect(play(all.flatMap((input) => [input, input])).log).toEqual(play(all).log);
      }),
    );
  });

  test('S4: names the reason for every input that changes nothing', () => {
    fc.assert(
      fc.property(inputs, (all) => {
        for (const decision of play(all).decisions) if (decision.ok) expect(decision.events).not.toHaveLength(0);
      }),
    );
    const reason = (input: SettlementInput, ...given: SettlementInput[]) => settlement.decide(input, play(given).state);
    expect(reason(paid, paid)).toEqual(reject('already_started'));
    expect(reason({ ...paid, terms: { ...terms, amount: 11n } }, paid)).toEqual(reject('started_with_other_terms'));
    expect(reason(posted, paid, posted)).toEqual(reject('already_posted'));
    expect(reason({ ...posted, ledgerReference: '0xb' }, posted)).toEqual(reject('posted_with_other_reference'));
  });
});
