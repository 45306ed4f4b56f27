import { createLimits } from './limits';

const limits = () => createLimits({ requestsPerMinute: { pay: 1, general: 1, public: 1 }, authFailuresPerMinute: 1 });

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

test('notices take nothing from what clients have', async () => {
  const { countNotice, countRequest, blocked } = limits();
  for (let told = 0; told < 3; told++) expect(await countNotice('A', '203.0.113.7')).toBeUndefined();
  expect(await countRequest('public', '203.0.113.7')).toBeUndefined();
  expect(await blocked('203.0.113.7')).toBeUndefined();
});
