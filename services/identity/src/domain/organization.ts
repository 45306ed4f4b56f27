/**
 * Organization: the tenant that credentials are issued for, and the numbers of its users. Whoever has a credential is a
 * user of the API; the number is what `partner` calls `user_id`.
 *
 *   none ──register──▶ registered ──number a user──▶ registered
 *
 * Invariants (each has a property test of the same name):
 *   O1  An organization is registered at most once, and keeps its name.
 *   O2  Repeating a registration is accepted and records nothing; one with another name is rejected.
 *   O3  Users are numbered 1 to n without gaps, one number for each credential.
 */
import {
  accept,
  assert,
  assertNever,
  emptyMap,
  reject,
  valueAt,
  withValue,
  type Decider,
  type LayeredMap,
} from '@daybook/core';

export type OrganizationCommand =
  | { readonly type: 'RegisterOrganization'; readonly tenantId: string; readonly name: string; readonly at: string }
  | { readonly type: 'NumberUser'; readonly credentialId: string; readonly at: string };

export type OrganizationEvent =
  | { readonly type: 'OrganizationRegistered'; readonly tenantId: string; readonly name: string; readonly at: string }
  | { readonly type: 'UserNumbered'; readonly credentialId: string; readonly number: number; readonly at: string };

/** In descending precedence: when several apply, the first listed is returned. */
export type OrganizationRejection = 'organization_exists_with_different_fields' | 'organization_not_found';

export type OrganizationState =
  | { readonly status: 'none' }
  | {
      readonly status: 'registered';
      readonly tenantId: string;
      readonly name: string;
      readonly users: number;
      /** By credential. */
      readonly userNumbers: LayeredMap<number>;
    };

export const organization: Decider<OrganizationState, OrganizationCommand, OrganizationEvent, OrganizationRejection> = {
  initial: { status: 'none' },
  decide(command, state) {
    switch (command.type) {
      case 'RegisterOrganization': {
        const { tenantId, name, at } = command;
        if (state.status === 'none') return accept({ type: 'OrganizationRegistered', tenantId, name, at });
        return state.name === name ? accept() : reject('organization_exists_with_different_fields');
      }
      case 'NumberUser': {
        const { credentialId, at } = command;
        if (state.status === 'none') return reject('organization_not_found');
        if (valueAt(state.userNumbers, credentialId) !== undefined) return accept();
        return accept({ type: 'UserNumbered', credentialId, number: state.users + 1, at });
      }
      default:
        return assertNever(command);
    }
  },
  evolve(state, event) {
    switch (event.type) {
      case 'OrganizationRegistered':
        assert(state.status === 'none', 'an organization is registered twice');
        return { status: 'registered', tenantId: event.tenantId, name: event.name, users: 0, userNumbers: emptyMap() };
      case 'UserNumbered': {
        assert(state.status === 'registered', 'a user of no organization is numbered');
        const { credentialId, number } = event;
        const isNew = valueAt(state.userNumbers, credentialId) === undefined;
        assert(number === state.users + 1 && isNew, 'numbers have no gaps');
        return { ...state, users: number, userNumbers: withValue(state.userNumbers, credentialId, number) };
      }
      default:
        return assertNever(event);
    }
  },
};
