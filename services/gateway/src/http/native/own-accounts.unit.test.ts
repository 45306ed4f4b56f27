import { accountIdOf, accountRefOf, nameFailures, newAccountOf, reservedPrefixes } from './own-accounts';

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

const ids = ['WALLET123', `merchant:${tenantId}:SOL`, `acct:${other}:cash`, 'issuance:TXC', 'Cash', '1st'];

test.each(ids)('%s is an id as it stands, and no account can be opened under it', (id) => {
  expect(accountIdOf(tenant, id)).toBe(id);
  expect(accountRefOf(tenant, id)).toBe(id);
  expect(() => newAccountOf(tenant, id)).toThrow('name: must ');
});

test.each(reservedPrefixes)('a name that begins with %s is refused because of that, by everybody', (prefix) => {
  const { message } = nameFailures.reserved(prefix);
  expect(message).toContain(` ${prefix} `);
  expect(() => newAccountOf(tenant, `${prefix}42`)).toThrow(message);
  expect(() => newAccountOf(tenant, `acct:${tenantId}:${prefix}42`)).toThrow(message);
  expect(() => newAccountOf(operator, `acct:${other}:${prefix}42`)).toThrow(message);
});

test('a name of other characters is refused because of them', () => {
  for (const name of ['Cash', '1st', 'a b', 'x'.repeat(101)])
    expect(() => newAccountOf(tenant, name)).toThrow(nameFailures.malformed.message);
  expect(() => newAccountOf(operator, `acct:${other}:Cash`)).toThrow(nameFailures.malformed.message);
});

test('operators say and see full ids, of every tenant', () => {
  expect(accountIdOf(operator, 'cash')).toBe('cash');
  expect(accountRefOf(operator, `acct:${tenantId}:cash`)).toBe(`acct:${tenantId}:cash`);
  expect(newAccountOf(operator, `acct:${other}:cash`)).toEqual({ tenantId: other, accountId: `acct:${other}:cash` });
  for (const name of ['cash', 'wallet:42', 'acct:x:cash'])
    expect(() => newAccountOf(operator, name)).toThrow(nameFailures.notInFull.message);
});

test.each([
  '00000000-0000-0000-0000-000000000001',
  '12345678-1234-9234-9234-123456789abc',
  '12345678-1234-4234-c234-123456789abc',
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
])('no tenant has the id %s', (id) => {
  expect(() => newAccountOf(operator, `acct:${id}:cash`)).toThrow(nameFailures.notInFull.message);
});
