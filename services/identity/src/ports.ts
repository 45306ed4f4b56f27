import type { Mode, Scope } from '@daybook/contracts';

export type TokenClaims = {
  readonly credentialId: string;
  readonly tenantId: string;
  readonly mode: Mode;
  readonly scopes: readonly Scope[];
  readonly walletId: string | null;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
};

export interface Tokens {
  /** A signed token that says what the credential may do until it expires. */
  sign(claims: TokenClaims): string;
}

/** Slow hashes, for what a person types. */
export interface Passwords {
  hash(password: string): Promise<string>;
  /** Without a hash it does the same work and answers false. */
  verify(hash: string | undefined, password: string): Promise<boolean>;
}

/** Counts tries per login, before they are judged, so that tries made at the same time count too. */
export interface LoginAttempts {
  /** False when the login has used up its tries for now. */
  take(loginDigest: string, now: Date): Promise<boolean>;
  /** A right password gives all tries back. */
  clear(loginDigest: string): Promise<void>;
}

/** Login names are personal data: encrypted wherever they are kept, found by a keyed digest. */
export interface LoginNames {
  /** Keyed digest of the normalised name: the same for `Ann@Example.org` and `ann@example.org`. */
  digest(name: string): string;
  /** Under the subject's own key, which can be erased. */
  encrypt(subject: string, name: string): Promise<string>;
}
