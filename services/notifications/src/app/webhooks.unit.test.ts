import { memoryEventStore } from '@daybook/event-store';
import { openWebhooks } from './webhooks';

const now = () => new Date('2026-03-01T12:00:00.000Z');
const tenant = { tenantId: '6f1d7a52-3c0b-4a0e-9a53-0c1f2e3d4b5a', mode: 'live' } as const;
const [first, second] = ['0f8fad5b-d9cb-469f-a165-70867728950e', '7c9e6679-7425-40de-944b-e07fc1f90ae7'] as const;
const registration = (endpointId: string) =>
  ({
    type: 'RegisterEndpoint',
    endpointId,
    dialect: 'intents',
    accountId: null,
    url: 'https://merchant.example/',
    events: ['intent.settled'],
    sealedSecret: 'sealed',
    at: now().toISOString(),
  }) as const;

test('what another process changed is there at once, and what was read before is not read again', async () => {
  const store = memoryEventStore();
  const readFrom: bigint[] = [];
  const webhooks = openWebhooks(
    {
      ...store,
      readStream(stream, options) {
        readFrom.push(options?.from ?? 0n);
        return store.readStream(stream, options);
      },
    },
    now,
  );
  const other = openWebhooks(store, now);
  const known = async () => [...(await webhooks.endpointsOf(tenant)).keys()];

  expect(await known()).toEqual([]);
  await other.changeEndpoints(tenant, registration(first));
  expect(await known()).toEqual([first]);
  await other.changeEndpoints(tenant, registration(second));
  await other.changeEndpoints(tenant, {
    type: 'RemoveEndpoint',
    endpointId: first,
    accountId: null,
    at: now().toISOString(),
  });
  expect(await known()).toEqual([second]);
  expect(await known()).toEqual([second]);
  expect(readFrom).toEqual([0n, 0n, 1n, 3n]);
});
