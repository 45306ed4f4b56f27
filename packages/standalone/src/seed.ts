/**
 * The demo tenant of a standalone instance. Runs once: its last act is writing credentials.json, and every step before
 * that is safe to repeat, so an interrupted first start is finished by the next.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '@daybook/core';
import {
  addGateway,
  addInstitution,
  issueCredential,
  issueFunds,
  openAccount,
  registerOrganization,
  type CallContract,
  type CallOutcome,
  type CallRequest,
  type Mode,
  type Scope,
} from '@daybook/contracts';
import { callClient, type CallClient } from '@daybook/http';
import { codeFrom, replaceFile, Secret, uuidFrom } from '@daybook/runtime';
import { auditorUrls, limitAuditors, movedTo, type AuditorUrls } from './auditor-role';
import { textOf } from './endpoints';
import type { Secrets } from './secrets';

const fileName = 'credentials.json';
/** What the demo `pay` wallet holds: 1250.75 TXC, in minor units. */
const demoBalance = 125_075n;

type KeyPair = { readonly apiKey: string; readonly apiSecret: string };
/** Reading and writing the tenant's own accounts. */
const ownBooks: readonly Scope[] = ['ledger:read', 'ledger:write'];

type Login = { readonly login: string; readonly password: string };

/** The file that newcomers and scripts read. Secrets are shown here once and stored nowhere else in the clear. */
export type Credentials = {
  readonly baseUrl: string;
  readonly partner: { readonly username: string; readonly password: string; readonly apiKey: string };
  readonly intents: { readonly clientId: string; readonly clientSecret: string };
  readonly merchant: { readonly sandbox: KeyPair; readonly live: KeyPair };
  readonly wallet: { readonly administrator: Login; readonly accountant: Login; readonly individual: Login };
  readonly pay: {
    readonly token: string;
    readonly signingSecret: string;
    readonly walletId: string;
    readonly recipientToken: string;
    readonly recipientWalletId: string;
  };
  /** One for each mode: operators act in that of their credential. */
  readonly ops: { readonly token: string; readonly liveToken: string };
  /** `databaseUrl` shows everything, `tenantDatabaseUrl` what is the demo tenant's. */
  readonly auditor: { readonly token: string } & AuditorUrls;
};

export type SeedOptions = {
  /** Where clients reach the gateway; the services may reach it elsewhere. */
  readonly baseUrl: string;
  readonly home: string;
  readonly secrets: Pick<Secrets, 'instanceId' | 'internalToken'>;
  readonly databaseUrl: string;
  /** Without intents there are no payment gateways, without settlement no institutions. */
  readonly urls: {
    readonly identity: string;
    readonly ledger: string;
    readonly intents: string | null;
    readonly settlement: string | null;
  };
};

export function readCredentials(home: string): Credentials {
  return JSON.parse(readFileSync(join(home, fileName), 'utf8')) as Credentials;
}

/** Whether a start of this home has come to its end once. */
export function wasSeeded(home: string): boolean {
  return existsSync(join(home, fileName));
}

export async function seedDemo(options: SeedOptions): Promise<void> {
  const path = join(options.home, fileName);
  if (wasSeeded(options.home)) {
    const known = readCredentials(options.home);
    if (known.auditor.databaseUrl !== null) await limitAuditors(options.databaseUrl);
    // Ports may be others than at the last start.
    const auditor = {
      ...known.auditor,
      databaseUrl: movedTo(known.auditor.databaseUrl, options.databaseUrl),
      tenantDatabaseUrl: movedTo(known.auditor.tenantDatabaseUrl, options.databaseUrl),
    };
    await replaceFile(path, textOf({ ...known, baseUrl: options.baseUrl, auditor }));
    return;
  }
  const { urls, secrets } = options;
  const token = new Secret(secrets.internalToken);
  const clientOf = (baseUrl: string) => callClient({ baseUrl, token });
  const [identity, ledger] = [clientOf(urls.identity), clientOf(urls.ledger)];
  const intents = urls.intents === null ? null : clientOf(urls.intents);
  const settlement = urls.settlement === null ? null : clientOf(urls.settlement);
  const tenantId = uuidFrom([secrets.instanceId, 'demo']);
  try {
    if (intents !== null) await addGateways(intents, tenantId);
    if (settlement !== null) await addInstitutions(settlement, tenantId);
    await replaceFile(path, textOf(await issueAll(options, identity, ledger)));
  } finally {
    await Promise.all([identity, ledger, intents, settlement].map((client) => client?.stop()));
  }
}

type Wallets = {
  readonly demo: string;
  readonly shop: string;
  readonly walletId: string;
  readonly recipientWalletId: string;
};

async function issueAll(options: SeedOptions, identity: CallClient, ledger: CallClient): Promise<Credentials> {
  const { instanceId } = options.secrets;
  const demo = uuidFrom([instanceId, 'demo']);
  const shop = uuidFrom([instanceId, 'demo recipient']);
  await must(identity, registerOrganization, { tenantId: demo, name: 'Demo' });
  await must(identity, registerOrganization, { tenantId: shop, name: 'Demo recipient' });
  const walletId = await wallet(ledger, instanceId, demo, 'demo');
  const recipientWalletId = await wallet(ledger, instanceId, shop, 'demo recipient');
  await must(ledger, issueFunds, {
    mode: 'sandbox',
    transactionId: `issue:${walletId}`,
    accountId: walletId,
    asset: 'TXC',
    amount: demoBalance,
  });
  return {
    baseUrl: options.baseUrl,
    ...(await issueCredentials(identity, { demo, shop, walletId, recipientWalletId })),
    auditor: {
      token: await issue(identity, demo, 'token', ['audit', 'ledger:read']).then(({ secret }) => secret),
      ...(await auditorUrls(options.databaseUrl, demo)),
    },
  };
}

/** Numbered as they are added, so that gateway 3 takes cards, as in the reference's examples. */
const demoGateways = [
  { name: 'Sandbox PayPal', plays: 'paypal' },
  { name: 'Sandbox Coinbase', plays: 'coinbase' },
  { name: 'Sandbox cards', plays: 'stripe' },
] as const;

async function addGateways(intents: CallClient, tenantId: string): Promise<void> {
  for (const { name, plays } of demoGateways) {
    const settings = { provider: 'sandbox', plays } as const;
    await must(intents, addGateway, { tenantId, mode: 'sandbox', name, currencies: ['USD', 'EUR', 'GBP'], settings });
  }
}

/** As many as let institution 5 be one, as in the reference's examples. */
const demoInstitutions = ['First', 'Second', 'Third', 'Fourth', 'Fifth'];
/** Of the sandbox bank; whoever does not want to wait says that it has paid out. */
const settleAfterSeconds = 60;

async function addInstitutions(settlement: CallClient, tenantId: string): Promise<void> {
  const settings = { bank: 'sandbox', settleAfterSeconds } as const;
  for (const which of demoInstitutions) {
    const name = `${which} sandbox bank`;
    await must(settlement, addInstitution, {
      tenantId,
      mode: 'sandbox',
      name,
      currencies: ['USD', 'EUR', 'GBP'],
      settings,
    });
  }
}

type Issue = CallRequest<typeof issueCredential>;

function issue(
  identity: CallClient,
  tenantId: string,
  kind: Issue['kind'],
  scopes: readonly Scope[],
  more: Partial<Issue> = {},
) {
  const defaults: Omit<Issue, 'tenantId' | 'kind' | 'scopes'> = {
    mode: 'sandbox',
    walletId: null,
    ipAllowList: [],
    login: null,
  };
  return must(identity, issueCredential, { ...defaults, tenantId, kind, scopes: [...scopes], ...more });
}

async function issueCredentials(
  identity: CallClient,
  { demo, shop, walletId, recipientWalletId }: Wallets,
): Promise<Omit<Credentials, 'baseUrl' | 'auditor'>> {
  const keyPair = async (mode: Mode): Promise<KeyPair> => {
    const { credentialId, secret } = await issue(identity, demo, 'basic', ['merchant', 'webhooks', ...ownBooks], {
      mode,
    });
    return { apiKey: credentialId, apiSecret: secret };
  };
  const login = async (name: string, scopes: readonly Scope[]): Promise<Login> => {
    // Login names are unique and are not given back: an interrupted first start has used some up.
    const loginName = `${name}-${randomBytes(4).toString('hex')}@demo.example`;
    return { login: loginName, password: (await issue(identity, demo, 'login', scopes, { login: loginName })).secret };
  };
  const partner = await login('partner', ['partner']);
  const apiKey = await issue(identity, demo, 'api_key', ['partner', 'webhooks', ...ownBooks]);
  const client = await issue(identity, demo, 'client', ['intents', 'webhooks', ...ownBooks]);
  const payer = await issue(identity, demo, 'token', ['pay', 'webhooks', 'ledger:read'], { walletId });
  const payee = await issue(identity, shop, 'token', ['pay', 'webhooks', 'ledger:read'], {
    walletId: recipientWalletId,
  });
  const operator = await issue(identity, demo, 'token', ['ops', 'admin', 'ledger:read', 'audit']);
  const liveOperator = await issue(identity, demo, 'token', ['ops', 'admin', 'ledger:read', 'audit'], { mode: 'live' });
  return {
    partner: { username: partner.login, password: partner.password, apiKey: apiKey.secret },
    intents: { clientId: client.credentialId, clientSecret: client.secret },
    merchant: { sandbox: await keyPair('sandbox'), live: await keyPair('live') },
    wallet: {
      administrator: await login('administrator', ['wallet', 'webhooks', ...ownBooks]),
      accountant: await login('accountant', ['wallet', ...ownBooks]),
      individual: await login('individual', ['wallet']),
    },
    pay: {
      token: payer.secret,
      signingSecret: payer.signingSecret ?? '',
      walletId,
      recipientToken: payee.secret,
      recipientWalletId,
    },
    ops: { token: operator.secret, liveToken: liveOperator.secret },
  };
}

async function wallet(ledger: CallClient, instanceId: string, tenantId: string, name: string): Promise<string> {
  const accountId = codeFrom('WALLET', [instanceId, name]);
  await must(ledger, openAccount, { mode: 'sandbox', accountId, tenantId, asset: 'TXC', type: 'liability', floor: 0n });
  return accountId;
}

/** The answer of a call that no rule may refuse here. */
async function must<Call extends CallContract>(client: CallClient, call: Call, request: CallRequest<Call>) {
  const outcome = (await client(call, request)) as { ok: boolean; value?: unknown; rejection?: string };
  assert(outcome.ok, `${call.name} was refused: ${outcome.rejection}`);
  return outcome.value as Extract<CallOutcome<Call>, { ok: true }>['value'];
}
