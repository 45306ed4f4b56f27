import type { credentialIssued } from '@daybook/contracts';
import type { z } from 'zod';

type Issued = z.output<typeof credentialIssued.data>;

/** What the gateway knows of a credential. Anything it does is done for `tenantId` in `mode`. */
export type Credential = Omit<Issued, 'issuedAt'> & { readonly revoked: boolean };

export interface CredentialLookup {
  byId(credentialId: string): Promise<Credential | undefined>;
  byKeyDigest(secretDigest: string): Promise<Credential | undefined>;
}
