/**
 * credentials_v1: every credential and whether it still works.
 * Source: topic identity.credentials, in order per credential. A repeat changes nothing. Serves: authentication.
 */
import type { credentialIssued, credentialRestricted, credentialRevoked } from '@daybook/contracts';
import type { Tx } from '@daybook/event-store';
import { assert } from '@daybook/core';
import type { Pool } from 'pg';
import type { z } from 'zod';
import type { Credential, CredentialLookup } from '../app/credential';

type Row = {
  credential_id: string;
  tenant_id: string;
  kind: Credential['kind'];
  mode: Credential['mode'];
  scopes: Credential['scopes'];
  secret_digest: string | null;
  wallet_id: string | null;
  user_number: number | null;
  ip_allow_list: string[];
  revoked: boolean;
};

/** What a change made stale. */
export type ChangedCredential = { readonly credentialId: string; readonly secretDigest: string | null };

export async function insertCredential(
  tx: Tx,
  issued: z.output<typeof credentialIssued.data>,
): Promise<ChangedCredential> {
  await tx.query(
    `insert into credentials_v1
       (credential_id, tenant_id, kind, mode, scopes, secret_digest, wallet_id, user_number, ip_allow_list, issued_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (credential_id) do nothing`,
    [
      issued.credentialId,
      issued.tenantId,
      issued.kind,
      issued.mode,
      issued.scopes,
      issued.secretDigest,
      issued.walletId,
      issued.userNumber,
      issued.ipAllowList,
      issued.issuedAt,
    ],
  );
  return issued;
}

export async function restrictCredential(
  tx: Tx,
  { credentialId, ipAllowList }: z.output<typeof credentialRestricted.data>,
): Promise<ChangedCredential> {
  const result = await tx.query<{ secret_digest: string | null }>(
    'update credentials_v1 set ip_allow_list = $2 where credential_id = $1 returning secret_digest',
    [credentialId, ipAllowList],
  );
  return changed(credentialId, result.rows);
}

export async function revokeCredential(
  tx: Tx,
  { credentialId, revokedAt }: z.output<typeof credentialRevoked.data>,
): Promise<ChangedCredential> {
  const result = await tx.query<{ secret_digest: string | null }>(
    `update credentials_v1 set revoked_at = coalesce(revoked_at, $2) where credential_id = $1
     returning secret_digest`,
    [credentialId, revokedAt],
  );
  return changed(credentialId, result.rows);
}

function changed(credentialId: string, rows: readonly { secret_digest: string | null }[]): ChangedCredential {
  const [row] = rows;
  assert(row, `credential ${credentialId} changed before it was issued`);
  return { credentialId, secretDigest: row.secret_digest };
}

export function credentialTable(pool: Pool): CredentialLookup {
  async function find(condition: string, value: string): Promise<Credential | undefined> {
    const result = await pool.query<Row>(
      `select credential_id, tenant_id, kind, mode, scopes, secret_digest, wallet_id, user_number, ip_allow_list,
                revoked_at is not null as revoked
         from credentials_v1 where ${condition}`,
      [value],
    );
    const [row] = result.rows;
    return row && credentialOf(row);
  }
  return {
    byId: (credentialId) => find('credential_id = $1', credentialId),
    byKeyDigest: (digest) => find(`secret_digest = $1 and kind = 'api_key'`, digest),
  };
}

function credentialOf(row: Row): Credential {
  return {
    credentialId: row.credential_id,
    tenantId: row.tenant_id,
    kind: row.kind,
    mode: row.mode,
    scopes: row.scopes,
    secretDigest: row.secret_digest,
    walletId: row.wallet_id,
    userNumber: row.user_number,
    ipAllowList: row.ip_allow_list,
    revoked: row.revoked,
  };
}
