/**
 * Login name: held by at most one credential at a time. One stream per digest of a name, so that two issuers of the
 * same name conflict in the store.
 *
 *   free ──claim──▶ held ──release──▶ free
 *
 * Invariants (each has a property test of the same name):
 *   N1  A name has at most one holder; only the holder's release frees it.
 *   N2  Repeating an accepted command at once is accepted again and records nothing.
 */
import { accept, assert, reject, type Decider } from '@daybook/core';

export type LoginNameCommand = {
  readonly type: 'ClaimLoginName' | 'ReleaseLoginName';
  readonly credentialId: string;
  readonly at: string;
};

export type LoginNameEvent = {
  readonly type: 'LoginNameClaimed' | 'LoginNameReleased';
  readonly credentialId: string;
  readonly at: string;
};

export type LoginNameRejection = 'login_taken';
export type LoginNameState = { readonly holder: string | null };

export const loginName: Decider<LoginNameState, LoginNameCommand, LoginNameEvent, LoginNameRejection> = {
  initial: { holder: null },
  decide({ type, credentialId, at }, { holder }) {
    if (type === 'ClaimLoginName') {
      if (holder === credentialId) return accept();
      return holder === null ? accept({ type: 'LoginNameClaimed', credentialId, at }) : reject('login_taken');
    }
    return holder === credentialId ? accept({ type: 'LoginNameReleased', credentialId, at }) : accept();
  },
  evolve({ holder }, { type, credentialId }) {
    const claimed = type === 'LoginNameClaimed';
    assert(holder === (claimed ? null : credentialId), `${type} while held by ${holder ?? 'nobody'}`);
    return { holder: claimed ? credentialId : null };
  },
};
