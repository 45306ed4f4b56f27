import { accept, reject } from '@daybook/core';
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
        expect(log.map(({ name }) => name)).toEqual(given.slice(0, 1));
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
});
