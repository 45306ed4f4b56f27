import { accept, reject, valueAt } from '@daybook/core';
import fc from 'fast-check';
import { organization, type OrganizationEvent } from './organization';

const at = '2026-01-01T00:00:00.000Z';
const register = (name: string) => ({ type: 'RegisterOrganization', tenantId: 't', name, at }) as const;
const names = fc.array(fc.constantFrom('Acme', 'Birch', 'Cedar'), { maxLength: 10 });

function play(given: readonly string[]) {
  const log: OrganizationEvent[] = [];
  let state = organization.initial;
  const accepted = given.map((name) => {
    const decision = organization.decide(register(name), state);
    if (!decision.ok) return false;
    state = decision.events.reduce(organization.evolve, state);
    log.push(...decision.events);
    return true;
  });
  return { log, accepted };
}

describe('organization', () => {
  test('O1: is registered at most once and keeps its name', () => {
    fc.assert(
      fc.property(names, (given) => {
        const { log } = play(given);
        const names = log.map((event) => (event.type === 'OrganizationRegistered' ? event.name : event.type));
        expect(names).toEqual(given.slice(0, 1));
      }),
    );
  });

  test('O2: accepts a repeat and rejects another name', () => {
    fc.assert(
      fc.property(names, (given) => {
        expect(play(given).accepted).toEqual(given.map((name) => name === given[0]));
      }),
    );
    const state = organization.evolve(organization.initial, {
      type: 'OrganizationRegistered',
      tenantId: 't',
      name: 'Acme',
      at,
    });
    expect(organization.decide(register('Acme'), state)).toEqual(accept());
    expect(organization.decide(register('Acme '), state)).toEqual(reject('organization_exists_with_different_fields'));
  });

  test('O3: numbers its users 1 to n, each once', () => {
    const credentials = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 });
    fc.assert(
      fc.property(credentials, (given) => {
        let state = organization.evolve(organization.initial, {
          type: 'OrganizationRegistered',
          tenantId: 't',
          name: 'Acme',
          at,
        });
        for (const credentialId of given) {
          const decision = organization.decide({ type: 'NumberUser', credentialId, at }, state);
          if (!decision.ok) throw new Error(decision.rejection);
          state = decision.events.reduce(organization.evolve, state);
        }
        if (state.status !== 'registered') throw new Error('it is not registered');
        const { users, userNumbers } = state;
        const distinct = [...new Set(given)];
        expect(users).toBe(distinct.length);
        const numbers = distinct.map((credentialId) => valueAt(userNumbers, credentialId));
        expect(numbers).toEqual(distinct.map((_, index) => index + 1));
      }),
    );
    const unknown = organization.decide({ type: 'NumberUser', credentialId: 'a', at }, organization.initial);
    expect(unknown).toEqual(reject('organization_not_found'));
  });
});
