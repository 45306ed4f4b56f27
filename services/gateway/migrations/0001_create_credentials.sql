-- Credentials as `identity.credentials` tells them. The secret itself is nowhere; its SHA-256 is.
create table credentials_v1 (
  credential_id text primary key,
  tenant_id uuid not null,
  kind text not null,
  mode text not null,
  scopes text[] not null,
  secret_digest text,
  wallet_id text,
  ip_allow_list text[] not null,
  issued_at timestamptz not null,
  revoked_at timestamptz
);

-- An API key is presented without an id; its digest finds it.
create index credentials_v1_api_keys on credentials_v1 (secret_digest) where kind = 'api_key';
