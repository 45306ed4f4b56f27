/**
 * Organization: the tenant that credentials are issued for.
 *
 *   none ──register──▶ registered
 *
 * Invariants (each has a property test of the same name):
 *   O1  An organization is registered at most once, and keeps its name.
 *   O2  Repeating a registration is accepted and records nothing; one with another name is rejected.
 */
import { accept, assert, reject, type Decider } from '@daybook/core';

export type OrganizationCommand = {
  readonly type: 'RegisterOrganization';
  readonly tenantId: string;
  readonly name: string;
  readonly at: string;
};

export type OrganizationEvent = {
  readonly type: 'OrganizationRegistered';
  readonly tenantId: string;
  readonly name: string;
  readonly at: string;
};

export type OrganizationRejection = 'organization_exists_with_different_fields';

export type OrganizationState =
  { readonly status: 'none' } | { readonly status: 'registered'; readonly tenantId: string; readonly name: string };

export const organization: Decider<OrganizationState, OrganizationCommand, OrganizationEvent, OrganizationRejection> = {
  initial: { status: 'none' },
  decide(command, state) {
    const { tenantId, name, at } = command;
    if (state.status === 'none') return accept({ type: 'OrganizationRegistered', tenantId, name, at });
    return state.name === name ? accept() : reject('organization_exists_with_different_fields');
  },
  evolve(state, event) {
    assert(state.status === 'none', 'an organization is registered twice');
    return { status: 'registered', tenantId: event.tenantId, name: event.name };
  },
};
