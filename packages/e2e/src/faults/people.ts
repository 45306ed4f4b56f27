/** Who acts in a run: a tenant with wallets, books of its own, credentials for all APIs and endpoints for its webhooks. */
import { randomUUID } from 'node:crypto';
import { issueCredential, issueFunds, openAccount, registerOrganization, type Scope } from '@daybook/contracts';
import { assert } from '@daybook/core';
import { callClient } from '@daybook/http';
import { Secret } from '@daybook/runtime';
import { openReceiver } from '@daybook/standalone';
import { walletCount } from './plan';
import { ownAccounts, ownAsset } from './model';

export type People = {
  readonly tenantId: string;
  /** Since 1970, by the clock of the harness, which nobody sets. */
  readonly begunAtMs: number;
  readonly wallets: readonly { readonly walletId: string; readonly token: string }[];
  readonly client: Readonly<Record<string, string>>;
  readonly ops: Readonly<Record<string, string>>;
};

type Receiver = Awaited<ReturnType<typeof openReceiver>>;
export type Receivers = { readonly transfers: Receiver; readonly intents: Receiver };

const mode = 'sandbox';
/** Of each wallet: all powers of two that are drawn, but the largest, and none twice. */
export const walletUnits = 2_047n;
const scopes: Readonly<Record<'client' | 'ops' | 'pay', Scope[]>> = {
  client: ['intents', 'webhooks', 'ledger:read', 'ledger:write'],
  ops: ['ops', 'ledger:read'],
  pay: ['pay', 'webhooks'],
};

/** Over the services' internal calls, as an operator onboards somebody. May be repeated: it is another tenant then. */
export async function onboard(urls: { identity: string; ledger: string }, internalToken: string): Promise<People> {
  const token = new Secret(internalToken);
  const identity = callClient({ baseUrl: urls.identity, token });
  const ledger = callClient({ baseUrl: urls.ledger, token });
  const tenantId = randomUUID();
  const issue = async (kind: 'token' | 'client', granted: Scope[], walletId: string | null) => {
    const asked = { tenantId, kind, mode, scopes: granted, walletId, ipAllowList: [], login: null } as const;
    const outcome = await identity(issueCredential, { ...asked, scopes: granted, ipAllowList: [] });
    assert(outcome.ok, 'a credential is refused');
    return outcome.value;
  };
  try {
    await identity(registerOrganization, { tenantId, name: 'Faults' });
    const wallets: { walletId: string; token: string }[] = [];
    for (let n = 0; n < walletCount; n++) {
      const walletId = `WALLET-${tenantId.slice(0, 8)}-${n}`;
      const account = { mode, accountId: walletId, tenantId, asset: 'TXC', type: 'liability', floor: 0n } as const;
      const opened = await ledger(openAccount, account);
      assert(opened.ok, 'a wallet is refused');
      const issued = {
        mode,
        transactionId: `issue:${walletId}`,
        accountId: walletId,
        asset: 'TXC',
        amount: walletUnits,
      };
      await ledger(issueFunds, { ...issued, mode, asset: 'TXC' });
      wallets.push({ walletId, token: (await issue('token', scopes.pay, walletId)).secret });
    }
    const client = await issue('client', scopes.client, null);
    return {
      tenantId,
      begunAtMs: Date.now(),
      wallets,
      client: { 'x-client-id': client.credentialId, 'x-client-secret': client.secret },
      ops: { authorization: `Bearer ${(await issue('token', scopes.ops, null)).secret}` },
    };
  } finally {
    await Promise.all([identity.stop(), ledger.stop()]);
  }
}

export async function openReceivers(): Promise<Receivers> {
  return { transfers: await openReceiver(), intents: await openReceiver() };
}

/** Over the public API: the tenant's accounts, and where it wants to be told. May be repeated. */
export async function settleIn(gateway: string, { client }: People, receivers: Receivers): Promise<void> {
  const post = async (path: string, body: unknown) => {
    const headers = { ...client, 'content-type': 'application/json' };
    const answer = await fetch(gateway + path, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await answer.text();
    assert(answer.ok, `${path} answered ${answer.status}: ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  };
  for (const { name, type } of ownAccounts) await post('/v1/ledger/accounts', { name, asset: ownAsset, type });
  const told = async (receiver: Receiver, events: readonly string[]) => {
    const { secret } = await post('/v1/webhook-endpoints', { url: receiver.url, events });
    receiver.setSecret(String(secret));
  };
  await told(receivers.transfers, ['transfer.confirmed', 'transfer.failed']);
  await told(receivers.intents, ['intent.settled', 'intent.paid', 'intent.partially_paid']);
}
