import { memoryEventStore, type EventStore } from '@daybook/event-store';
import { openCredentials } from './credentials';
import { issue, type IssueDeps } from './issue-credential';

const tenantId = '0190f5a4-7c1e-7b3a-8d2f-4e5a6b7c8d9e';
const at = '2026-01-01T00:00:00.000Z';

test('reads the stream of the organization once: it is as long as the tenant has credentials', async () => {
  const read: string[] = [];
  const store = memoryEventStore();
  const counting: EventStore = {
    ...store,
    readStream(stream) {
      read.push(stream);
      return store.readStream(stream);
    },
  };
  const credentials = openCredentials(counting);
  await credentials.changeOrganization(tenantId, { type: 'RegisterOrganization', tenantId, name: 'Acme', at });
  read.length = 0;

  const deps = { credentials, now: () => new Date(at), tokenTtlDays: 1 } as Partial<IssueDeps> as IssueDeps;
  const issued = await issue(deps, {
    tenantId,
    kind: 'client',
    mode: 'sandbox',
    scopes: ['pay'],
    ipAllowList: [],
    walletId: null,
    login: null,
  });

  expect(issued).toMatchObject({ ok: true });
  expect(read.filter((stream) => stream.startsWith('organization-'))).toHaveLength(1);
});
