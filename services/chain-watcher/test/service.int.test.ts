import { OperationalError } from '@daybook/core';
import {
  allocateAddress,
  chainStatus,
  depositConfirmed,
  depositSeen,
  depositsOf,
  rescanChain,
  simulateDeposit,
} from '@daybook/contracts';
import { callClient, type CallClient } from '@daybook/http';
import { readMessage, type ReceivedMessage, type Transport } from '@daybook/messaging';
import { Secret, type Service } from '@daybook/runtime';
import { eventually, testDatabase, testLogger, testTransport, type TestDatabase } from '@daybook/testing';
import { randomUUID } from 'node:crypto';
import { HDNodeWallet, Mnemonic } from 'ethers';
import { createService, loadConfig } from '../src/index';
import type { Overrides } from '../src/service';
import { anvilChain, type AnvilChain } from './anvil-chain';

const token = 'internal-token-of-the-tests-0123456789';
const mnemonic = Mnemonic.fromPhrase('test test test test test test test test test test test junk');
const xpub = (path: string) => HDNodeWallet.fromMnemonic(mnemonic, path).neuter().extendedKey;
const keys = {
  EVM_XPUB: xpub("m/44'/60'/9'/0"),
  TRON_XPUB: xpub("m/44'/195'/0'/0"),
  SOLANA_SEED: 'ab'.repeat(32),
  UPI_PAYEE: 'shop@bank',
  UPI_PAYEE_NAME: 'Tea & Co',
};
const tenantId = '7a1c0000-0000-8000-8000-000000000001';
const otherTenantId = '7a1c0000-0000-8000-8000-000000000002';
const timeoutMs = 15_000;

let database: TestDatabase;
let chain: AnvilChain;
let service: Service;
let call: CallClient;
let url: string;
const { logger, lines } = testLogger();

const settings = (more: Record<string, string> = {}) =>
  loadConfig({
    DATABASE_URL: database.url,
    INTERNAL_TOKEN: token,
    CHAIN_POLL_MS: '20',
    EVM_RPC_URL: chain.url,
    ...keys,
    ...more,
  });

async function start(overrides: Partial<Overrides> = {}): Promise<void> {
  service = createService(settings(), {
    logger,
    onFatal(error) {
      throw error;
    },
    ...overrides,
  });
  ({ url } = await service.start());
  call = callClient({ baseUrl: url, token: new Secret(token) });
}
async function stop(): Promise<void> {
  await call.stop();
  await service.stop();
}

beforeAll(async () => {
  [database, chain] = await Promise.all([testDatabase(), anvilChain()]);
  await chain.mine(2);
  await start();
});
afterAll(async () => {
  await stop();
  await chain?.stop();
  await database?.drop();
});

type Request = Parameters<typeof allocate>[0];
async function allocate(fields: {
  asset: 'ETH' | 'USDT_ERC20' | 'USDT_TRC20' | 'SOL' | 'USDT_SOL' | 'INR' | 'TXC';
  reference?: string;
  mode?: 'sandbox' | 'live';
  amount?: bigint;
}) {
  return call(allocateAddress, { mode: 'sandbox', tenantId, amount: 100n, reference: randomUUID(), ...fields });
}
async function addressOf(fields: Request): Promise<string> {
  const outcome = await allocate(fields);
  if (!outcome.ok) throw new Error(outcome.rejection);
  return outcome.value.address;
}
async function statusOf(name: string) {
  const outcome = await call(chainStatus, {});
  if (!outcome.ok) throw new Error('no status');
  return outcome.value.chains.find((one) => one.chain === name)!;
}

describe('addresses', () => {
  test('every address is new, under concurrency too, and spelled as on its chain', async () => {
    const shapes = {
      ETH: /^0x[0-9a-fA-F]{40}$/,
      USDT_TRC20: /^T[1-9A-HJ-NP-Za-km-z]{33}$/,
      SOL: /^[1-9A-HJ-NP-Za-km-z]{32,44}$/,
      INR: /^upi:\/\/pay\?/,
    } as const;
    for (const [asset, shape] of Object.entries(shapes)) {
      const requests = Array.from({ length: 12 }, () => addressOf({ asset: asset as keyof typeof shapes }));
      const addresses = await Promise.all(requests);
      expect(new Set(addresses).size).toBe(addresses.length);
      for (const address of addresses) expect(address).toMatch(shape);
    }
  });

  test('a reference keeps its address, and is refused with other content', async () => {
    const reference = randomUUID();
    const answers = await Promise.all(Array.from({ length: 10 }, () => addressOf({ asset: 'ETH', reference })));
    expect(new Set(answers).size).toBe(1);
    const refused = { ok: false, rejection: 'address_exists_with_different_fields' };
    expect(await allocate({ asset: 'SOL', reference })).toEqual(refused);
    expect(await allocate({ asset: 'ETH', reference, amount: 101n })).toEqual(refused);
    expect(await addressOf({ asset: 'ETH', reference })).toBe(answers[0]);
  });

  test('of two amounts that race for one reference, one gets a link, and it says that amount', async () => {
    const reference = randomUUID();
    const amounts = [15_000n, 25_000n];
    const answers = await Promise.all(amounts.map((amount) => allocate({ asset: 'INR', reference, amount })));
    const links = answers.map((answer) => (answer.ok ? new URL(answer.value.address).searchParams.get('am') : null));
    expect([
      ['150.00', null],
      [null, '250.00'],
    ]).toContainEqual(links);
  });

  test('an address is the child of the public key at its place', async () => {
    const address = await addressOf({ asset: 'ETH' });
    const key = HDNodeWallet.fromMnemonic(mnemonic, "m/44'/60'/9'/0");
    const children = Array.from({ length: 60 }, (_, index) => key.deriveChild(index).address);
    expect(children).toContain(address);
  });

  test('a UPI link names the payee, the exact amount and a reference of its own', async () => {
    const links = await Promise.all([0, 1].map(() => addressOf({ asset: 'INR', amount: 150_050n })));
    const [one, two] = links.map((link) => new URL(link).searchParams);
    expect(links[0]).toMatch(
      /^upi:\/\/pay\?pa=shop@bank&pn=Tea%20%26%20Co&am=1500\.50&cu=INR&tr=DB[A-Z0-9]+&tn=Payment%20DB/,
    );
    expect(Object.fromEntries(one!)).toMatchObject({ pa: 'shop@bank', pn: 'Tea & Co', am: '1500.50', cu: 'INR' });
    expect(one!.get('tr')).toMatch(/^[A-Z0-9]{10,35}$/);
    expect(one!.get('tr')).not.toBe(two!.get('tr'));
  });

  test('an asset without a chain in the mode is not available', async () => {
    const refused = { ok: false, rejection: 'asset_not_available' };
    await expect(allocate({ asset: 'TXC' })).resolves.toEqual(refused);
    await expect(allocate({ asset: 'USDT_ERC20' })).resolves.toEqual(refused);
    for (const asset of ['ETH', 'USDT_TRC20', 'SOL', 'INR'] as const)
      await expect(allocate({ asset, mode: 'live' })).resolves.toEqual(refused);
  });
});

describe('simulated deposits', () => {
  const simulate = (fields: Partial<Parameters<typeof callSimulate>[0]>) => callSimulate(fields);
  async function callSimulate(fields: {
    address?: string;
    asset?: 'ETH' | 'USDT_TRC20' | 'SOL' | 'USDT_SOL' | 'INR';
    amount?: bigint;
    depositKey?: string;
    tenantId?: string;
    mode?: 'sandbox' | 'live';
  }) {
    const defaults = { tenantId, mode: 'sandbox', asset: 'SOL', amount: 9n, depositKey: randomUUID() } as const;
    return call(simulateDeposit, { address: 'unknown', ...defaults, ...fields });
  }

  test('a deposit is published as seen and then as confirmed, once, however often it is repeated', async () => {
    const reference = randomUUID();
    const address = await addressOf({ asset: 'USDT_SOL', reference });
    const request = { address, asset: 'USDT_SOL', amount: 77n, depositKey: randomUUID() } as const;
    const answers = await Promise.all([simulate(request), simulate(request), simulate(request)]);
    expect(answers[0]).toMatchObject({ ok: true, value: { chain: 'sandbox-solana' } });
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    await expect(simulate({ ...request, amount: 78n })).resolves.toEqual({
      ok: false,
      rejection: 'deposit_exists_with_different_fields',
    });

    const published = await withMessages(async (messages) =>
      eventually(
        () => {
          const own = messages.filter((message) => (message.data as { reference: string }).reference === reference);
          expect(own).toHaveLength(2);
          return own;
        },
        { timeoutMs },
      ),
    );
    expect(published.map(({ type }) => type)).toEqual(['DepositSeen', 'DepositConfirmed']);
    expect(published[1]!.data).toMatchObject({
      chain: 'sandbox-solana',
      asset: 'USDT_SOL',
      amount: 77n,
      address,
      tenantId,
      mode: 'sandbox',
      index: 0,
    });
  });

  test('what came to a reference is told, newest news first, to whoever asks for it', async () => {
    const [reference, other, empty] = [randomUUID(), randomUUID(), randomUUID()];
    const address = await addressOf({ asset: 'SOL', reference });
    await simulate({ address: await addressOf({ asset: 'SOL', reference: other }) });
    await simulate({ address, amount: 1n });
    const first = await confirmedOf(reference, 1);
    await simulate({ address, amount: 2n });
    const both = await confirmedOf(reference, 2);
    expect(both[1]).toEqual(first[0]);
    await confirmedOf(other, 1);
    expect((await toldOf([reference, empty, other])).map((told) => told.reference).toSorted()).toEqual(
      [reference, reference, other].toSorted(),
    );
  });

  async function toldOf(references: readonly string[]) {
    const outcome = await call(depositsOf, { references: [...references] });
    if (!outcome.ok) throw new Error('not told');
    return outcome.value.deposits;
  }

  const confirmedOf = (reference: string, count: number) =>
    eventually(
      async () => {
        const told = await toldOf([reference]);
        expect(told.map(({ status }) => status)).toEqual(Array.from({ length: count }, () => 'confirmed'));
        return told;
      },
      { timeoutMs },
    );

  test("another tenant's or mode's address is not found, and real chains are not simulated", async () => {
    const address = await addressOf({ asset: 'SOL' });
    const notFound = { ok: false, rejection: 'address_not_found' };
    await expect(simulate({})).resolves.toEqual(notFound);
    await expect(simulate({ address, tenantId: otherTenantId })).resolves.toEqual(notFound);
    await expect(simulate({ address, mode: 'live' })).resolves.toEqual(notFound);
    await expect(simulate({ address, asset: 'USDT_TRC20' })).resolves.toEqual(notFound);
    const evm = await addressOf({ asset: 'ETH' });
    await expect(simulate({ address: evm, asset: 'ETH' })).resolves.toEqual({
      ok: false,
      rejection: 'asset_not_simulated',
    });
  });

  test('the same key of two tenants is two deposits', async () => {
    const depositKey = randomUUID();
    const address = await addressOf({ asset: 'SOL' });
    const theirs = await call(allocateAddress, {
      asset: 'SOL',
      mode: 'sandbox',
      tenantId: otherTenantId,
      reference: randomUUID(),
      amount: 1n,
    });
    if (!theirs.ok) throw new Error(theirs.rejection);
    const [one, two] = [
      await simulate({ address, depositKey }),
      await simulate({ address: theirs.value.address, depositKey, tenantId: otherTenantId }),
    ];
    expect([one.ok, two.ok]).toEqual([true, true]);
    expect(one).not.toEqual(two);
  });

  /** What is on the topic, from its beginning. */
  async function withMessages<T>(use: (messages: readonly ReceivedMessage<unknown>[]) => Promise<T>): Promise<T> {
    const transport: Transport = testTransport(database.url, logger);
    await transport.start();
    const messages: ReceivedMessage<unknown>[] = [];
    const consumption = await transport.consume({
      group: randomUUID(),
      topic: depositSeen.topic,
      startAt: async () => 0n,
      async handle(raw) {
        for (const { value } of raw) messages.push(readMessage([depositSeen, depositConfirmed], value).message);
      },
    });
    try {
      return await use(messages);
    } finally {
      await consumption.stop();
      await transport.stop();
    }
  }
});

describe('what was missed', () => {
  test('is found by a rescan of its blocks, once, and goes the way of every deposit', async () => {
    const address = await addressOf({ asset: 'ETH' });
    let blind = true;
    await stop();
    await start({
      wrapSource: (source) => ({
        ...source,
        async blocksAfter(...asked) {
          const blocks = await source.blocksAfter(...asked);
          return blind ? blocks.map((block) => ({ ...block, transfers: [] })) : blocks;
        },
      }),
    });
    const { number: before } = { number: await chain.height() };
    await chain.pay(address, 15n);
    await chain.mine(4);
    const to = await chain.height();
    await eventually(async () => expect(await statusOf(chain.name)).toMatchObject({ cursorNumber: to }), { timeoutMs });
    blind = false;
    const range = { chain: chain.name, from: before + 1, to };
    await expect(call(rescanChain, range)).resolves.toEqual({ ok: true, value: { blocks: to - before, deposits: 1 } });
    const pool = database.pool('chain_watcher');
    const stored = () => pool.query('select status, amount from deposits_v1 where address = $1', [address]);
    await eventually(async () => expect((await stored()).rows).toEqual([{ status: 'confirmed', amount: '15' }]), {
      timeoutMs,
    });
    // Again, it finds what is known and records nothing.
    await expect(call(rescanChain, range)).resolves.toMatchObject({ ok: true, value: { deposits: 1 } });
    const refused = (fields: Partial<typeof range>) => call(rescanChain, { ...range, ...fields });
    await expect(refused({ chain: 'evm-5' })).resolves.toEqual({ ok: false, rejection: 'chain_not_found' });
    await expect(refused({ from: to, to: to - 1 })).resolves.toEqual({ ok: false, rejection: 'range_invalid' });
    await expect(refused({ to: to + 900 })).resolves.toEqual({ ok: false, rejection: 'range_not_scanned' });
    await stop();
    await start();
  });

  test('an address comes with the URI that a wallet scans', async () => {
    const outcome = await allocate({ asset: 'ETH', amount: 7n });
    if (!outcome.ok) throw new Error(outcome.rejection);
    expect(outcome.value.paymentUri).toBe(`ethereum:${outcome.value.address}@31337?value=7`);
  });
});

describe('following a chain', () => {
  test('a restart goes on where the cursor is, and finds what was paid meanwhile', async () => {
    const address = await addressOf({ asset: 'ETH' });
    await stop();
    await chain.pay(address, 5n);
    await chain.mine(60);
    await start();
    await eventually(async () => expect(await statusOf(chain.name)).toMatchObject({ lagBlocks: 0, error: null }), {
      timeoutMs,
    });
    const pool = database.pool('chain_watcher');
    const { rows } = await pool.query('select status, amount from deposits_v1 where address = $1', [address]);
    expect(rows).toEqual([{ status: 'confirmed', amount: '5' }]);
  });

  test('an outage of the node is shown, not fatal, and over when the node is back', async () => {
    let down = false;
    await stop();
    await start({
      wrapSource: (source) => ({
        ...source,
        async head() {
          if (down) throw new OperationalError('upstream_unavailable', true, { detail: 'no answer' });
          return source.head();
        },
      }),
    });
    down = true;
    const failing = await eventually(
      async () => {
        const status = await statusOf(chain.name);
        expect(status.error).toBe('upstream_unavailable: no answer');
        return status;
      },
      { timeoutMs },
    );
    await chain.mine(1);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/chain_failing\{chain="evm-31337",service="chain-watcher"\} 1/);
    expect(metrics).toMatch(/chain_lag_blocks\{chain="evm-31337",service="chain-watcher"\} 0/);
    down = false;
    await eventually(
      async () => {
        const status = await statusOf(chain.name);
        expect(status).toMatchObject({ error: null, lagBlocks: 0, cursorNumber: failing.cursorNumber! + 1 });
      },
      { timeoutMs },
    );
  });

  test('a head that is ahead of the cursor shows as lag', async () => {
    await stop();
    let blocked = false;
    await start({
      wrapSource: (source) => ({
        ...source,
        blocksAfter: async (...asked) => (blocked ? [] : source.blocksAfter(...asked)),
      }),
    });
    blocked = true;
    await chain.mine(3);
    const status = await eventually(
      async () => {
        const seen = await statusOf(chain.name);
        expect(seen).toMatchObject({ lagBlocks: 3, error: expect.stringContaining('is missing below the head') });
        return seen;
      },
      { timeoutMs },
    );
    blocked = false;
    await eventually(async () => expect(await statusOf(chain.name)).toMatchObject({ lagBlocks: 0 }), { timeoutMs });
    expect((await statusOf(chain.name)).headChangedAt).toBe(status.headChangedAt);
  });

  test('coin that no deposit tells shows in the status and as a metric', async () => {
    const address = await addressOf({ asset: 'ETH' });
    await chain.ask('anvil_setBalance', address, '0x5');
    /** Some addresses are looked at after each block, so the turn of this one may be blocks away. */
    const shows = (expected: object) =>
      eventually(
        async () => {
          await chain.mine(1);
          expect(await statusOf(chain.name)).toMatchObject(expected);
        },
        { timeoutMs },
      );
    await shows({ unexplainedCount: 1, unexplained: [{ address, asset: 'ETH', amount: 5n }] });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain(`chain_unexplained_balances{chain="${chain.name}"`);
    await chain.ask('anvil_setBalance', address, '0x0');
    await shows({ unexplainedCount: 0 });
  });

  test('a node of another chain id stops the start and names the setting', async () => {
    await stop();
    const refused = createService(settings({ EVM_CHAIN_ID: '1' }), { logger });
    const error = await refused.start().then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(String((error?.cause as Error | undefined)?.message)).toContain('EVM_CHAIN_ID');
    await start();
  });

  test('a token that is not as it is pinned is off and names the setting; the coin of its chain is not', async () => {
    await stop();
    service = createService(settings({ EVM_USDT_CONTRACT: `0x${'00'.repeat(19)}ff` }), { logger });
    ({ url } = await service.start());
    call = callClient({ baseUrl: url, token: new Secret(token) });
    expect(await statusOf(chain.name)).toMatchObject({
      alarm: 'asset_off',
      error: expect.stringContaining('EVM_USDT_CONTRACT'),
    });
    await expect(allocate({ asset: 'USDT_ERC20' })).rejects.toMatchObject({ code: 'upstream_unavailable' });
    expect((await allocate({ asset: 'ETH' })).ok).toBe(true);
    await stop();
    await start();
  });

  test('without a node the start succeeds, the status says so and no address is given', async () => {
    await stop();
    const empty = await testDatabase();
    const config = loadConfig({
      DATABASE_URL: empty.url,
      INTERNAL_TOKEN: token,
      CHAIN_POLL_MS: '20',
      EVM_RPC_URL: 'http://127.0.0.1:9',
      ...keys,
    });
    const alone = createService(config, { logger });
    const { url: aloneUrl } = await alone.start();
    const client = callClient({ baseUrl: aloneUrl, token: new Secret(token) });
    const status = await client(chainStatus, {});
    expect(status.ok && status.value.chains.find((one) => one.chain === chain.name)).toMatchObject({
      headNumber: null,
      cursorNumber: null,
      error: expect.stringContaining('upstream_unavailable'),
    });
    const request = { asset: 'ETH', mode: 'sandbox', tenantId, reference: 'r', amount: 1n } as const;
    await expect(client(allocateAddress, request)).rejects.toMatchObject({ code: 'upstream_unavailable' });
    await client.stop();
    await alone.stop();
    await empty.drop();
    await start();
  });

  test('a chain that is halted gets no new addresses, and the ones it gave stay', async () => {
    const reference = randomUUID();
    const address = await addressOf({ asset: 'ETH', reference });
    await stop();
    const other = await anvilChain('legal winner thank year wave sausage worth useful legal winner thank yellow');
    service = createService(settings({ EVM_RPC_URL: other.url }), { logger });
    ({ url } = await service.start());
    call = callClient({ baseUrl: url, token: new Secret(token) });
    await eventually(
      async () => expect((await statusOf(chain.name)).error).toContain('the source serves another chain'),
      { timeoutMs },
    );
    await expect(allocate({ asset: 'ETH' })).rejects.toMatchObject({ code: 'upstream_unavailable' });
    expect(await addressOf({ asset: 'ETH', reference })).toBe(address);
    expect((await allocate({ asset: 'SOL' })).ok).toBe(true);
    await stop();
    await other.stop();
    await start();
  });

  test('neither the seed nor the internal token is in any log line', () => {
    const log = JSON.stringify(lines);
    for (const secret of [keys.SOLANA_SEED, token]) expect(log).not.toContain(secret);
  });
});
