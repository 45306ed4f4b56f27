import { accept, reject } from '@daybook/core';
import fc from 'fast-check';
import { bankStatement, type Statement } from './bank-statement';
import {
  institutionRegistry,
  institutionsMax,
  type InstitutionCommand,
  type InstitutionEvent,
  type InstitutionTerms,
} from './institutions';

const at = '2026-03-01T10:00:00.000Z';
const add = (name: string, contentDigest = 'd', more: Partial<InstitutionTerms> = {}): InstitutionCommand => ({
  type: 'AddInstitution',
  terms: {
    institutionId: `${name} ${contentDigest}`,
    tenantId: 't',
    mode: 'sandbox',
    name,
    bank: 'iso20022',
    currencies: ['EUR'],
    sealedSettings: 'sealed',
    contentDigest,
    ...more,
  },
  oldDigests: [],
  at,
});
const commands = fc.array(
  fc.oneof(
    fc
      .tuple(fc.constantFrom('house', 'other', 'third'), fc.constantFrom('d1', 'd2'))
      .map(([name, digest]) => add(name, digest)),
    fc
      .tuple(fc.nat(4), fc.boolean())
      .map(([number, enabled]): InstitutionCommand => ({ type: 'SetInstitutionEnabled', number, enabled, at })),
  ),
  { maxLength: 20 },
);

function play(given: readonly InstitutionCommand[]) {
  let state = institutionRegistry.initial;
  const log: InstitutionEvent[] = [];
  const repeats = given.flatMap((command) => {
    const decision = institutionRegistry.decide(command, state);
    if (!decision.ok) return [];
    log.push(...decision.events);
    state = decision.events.reduce(institutionRegistry.evolve, state);
    return [institutionRegistry.decide(command, state)];
  });
  return { state, log, repeats };
}

describe('institution registry', () => {
  test('I1 numbers are 1 to n without gaps; a name belongs to one institution', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const { state, log } = play(given);
        expect(state.map(({ number }) => number)).toEqual(state.map((_, index) => index + 1));
        expect(new Set(state.map(({ name }) => name)).size).toBe(state.length);
        expect(log.reduce(institutionRegistry.evolve, institutionRegistry.initial)).toEqual(state);
      }),
    );
  });

  test('I2 repeating an accepted command at once is accepted again and records nothing', () => {
    fc.assert(
      fc.property(commands, (given) => {
        for (const repeat of play(given).repeats) expect(repeat).toEqual(accept());
      }),
    );
  });

  test('I3 sandbox banks are only in sandbox mode', () => {
    const { state } = play([]);
    const live = add('house', 'd', { bank: 'sandbox', mode: 'live' });
    expect(institutionRegistry.decide(live, state)).toEqual(reject('bank_not_in_mode'));
    expect(institutionRegistry.decide(add('house', 'd', { bank: 'sandbox' }), state).ok).toBe(true);
    expect(institutionRegistry.decide(add('house', 'd', { mode: 'live' }), state).ok).toBe(true);
  });

  test('a name keeps its content, there is an end to them, and what is not there is not switched', () => {
    const { state } = play([add('house')]);
    expect(institutionRegistry.decide(add('house', 'other'), state)).toEqual(
      reject('institution_exists_with_different_fields'),
    );
    const full = Array.from({ length: institutionsMax }, () => state[0]!);
    expect(institutionRegistry.decide(add('one more'), full)).toEqual(reject('institutions_too_many'));
    const enable = { type: 'SetInstitutionEnabled', number: 2, enabled: true, at } as const;
    expect(institutionRegistry.decide(enable, state)).toEqual(reject('institution_not_found'));
  });
});

describe('bank statement', () => {
  test('B1 a statement is recorded once; the same content again records nothing, other content is refused', () => {
    const statement: Statement = { statementId: 's', institutionId: 'i', digest: 'd', lines: [] };
    const receive = (one: Statement) => ({ type: 'ReceiveStatement', statement: one, at }) as const;
    const first = bankStatement.decide(receive(statement), bankStatement.initial);
    expect(first).toEqual(accept({ type: 'BankStatementReceived', statement, at }));
    expect(bankStatement.decide(receive(statement), statement)).toEqual(accept());
    expect(bankStatement.decide(receive({ ...statement, digest: 'other' }), statement)).toEqual(
      reject('statement_exists_with_different_content'),
    );
  });
});
