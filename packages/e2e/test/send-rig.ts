/**
 * Settlement, ledger, chain-watcher and signer as their composition roots have them, on one database and a development
 * chain; and processes that bring sends on and crash where they are told to.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSend, getBookAccount, getSend, listWallets, walletBalance, type CallRequest } from '@daybook/contracts';
import { callNode, embeddedEvmNode, payFromFaucet } from '@daybook/embedded';
import { callClient } from '@daybook/http';
import { Secret, type Service } from '@daybook/runtime';
import { signerClient } from '@daybook/signer';
import {
  eventually,
  expectBooksBalance,
  testDatabase,
  testLogger,
  testTransport,
  type TestDatabase,
} from '@daybook/testing';
import * as chainWatcher from '@services/chain-watcher';
import * as intents from '@services/intents';
import * as ledger from '@services/ledger';
import * as settlement from '@services/settlement';
import { HDNodeWallet } from 'ethers';
import { signerService } from './simulation/start-signer';
import { valueOf } from './value-of';

const token = 'internal-token-of-the-send-tests';
const signerToken = 'signer-token-of-the-send-tests-000000';
const tenantId = '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11';
export const owner = { tenantId, mode: 'sandbox' } as const;
export const merchant = `merchant:${tenantId}:ETH`;
/** What the operator has: the key of all deposit addresses. chain-watcher has its public half. */
export const depositKey = HDNodeWallet.fromPhrase(
  'test test test test test test test test test test test junk',
  undefined,
  "m/44'/60'/9'/0",
);
const xpub = depositKey.neuter().extendedKey;

/** What no restore of a database takes back: a chain, and a signer with its journal. And secrets, which services keep. */
export async function sendWorld() {
  const directory = mkdtempSync(join(tmpdir(), 'daybook-sends-'));
  const { logger } = testLogger();
  const fatal: unknown[] = [];
  const node = embeddedEvmNode({ directory: join(directory, 'evm') });
  await node.start();
  const service = signerService(
    {
      SIGNER_TOKEN: signerToken,
      KEYSTORE_PASSWORD: 'a password of a keystore',
      SIGNER_DIRECTORY: join(directory, 'signer'),
      KEYSTORE_CREATE: 'true',
      SEND_CAPS: 'ETH=5/100',
      FEE_CAPS: 'ETH=0.1/10',
    },
    { logger, onFatal: (error) => void fatal.push(error) },
  );
  const { url: signerUrl } = await service.start();
  const newKey = () => randomBytes(32).toString('base64');
  return {
    node,
    signerUrl,
    secrets: { INTERNAL_TOKEN: token, PERSONAL_DATA_KEY: newKey(), SECRETS_KEY: newKey() },
    async close() {
      await service.stop();
      await node.stop();
      rmSync(directory, { recursive: true, force: true });
      expect(fatal).toEqual([]);
    },
  };
}
type SendWorld = Awaited<ReturnType<typeof sendWorld>>;

/** All of it, for one test file. */
export async function sendRig(more: Readonly<Record<string, string>> = {}) {
  const world = await sendWorld();
  const database = await testDatabase();
  const rig = await sendServices(world, database, more);
  return {
    ...rig,
    async close() {
      await rig.stop();
      await database.drop();
      await world.close();
    },
  };
}
export type SendRig = Awaited<ReturnType<typeof sendRig>>;

/** The services on a database, which may be one that was there before. */
export async function sendServices(
  { node, signerUrl, secrets }: SendWorld,
  database: TestDatabase,
  more: Readonly<Record<string, string>> = {},
) {
  const { logger, lines } = testLogger();
  const fatal: unknown[] = [];
  const onFatal = (error: unknown) => void fatal.push(error);
  const transport = testTransport(database.url, logger);
  await transport.start();
  const common = {
    ...secrets,
    DATABASE_URL: database.url,
    EVM_RPC_URL: node.url,
    EVM_CONFIRMATIONS: '2',
    CHAIN_POLL_MS: '50',
  };
  const platform = { transport, logger, onFatal };
  const running: Service[] = [];
  const run = async (service: Service) => {
    const { url } = await service.start();
    running.push(service);
    return url;
  };
  const ledgerUrl = await run(ledger.createService(ledger.loadConfig(common), platform));
  const watcherUrl = await run(
    chainWatcher.createService(chainWatcher.loadConfig({ ...common, EVM_XPUB: xpub, CHAIN_FROZEN_MS: '0' }), platform),
  );
  const config = settlement.loadConfig({
    ...common,
    LEDGER_URL: ledgerUrl,
    CHAIN_WATCHER_URL: watcherUrl,
    SIGNER_URL: signerUrl,
    SIGNER_TOKEN: signerToken,
    SEND_POLL_MS: '200',
    ...more,
  });
  const settlementUrl = await run(settlement.createService(config, platform));
  const call = callClient({ baseUrl: settlementUrl, token: new Secret(token) });
  const askLedger = callClient({ baseUrl: ledgerUrl, token: new Secret(token) });
  const clients = [call, askLedger];

  const mine = (blocks: number) => callNode(node.url, 'anvil_mine', [`0x${blocks.toString(16)}`]);
  const balanceOf = async (address: string) =>
    BigInt(await callNode<string>(node.url, 'eth_getBalance', [address, 'latest']));
  const account = async (accountId: string) => {
    const outcome = await askLedger(getBookAccount, { mode: 'sandbox', tenantId: null, accountId });
    return outcome.ok ? outcome.value : { posted: 0n, held: 0n, available: 0n };
  };
  return {
    config,
    database,
    logger,
    lines,
    mine,
    balanceOf,
    account,
    node,
    call,
    ledgerUrl,
    signer: signerClient({ url: signerUrl, token: new Secret(signerToken) }),
    token: new Secret(token),
    nonceOf: async (address: string) =>
      Number(await callNode<string>(node.url, 'eth_getTransactionCount', [address, 'latest'])),
    /** Intents beside the others, and who asks it. */
    async intents() {
      const config = intents.loadConfig({ ...common, CHAIN_WATCHER_URL: watcherUrl });
      const client = callClient({
        baseUrl: await run(intents.createService(config, platform)),
        token: new Secret(token),
      });
      clients.push(client);
      return client;
    },
    /** The tenant's wallet, with so much in it, which the ledger has. */
    async fund(amount: bigint): Promise<string> {
      const { address } = valueOf(await call(walletBalance, { ...owner, asset: 'ETH' }));
      const { posted } = await account(merchant);
      await payFromFaucet({ rpcUrl: node.url, to: address, amount, asset: 'ETH' });
      await mine(2);
      await eventually(async () => expect((await account(merchant)).posted).toBe(posted + amount), {
        timeoutMs: 20_000,
      });
      return address;
    },
    create: (fields: Partial<CallRequest<typeof createSend>> = {}) =>
      call(createSend, {
        ...owner,
        idempotencyKey: randomUUID(),
        asset: 'ETH',
        toAddress: newAddress(),
        amount: 10n ** 15n,
        useContract: false,
        description: 'Canary words',
        userNumber: 7,
        ...fields,
      }),
    sendOf: async (transactionId: string) => valueOf(await call(getSend, { ...owner, transactionId })).send,
    wallets: async () => valueOf(await call(listWallets, {})).wallets,
    booksBalance: () => expectBooksBalance({ ledger: database.pool('ledger') }),
    async stop() {
      for (const client of clients) await client.stop();
      for (const service of running.toReversed()) await service.stop();
      await transport.stop();
      expect(fatal).toEqual([]);
    },
  };
}

/** An address that nobody has paid before. */
export const newAddress = () => HDNodeWallet.createRandom().address;
