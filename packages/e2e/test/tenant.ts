import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  issueCredential,
  issueFunds,
  openAccount,
  registerOrganization,
  type Mode,
  type Scope,
} from '@daybook/contracts';
import { callClient } from '@daybook/http';
import { Secret } from '@daybook/runtime';
import { readEndpoints } from '@daybook/standalone';
import type { Instance } from './instance';

/** A tenant with a wallet and credentials for both main jobs. */
export type Tenant = {
  readonly tenantId: string;
  readonly mode: Mode;
  readonly walletId: string;
  readonly payToken: string;
  readonly secondPayToken: string;
  readonly client: { readonly 'X-Client-ID': string; readonly 'X-Client-Secret': string };
  /** For `partner` and the tenant's own settings. */
  readonly partnerToken: string;
  readonly opsToken: string;
};

/** Onboards a tenant as an operator does, over the services' internal calls. `txc` is in minor units. */
export async function openTenant(
  daybook: Instance,
  options: { readonly txc: bigint; readonly mode?: Mode; readonly tenantId?: string },
): Promise<Tenant> {
  const { internalToken } = JSON.parse(readFileSync(join(daybook.home, 'secrets.json'), 'utf8')) as {
    internalToken: string;
  };
  const { services } = readEndpoints(daybook.home);
  const mode = options.mode ?? 'sandbox';
  const identity = callClient({ baseUrl: services.identity ?? '', token: new Secret(internalToken) });
  const ledger = callClient({ baseUrl: services.ledger ?? '', token: new Secret(internalToken) });
  const tenantId = options.tenantId ?? randomUUID();
  const walletId = `WALLET${randomUUID().slice(0, 8).toUpperCase()}`;
  await identity(registerOrganization, { tenantId, name: `Tenant ${tenantId}` });
  await ledger(openAccount, { mode, accountId: walletId, tenantId, asset: 'TXC', type: 'liability', floor: 0n });
  if (options.txc > 0n)
    await ledger(issueFunds, {
      mode,
      transactionId: `issue:${walletId}`,
      accountId: walletId,
      asset: 'TXC',
      amount: options.txc,
    });

  const issue = async (kind: 'token' | 'client', scopes: Scope[], wallet: string | null) => {
    const outcome = await identity(issueCredential, {
      tenantId,
      kind,
      mode,
      scopes,
      walletId: wallet,
      ipAllowList: [],
      login: null,
    });
    if (!outcome.ok) throw new Error(`credential refused: ${outcome.rejection}`);
    return outcome.value;
  };
  const client = await issue('client', ['intents', 'webhooks', 'ledger:read', 'ledger:write'], null);
  const tenant = {
    tenantId,
    mode,
    walletId,
    payToken: (await issue('token', ['pay', 'webhooks', 'ledger:read'], walletId)).secret,
    secondPayToken: (await issue('token', ['pay'], walletId)).secret,
    client: { 'X-Client-ID': client.credentialId, 'X-Client-Secret': client.secret },
    partnerToken: (await issue('token', ['partner', 'admin'], null)).secret,
    opsToken: (await issue('token', ['ops'], null)).secret,
  };
  await Promise.all([identity.stop(), ledger.stop()]);
  return tenant;
}
