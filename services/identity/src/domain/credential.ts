/**
 * Credential: what a client presents, until it is revoked.
 *
 *   none ──issue──▶ active ──revoke──▶ revoked
 *                   │    ▲
 *                   └────┘ restrict
 *
 * Invariants (each has a property test of the same name):
 *   C1  A credential is issued at most once and revoked at most once; nothing is recorded after it was revoked.
 *   C2  Only the tenant that it was issued for can change it; for others it does not exist.
 *   C3  Every recorded allow-list holds canonical CIDR blocks only.
 *   C4  Repeating an accepted command at once is accepted again and records nothing.
 */
import type { credentialKinds, Mode, Scope } from '@daybook/contracts';
import { accept, assert, assertNever, reject, type Decider, type Decision } from '@daybook/core';
import { canonicalAllowList } from './ip-allow-list';

export type CredentialKind = (typeof credentialKinds)[number];

/** How a login signs in. Its name is personal data and arrives encrypted. */
export type Login = {
  /** Keyed digest of the normalised name. */
  readonly digest: string;
  readonly encryptedName: string;
  /** Argon2id, in PHC format. */
  readonly passwordHash: string;
};

/** What was issued. No secret is in it: digests, hashes and sealed values only. */
export type IssuedCredential = {
  readonly credentialId: string;
  readonly tenantId: string;
  readonly kind: CredentialKind;
  readonly mode: Mode;
  readonly scopes: readonly Scope[];
  readonly walletId: string | null;
  /** Within the tenant; null for what was issued before users had numbers. */
  readonly userNumber: number | null;
  readonly ipAllowList: readonly string[];
  /** SHA-256 in hex of a random secret; null for kinds that have none. */
  readonly secretDigest: string | null;
  /** HMAC key for request signatures, sealed. */
  readonly sealedSigningSecret: string | null;
  readonly login: Login | null;
};

export type CredentialCommand =
  | (IssuedCredential & { readonly type: 'IssueCredential'; readonly at: string })
  | {
      readonly type: 'RestrictCredential';
      readonly tenantId: string;
      readonly ipAllowList: readonly string[];
      readonly at: string;
    }
  | { readonly type: 'RevokeCredential'; readonly tenantId: string; readonly at: string };

export type CredentialEvent =
  | (IssuedCredential & { readonly type: 'CredentialIssued'; readonly at: string })
  | {
      readonly type: 'CredentialRestricted';
      readonly credentialId: string;
      readonly ipAllowList: readonly string[];
      readonly at: string;
    }
  | { readonly type: 'CredentialRevoked'; readonly credentialId: string; readonly at: string };

/** In descending precedence: when several apply, the first listed is returned. */
export type CredentialRejection = 'credential_not_found' | 'ip_allow_list_invalid' | 'credential_revoked';

export type CredentialState =
  | { readonly status: 'none' }
  | (IssuedCredential & { readonly status: 'active' | 'revoked'; readonly issuedAt: string });

export const credential: Decider<CredentialState, CredentialCommand, CredentialEvent, CredentialRejection> = {
  initial: { status: 'none' },
  decide,
  evolve,
};

function decide(command: CredentialCommand, state: CredentialState): Decision<CredentialEvent, CredentialRejection> {
  if (command.type === 'IssueCredential') {
    const ipAllowList = canonicalAllowList(command.ipAllowList);
    if (ipAllowList === undefined) return reject('ip_allow_list_invalid');
    // The id is random and made for this command, so a credential that is there was issued by it.
    if (state.status !== 'none') return accept();
    return accept({ ...command, type: 'CredentialIssued', ipAllowList });
  }
  if (state.status === 'none' || state.tenantId !== command.tenantId) return reject('credential_not_found');
  const { credentialId } = state;
  switch (command.type) {
    case 'RestrictCredential': {
      const ipAllowList = canonicalAllowList(command.ipAllowList);
      if (ipAllowList === undefined) return reject('ip_allow_list_invalid');
      if (state.status === 'revoked') return reject('credential_revoked');
      if (sameList(ipAllowList, state.ipAllowList)) return accept();
      return accept({ type: 'CredentialRestricted', credentialId, ipAllowList, at: command.at });
    }
    case 'RevokeCredential':
      if (state.status === 'revoked') return accept();
      return accept({ type: 'CredentialRevoked', credentialId, at: command.at });
    default:
      return assertNever(command);
  }
}

function evolve(state: CredentialState, event: CredentialEvent): CredentialState {
  if (event.type === 'CredentialIssued') {
    assert(state.status === 'none', 'a credential is issued twice');
    const { type: _, at: issuedAt, ...issued } = event;
    return { ...issued, status: 'active', issuedAt };
  }
  assert(state.status === 'active', `${event.type} on a credential that is ${state.status}`);
  switch (event.type) {
    case 'CredentialRestricted':
      return { ...state, ipAllowList: event.ipAllowList };
    case 'CredentialRevoked':
      return { ...state, status: 'revoked' };
    default:
      return assertNever(event);
  }
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((block, index) => block === b[index]);
}
