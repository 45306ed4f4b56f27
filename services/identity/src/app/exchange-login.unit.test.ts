import { OperationalError } from '@daybook/core';
import { memoryEventStore } from '@daybook/event-store';
import { inTurn } from '@daybook/runtime';
import { openCredentials } from './credentials';
import { exchange, type ExchangeDeps } from './exchange-login';
import { issue, type IssueDeps } from './issue-credential';

const tenantId = '0190f5a4-7c1e-7b3a-8d2f-4e5a6b7c8d9e';
const at = '2026-01-01T00:00:00.000Z';
const now = () => new Date(at);

test('whatever is wrong with a sign-in, one hash is computed for it, and the answer is the same', async () => {
  const credentials = openCredentials(memoryEventStore());
  await credentials.changeOrganization(tenantId, { type: 'RegisterOrganization', tenantId, name: 'Acme', at });
  const judged: (string | undefined)[] = [];
  const passwords = {
    hash: async (password: string) => `hash of ${password}`,
    verify: async (hash: string | undefined, password: string) => {
      judged.push(hash);
      return hash === `hash of ${password}`;
    },
  };
  const loginNames = { digest: (name: string) => name, encrypt: async (_subject: string, name: string) => name };
  const made = { credentials, passwords, loginNames, now } as Partial<IssueDeps> as IssueDeps;
  const login = async (name: string) => {
    const issued = await issue(made, {
      tenantId,
      kind: 'login',
      mode: 'sandbox',
      scopes: ['partner'],
      ipAllowList: [],
      walletId: null,
      login: name,
    });
    if (!issued.ok) throw new Error(issued.rejection);
    return issued.value;
  };
  const [ann, bea] = [await login('ann'), await login('bea')];
  await credentials.change(bea.credentialId, { type: 'RevokeCredential', tenantId, at });

  let triesLeft = true;
  const attempts = { take: async () => triesLeft, clear: async () => undefined };
  const tokens = { sign: () => 'a.b.c' };
  const deps: ExchangeDeps = { credentials, tokens, passwords, loginNames, attempts, oneByOne: inTurn(), now };
  const tried = async (name: string, password: string) => {
    judged.length = 0;
    return [(await exchange(deps, { login: name, password })).ok, judged.length];
  };
  expect(await tried('ann', ann.secret)).toEqual([true, 1]);
  expect(await tried('ann', 'wrong')).toEqual([false, 1]);
  expect(await tried('nobody', 'wrong')).toEqual([false, 1]);
  expect(await tried('bea', bea.secret)).toEqual([false, 1]);
  triesLeft = false;
  expect(await tried('ann', ann.secret)).toEqual([false, 1]);
});

test('a sign-in that could not be judged uses up no try', async () => {
  const unavailable = new OperationalError('store_unavailable', true);
  let taken = 0;
  const deps = {
    credentials: { holderOf: () => Promise.reject(unavailable) },
    loginNames: { digest: (name: string) => name },
    attempts: { take: async () => (taken += 1) <= 5 },
    oneByOne: inTurn(),
    now,
  } as Partial<Record<keyof ExchangeDeps, unknown>> as ExchangeDeps;
  await expect(exchange(deps, { login: 'ann', password: 'right' })).rejects.toBe(unavailable);
  expect(taken).toBe(0);
});
