import { accountIdOf, accountRefOf, newAccountOf } from './own-accounts';

const tenantId = '018f2f7a-0000-7000-8000-00000000000a';
const other = '018f2f7a-0000-7000-8000-00000000000b';
const tenant = { tenantId, scopes: ['ledger:read' as const, 'ledger:write' as const] };
const operator = { tenantId, scopes: ['ops' as const] };

test.each(['cash', 'users:42.main', 'a', 'x-y_z'])('%s is the name of an own account, there and back', (name) => {
  const id = `acct:${tenantId}:${name}`;
  expect(accountIdOf(tenant, name)).toBe(id);
  expect(accountRefOf(tenant, id)).toBe(name);
  expect(newAccountOf(tenant, name)).toEqual({ tenantId, accountId: id });
});

test.each(['WALLET123', `merchant:${tenantId}:SOL`, `acct:${other}:cash`, 'issuance:TXC', 'Cash', '1st'])(
  '%s is an id as it stands, and no account can be opened under it',
  (id) => {
    expect(accountIdOf(tenant, id)).toBe(id);
    expect(accountRefOf(tenant, id)).toBe(id);
    expect(newAccountOf(tenant, id)).toBeUndefined();
  },
);

test('operators say and see full ids, of every tenant', () => {
  expect(accountIdOf(operator, 'cash')).toBe('cash');
  expect(accountRefOf(operator, `acct:${tenantId}:cash`)).toBe(`acct:${tenantId}:cash`);
  expect(newAccountOf(operator, `acct:${other}:cash`)).toEqual({ tenantId: other, accountId: `acct:${other}:cash` });
  expect(newAccountOf(operator, 'cash')).toBeUndefined();
});
