/** One phrase for the signer and for the deposits: hot wallet `i` and deposit address `i` are one address. */
import { allocateAddress, depositsOf, simulateDeposit, watchAddress } from '@daybook/contracts';
import { commandHandler, postgresEventStore } from '@daybook/event-store';
import { callClient, type CallClient } from '@daybook/http';
import { Secret, type Service } from '@daybook/runtime';
import { eventually, testDatabase, testLogger, type TestDatabase } from '@daybook/testing';
import { randomUUID } from 'node:crypto';
import { HDNodeWallet, Mnemonic } from 'ethers';
import { tronDeriver } from '../src/adapters/key-derivers';
import { addressEvents } from '../src/adapters/stored-events';
import { addressDecider } from '../src/domain/address';
import { createService, loadConfig } from '../src/index';

const token = 'internal-token-of-the-tests-0123456789';
const mnemonic = Mnemonic.fromPhrase('test test test test test test test test test test test junk');
const xpub = (path: string) => HDNodeWallet.fromMnemonic(mnemonic, path).neuter().extendedKey;
const [shared, own] = [xpub("m/44'/195'/0'/0"), xpub("m/44'/195'/9'/0")];
const wallet = tronDeriver(shared);
const owner = { tenantId: '7a1c0000-0000-8000-8000-000000000001', mode: 'sandbox' } as const;
const chain = 'sandbox-tron';
const refused = { ok: false, rejection: 'address_exists_with_different_fields' };
const timeoutMs = 15_000;

let database: TestDatabase;
let service: Service;
let call: CallClient;
let url: string;
const { logger, lines } = testLogger();
const fatal: unknown[] = [];

async function start(key = shared): Promise<void> {
  const settings = { DATABASE_URL: database.url, INTERNAL_TOKEN: token, CHAIN_POLL_MS: '20', TRON_XPUB: key };
  service = createService(loadConfig(settings), { logger, onFatal: (error) => void fatal.push(error) });
  ({ url } = await service.start());
  call = callClient({ baseUrl: url, token: new Secret(token) });
}
async function stop(): Promise<void> {
  await call.stop();
  await service.stop();
}

beforeAll(async () => {
  database = await testDatabase();
  await start();
});
afterAll(async () => {
  await stop();
  await database?.drop();
});
afterEach(() => expect(fatal).toEqual([]));

const allocate = (reference: string) =>
  call(allocateAddress, { ...owner, asset: 'USDT_TRC20', reference, amount: 100n });
const watch = (reference: string, address: string) => call(watchAddress, { ...owner, chain, address, reference });
async function addressOf(reference: string): Promise<string> {
  const outcome = await allocate(reference);
  if (!outcome.ok) throw new Error(outcome.rejection);
  return outcome.value.address;
}
const conflicts = async () =>
  /chain_address_conflicts\{[^}]*\} (\d+)/.exec(await (await fetch(`${url}/metrics`)).text())?.[1];

test('a deposit address that is a hot wallet is refused, and given when the keys differ', async () => {
  expect(await watch('wallet-0', await wallet.addressAt(0))).toEqual({ ok: true, value: {} });
  for (const _attempt of [1, 2])
    await expect(allocate('intent-0')).rejects.toMatchObject({ code: 'upstream_unavailable' });
  const failed = lines.filter(({ msg }) => msg === 'request failed');
  expect(JSON.stringify(failed)).toContain('deposit addresses and hot wallets must not come from one key');
  expect(await watch('wallet-0', await wallet.addressAt(0))).toEqual({ ok: true, value: {} });
  await stop();
  await start(own);
  expect(await addressOf('intent-0')).toBe(await tronDeriver(own).addressAt(0));
  await stop();
  await start();
});

test('a hot wallet that is a deposit address is refused, and the deposit address stays', async () => {
  const address = await addressOf('intent-1');
  expect(address).toBe(await wallet.addressAt(1));
  expect(await watch('wallet-1', address)).toEqual(refused);
  expect(await addressOf('intent-1')).toBe(address);
  expect(await conflicts()).toBe('0');
});

test('of two that recorded one address the first keeps it; the second is never told it, and no restart fails', async () => {
  const address = await addressOf('intent-2');
  await record('wallet-2', address);
  expect(await watch('wallet-2', address)).toEqual(refused);
  await stop();
  await start();
  expect(await watch('wallet-2', address)).toEqual(refused);
  expect(await conflicts()).toBe('1');
  const { rows } = await database
    .pool('chain_watcher')
    .query('select reference, chain, address, taken_by from address_conflicts_v1');
  expect(rows).toEqual([{ reference: 'wallet-2', chain, address, taken_by: 'intent-2' }]);

  const deposit = { ...owner, address, asset: 'USDT_TRC20', amount: 7n, depositKey: randomUUID() } as const;
  await expect(call(simulateDeposit, deposit)).resolves.toMatchObject({ ok: true });
  await eventually(
    async () => {
      const told = await call(depositsOf, { references: ['intent-2', 'wallet-2'] });
      expect(told).toMatchObject({ ok: true, value: { deposits: [{ reference: 'intent-2', status: 'confirmed' }] } });
    },
    { timeoutMs },
  );
});

/** As a process does that looked before the other one had recorded it. */
async function record(reference: string, address: string): Promise<void> {
  const store = postgresEventStore(database.pool('chain_watcher'));
  const fields = {
    reference,
    chain,
    address,
    family: 'tron',
    index: null,
    keyId: null,
    amount: null,
    ...owner,
  } as const;
  const at = new Date().toISOString();
  const context = { commandId: randomUUID(), correlationId: reference, causationId: reference };
  const { handle } = commandHandler(addressDecider, addressEvents, store);
  await handle(
    `address-${reference}`,
    { type: 'AllocateAddress', address: { ...fields, asset: 'USDT_TRC20' }, at },
    context,
  );
  await store.close();
}
