import { randomUUID } from 'node:crypto';
import {
  listEndpoints,
  registerEndpoint,
  rotateSecret,
  transferStatusChanged,
  webhookDialects,
  type CallRequest,
} from '@daybook/contracts';
import type { CallClient } from '@daybook/http';
import { eventually } from '@daybook/testing';
import { confirmedTransfer, isSignedBy, messageFor, payEndpoint, startHarness, valueOf, type Harness } from './harness';

let harness: Harness;
let call: CallClient;
const soon = { timeoutMs: 10_000 };
const hourMs = 3_600_000;

beforeAll(async () => {
  harness = await startHarness();
  ({ call } = await harness.run());
});
afterAll(async () => {
  await harness?.stop();
  expect(harness.fatal).toEqual([]);
});

type Rotation = CallRequest<typeof rotateSecret>;
type Endpoint = Pick<Rotation, 'tenantId' | 'endpointId'>;

function rotation({ tenantId, endpointId }: Endpoint, rotationId: string, more: Partial<Rotation> = {}): Rotation {
  const asking = { tenantId, mode: 'sandbox', accountId: null } as const;
  return { ...asking, dialects: [...webhookDialects], endpointId, rotationId, overlapHours: 24, ...more };
}

async function registered(url = 'http://127.0.0.1:9/hook', accountId: string | null = null) {
  const tenantId = randomUUID();
  const { endpoint, secret } = await valueOf(call, registerEndpoint, payEndpoint(tenantId, url, { accountId }));
  return { tenantId, endpointId: endpoint.endpointId, endpoint, secret };
}

async function shown({ tenantId }: Pick<Endpoint, 'tenantId'>) {
  return (await valueOf(call, listEndpoints, { tenantId, mode: 'sandbox', accountId: null })).endpoints;
}

const inHours = (hours: number) => new Date(harness.clock().getTime() + hours * hourMs).toISOString();
const refused = (rejection: string) => ({ ok: false, rejection });

describe('the secret of an endpoint', () => {
  test('is rotated once for an id, and a repeat is answered the same, also when both come at once', async () => {
    const mine = await registered();
    const request = rotation(mine, 'r1', { overlapHours: 48 });
    const answers = await Promise.all([1, 2, 3].map(() => valueOf(call, rotateSecret, request)));
    const previousUntil = inHours(48);
    harness.clock.advance(50 * hourMs);
    answers.push(await valueOf(call, rotateSecret, request));

    const [first] = answers;
    expect(first?.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(first?.secret).not.toBe(mine.secret);
    for (const answer of answers) expect(answer).toMatchObject({ secret: first?.secret, previousUntil });
    expect(answers.map(({ replayed }) => replayed).toSorted()).toEqual([false, true, true, true]);
    expect(answers.map(({ endpoint }) => endpoint.previousSecretUntil)).toEqual([
      ...Array(3).fill(previousUntil),
      null,
    ]);
    expect(await call(rotateSecret, { ...request, overlapHours: 47 })).toEqual(
      refused('rotation_exists_with_different_fields'),
    );
  });

  test('is answered to a registration of the same URL as it is now', async () => {
    const mine = await registered();
    const { secret, endpoint } = await valueOf(call, rotateSecret, rotation(mine, 'r1'));
    const again = await valueOf(call, registerEndpoint, payEndpoint(mine.tenantId, mine.endpoint.url));
    expect(again).toEqual({ endpoint, secret });
    expect(endpoint).toEqual({ ...mine.endpoint, previousSecretUntil: inHours(24) });
  });

  test('has three earlier ones at most, each until its own time, of which the list shows the last', async () => {
    const mine = await registered();
    for (const [rotationId, overlapHours] of [
      ['r1', 3],
      ['r2', 1],
      ['r3', 2],
    ] as const)
      await valueOf(call, rotateSecret, rotation(mine, rotationId, { overlapHours }));
    expect(await shown(mine)).toEqual([{ ...mine.endpoint, previousSecretUntil: inHours(3) }]);
    expect(await call(rotateSecret, rotation(mine, 'r4'))).toEqual(refused('secrets_exhausted'));
    expect(await call(rotateSecret, rotation(mine, 'r2', { overlapHours: 1 }))).toEqual(refused('rotation_superseded'));
    // What leaked is replaced at once, whatever else signs.
    const atOnce = await valueOf(call, rotateSecret, rotation(mine, 'r5', { overlapHours: 0 }));
    expect(atOnce.previousUntil).toBeNull();
    harness.clock.advance(hourMs);
    await valueOf(call, rotateSecret, rotation(mine, 'r4'));
    expect(await shown(mine)).toEqual([{ ...mine.endpoint, previousSecretUntil: inHours(24) }]);
    harness.clock.advance(24 * hourMs);
    expect(await shown(mine)).toEqual([mine.endpoint]);
  });

  test('is rotated for who has the endpoint and may be told what it tells', async () => {
    const [mine, wallets] = [await registered(), await registered(undefined, 'WALLET123')];
    const foreign = [
      rotation(mine, 'r1', { tenantId: randomUUID() }),
      rotation(mine, 'r1', { mode: 'live' }),
      rotation(mine, 'r1', { endpointId: randomUUID() }),
      rotation(mine, 'r1', { accountId: 'WALLET123' }),
      rotation(wallets, 'r1', { accountId: 'WALLET2' }),
    ];
    for (const request of foreign) expect(await call(rotateSecret, request)).toEqual(refused('endpoint_not_found'));
    expect(await call(rotateSecret, rotation(mine, 'r1', { dialects: ['intents'] }))).toEqual(
      refused('dialect_not_allowed'),
    );
    expect([await shown(mine), await shown(wallets)]).toEqual([[mine.endpoint], [wallets.endpoint]]);
    for (const accountId of ['WALLET123', null])
      await valueOf(call, rotateSecret, rotation(wallets, `of ${accountId}`, { accountId }));
  });
});

test('rotated during load: all verifies by the earlier secret until its time, and by the new one from the rotation on', async () => {
  const at = await harness.receiver();
  const mine = await registered(at.url);
  let published = 0;
  const publish = async () => {
    const transfer = confirmedTransfer(mine.tenantId);
    await harness.transport.publish([
      messageFor(transferStatusChanged, transfer, { stream: transfer.transferId, revision: 1n }),
    ]);
    published++;
  };
  const load = async (count: number) => {
    for (let n = 0; n < count; n++) await publish();
  };
  const allReceived = () => eventually(() => expect(at.received).toHaveLength(published), soon);

  let goesOn = true;
  const underWay = (async () => {
    while (goesOn) await publish();
  })();
  const tenMore = (than: number) => eventually(() => expect(at.received.length).toBeGreaterThan(than + 10), soon);
  await tenMore(0);
  const { secret } = await valueOf(call, rotateSecret, rotation(mine, 'r1', { overlapHours: 1 }));
  await tenMore(at.received.length);
  goesOn = false;
  await underWay;
  await allReceived();
  // From here on nobody sends by what the endpoint was before.
  harness.clock.advance(500);
  const rotatedBy = at.received.length;
  await load(20);
  await allReceived();
  const verified = (by: string, from = 0) => at.received.slice(from).map((each) => isSignedBy(by, each));
  expect(verified(mine.secret)).toEqual(Array(published).fill(true));
  expect(verified(secret, rotatedBy)).toEqual(Array(20).fill(true));
  // Some of the load was signed by one secret, and some by both.
  expect(new Set(verified(secret))).toEqual(new Set([false, true]));

  harness.clock.advance(hourMs);
  const endedBy = at.received.length;
  await load(20);
  await allReceived();
  expect(verified(secret, endedBy)).toEqual(Array(20).fill(true));
  expect(verified(mine.secret, endedBy)).toEqual(Array(20).fill(false));
});
