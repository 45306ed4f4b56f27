import { createLimits } from './limits';

const limits = () => createLimits({ requestsPerMinute: { pay: 1, general: 1, public: 1 }, authFailuresPerMinute: 1 });

afterEach(() => void jest.useRealTimers());

test('notices are counted for each gateway and address, and by their address together', async () => {
  const { countNotice } = limits();
  const tell = async (gatewayId: string, address: string, times: number) => {
    let refused;
    for (let told = 0; told < times; told++) refused = await countNotice(gatewayId, address);
    return refused;
  };
  expect(await tell('A', '203.0.113.7', 1_000)).toBeUndefined();
  expect(await tell('a', '203.0.113.7', 1)).toMatchObject({ status: 429, code: 'RATE_LIMIT_EXCEEDED' });
  expect(await tell('A', '203.0.113.8', 1)).toBeUndefined();
  for (const gateway of ['B', 'C', 'D', 'E', 'F', 'G', 'H', 'I'])
    expect(await tell(gateway, '203.0.113.7', 1_000)).toBeUndefined();
  // What was refused above took nothing.
  expect(await tell('J', '203.0.113.7', 1_000)).toBeUndefined();
  expect(await tell('K', '203.0.113.7', 1)).toMatchObject({ status: 429 });
});

test('an address that has no notices left counts for no gateway, so that ids it makes up are not remembered', async () => {
  jest.useFakeTimers();
  const { countNotice } = limits();
  const tell = async (gatewayId: string, times: number) => {
    const refused = new Set<number | undefined>();
    for (let told = 0; told < times; told++) refused.add((await countNotice(gatewayId, '203.0.113.7'))?.status);
    return [...refused];
  };
  for (const gateway of ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J'])
    expect(await tell(gateway, 1_000)).toEqual([undefined]);
  jest.advanceTimersByTime(30_000);
  expect(await tell('made up', 1_000)).toEqual([429]);
  expect(await countNotice('made up', '203.0.113.7')).toMatchObject({ retryAfterSeconds: 30 });
  // The address has a new minute. Had the id been counted, its own would go on.
  jest.advanceTimersByTime(30_000);
  expect(await tell('made up', 1_000)).toEqual([undefined]);
});

test('notices take nothing from what clients have', async () => {
  const { countNotice, countRequest, blocked } = limits();
  for (let told = 0; told < 3; told++) expect(await countNotice('A', '203.0.113.7')).toBeUndefined();
  expect(await countRequest('public', '203.0.113.7')).toBeUndefined();
  expect(await blocked('203.0.113.7')).toBeUndefined();
});
