import { z } from 'zod';
import { issueCredential, registerOrganization, restrictCredential, revokeCredential } from '../src';

const tenantId = 'abcdef00-1111-4111-8111-abcdefabcdef';

test('a tenant has one id, however it is spelled', () => {
  const spelled = { tenantId: tenantId.toUpperCase(), name: 'Acme' };
  expect(z.decode(registerOrganization.request, spelled)).toEqual({ tenantId, name: 'Acme' });
  expect(z.encode(registerOrganization.request, spelled)).toEqual({ tenantId, name: 'Acme' });
});

const unstorable = ['a\0', '\ud800', 'a'.repeat(201)];

test.each([...unstorable, ''])('a credential does not act for a wallet that cannot be: %j', (walletId) => {
  const request = { tenantId, kind: 'token', mode: 'sandbox', scopes: ['pay'] };
  const problems = (more: object) =>
    z.safeDecode(issueCredential.request, { ...request, ...more } as never).error?.issues.map(({ path }) => path[0]);
  expect(problems({ walletId: 'WALLET1' })).toBeUndefined();
  expect(problems({ walletId })).toEqual(['walletId']);
});

test.each(unstorable)('the id of a credential is text that a stream can be named by: %j', (credentialId) => {
  const problems = [
    z.safeDecode(restrictCredential.request, { tenantId, credentialId, ipAllowList: [] }),
    z.safeDecode(revokeCredential.request, { tenantId, credentialId }),
  ].map(({ error }) => error?.issues.map(({ path }) => path[0]));
  expect(problems).toEqual([['credentialId'], ['credentialId']]);
});
