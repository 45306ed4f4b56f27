/**
 * What a client hears of a send that the ledger does not hold: why, and that it is the recorded answer when it asks again.
 * And of one whose node takes its time: to ask again, with nothing recorded.
 */
import { randomBytes } from 'node:crypto';
import type { CallRequest, createSend as createSendCall } from '@daybook/contracts';
import { OperationalError } from '@daybook/core';
import { commandHandler, memoryEventStore, start, type PersonalData } from '@daybook/event-store';
import { codeFrom, createLogger, keyedDigests, Secret, sha256Hex, type Keyring, type Wait } from '@daybook/runtime';
import type { Signer } from '@daybook/signer';
import { gate } from '@daybook/testing';
import { fundingEvents, sendEvents, walletEvents } from '../adapters/stored-sends';
import { chainSend } from '../domain/chain-send';
import { hotWallet } from '../domain/wallet';
import { walletFunding } from '../domain/wallet-funding';
import type { SendChain, SendLedger } from '../ports';
import { advanceSend } from './advance-send';
import { createSend } from './create-send';
import { sendStream, walletStream } from './send-streams';

const owner = { tenantId: '0f9e6c1a-6a5c-4d8e-9b39-1f1b8a9f0c11', mode: 'sandbox' } as const;
const at = '2026-03-01T10:00:00.000Z';
const now = () => new Date(at);
const wallet = {
  ...owner,
  walletId: 'w',
  chain: 'evm-1',
  family: 'evm',
  index: 0,
  address: `0x${'a1'.repeat(20)}`,
  publicKey: '04',
  feeAsset: 'ETH',
  assets: ['ETH'],
} as const;
const plain: PersonalData = {
  encrypt: async (_subject, text) => text,
  decrypt: async (_subject, token) => token,
  erase: async () => undefined,
};

const turn = () => new Promise((resolve) => setImmediate(resolve));

const newKey = () => new Secret(randomBytes(32).toString('base64'));
const keys: Keyring = { current: newKey(), old: [] };

const request: CallRequest<typeof createSendCall> = {
  ...owner,
  idempotencyKey: 'key',
  asset: 'ETH',
  toAddress: `0x${'b2'.repeat(20)}`,
  amount: 5n,
  useContract: false,
  description: null,
  userNumber: null,
};

/** A wallet on a log, and whoever makes sends from it; the ledger refuses to hold. */
async function world(
  refusal: string,
  prepare: () => Promise<object>,
  ledger: Partial<SendLedger> = {},
  giveUpAfterMs = 1,
) {
  const store = memoryEventStore(now);
  const released: string[] = [];
  const wallets = commandHandler(hotWallet, walletEvents, store);
  const context = { commandId: crypto.randomUUID(), correlationId: 'w', causationId: 'w' };
  await wallets.handle(walletStream('w'), { type: 'OpenWallet', wallet, at }, context);
  const chain = {
    chain: 'evm-1',
    family: 'evm',
    feeAsset: 'ETH',
    canonical: (address: string) => address.toLowerCase(),
    prepare,
  } as unknown as SendChain;
  const deps = {
    sends: commandHandler(chainSend, sendEvents, store),
    wallets,
    fundings: commandHandler(walletFunding, fundingEvents, store),
    ledger: {
      hold: async () => ({ ok: false, rejection: refusal }) as const,
      release: async ({ transactionId }: { readonly transactionId: string }) => void released.push(transactionId),
      balanceOf: async () => 0n,
      ...ledger,
    },
    signer: {} as Signer,
    signaturesCompared: () => true,
    chainOf: () => chain,
    arePayoutsStopped: async () => false,
    payoutsResumedAt: async () => null,
    bumpAfterMs: 1,
    giveUpAfterMs,
    now,
    logger: createLogger({ service: 'test', level: 'silent' }),
  };
  const configured = { hasChain: true };
  const create = (wait?: Wait, secretsKeys: Keyring = keys, asked = request) =>
    createSend({
      ...deps,
      chainFor: () => (configured.hasChain ? chain : undefined),
      openWallet: async () => wallet,
      personalData: plain,
      nextNumber: async () => 2,
      secretsKeys,
      advance: advanceSend(deps),
      ...(wait && { wait }),
    })(asked);
  /** All that was recorded but the wallet. */
  const recorded = async () => {
    const events = await store.readAll(start, 100);
    return events.map(({ type }) => type).filter((type) => type !== 'WalletOpened');
  };
  const transactionId = codeFrom('TX', [owner.tenantId, owner.mode, 'send', 'key']);
  /** What the log has of what was asked for. */
  const digest = async () => {
    const { state } = await deps.sends.load(sendStream(transactionId));
    return state.stage === 'none' ? undefined : state.contentHash;
  };
  /** As an earlier build recorded it, whose digest had no key. */
  const createdEarlier = async (content: unknown) => {
    const contentHash = sha256Hex(JSON.stringify(content));
    const { asset, amount, toAddress, useContract, userNumber } = request;
    const asked = { ...owner, transactionId, number: 2, asset, amount, toAddress, useContract, userNumber };
    const from = { walletId: 'w', chain: 'evm-1', family: 'evm', fromAddress: wallet.address } as const;
    const fee = { feeAsset: 'ETH', feeCap: 2n } as const;
    const terms = { ...asked, ...from, ...fee, contentHash, encryptedDetails: '', createdAt: at };
    await deps.sends.handle(sendStream(transactionId), { type: 'CreateSend', terms, oldDigests: [] }, context);
  };
  return { create, recorded, released, digest, createdEarlier, configured };
}

const prepared = { ok: true, prepared: { maxFee: 1n } };

test.each([
  ['account_frozen', 'account_frozen'],
  ['insufficient_balance', 'insufficient_balance'],
  ['account_not_found', 'insufficient_balance'],
])('a send that the ledger refuses by %s is told as %s, and nothing is let go of', async (refusal, told) => {
  const { create, released } = await world(refusal, async () => prepared);
  expect(await create()).toEqual({ ok: false, rejection: told });
  expect(await create()).toEqual({ ok: false, rejection: told, replayed: true });
  expect(released).toEqual([]);
});

test('an address is one however it is written, also when its chain is not known any more', async () => {
  const { create, configured } = await world('insufficient_balance', async () => prepared);
  const told = { ok: false, rejection: 'insufficient_balance' };
  expect(await create()).toEqual(told);
  const written = ['0xB2', '0Xb2', '0xb2'].map((start) => start + request.toAddress.slice(4));
  for (const hasChain of [true, false]) {
    configured.hasChain = hasChain;
    for (const toAddress of written)
      expect(await create(undefined, keys, { ...request, toAddress })).toEqual({ ...told, replayed: true });
    const toAddress = `0xb3${request.toAddress.slice(4)}`;
    const other = await create(undefined, keys, { ...request, toAddress });
    expect(other).toEqual({ ok: false, rejection: 'idempotency_key_reused' });
  }
});

test('a node that takes too long leaves nothing behind: what it says at last is not followed, and the client asks again', async () => {
  const [asked, late, said] = [gate(), gate(), gate()];
  const { create, recorded } = await world('insufficient_balance', async () => {
    asked.open();
    await said.opened;
    return prepared;
  });
  const slow = create(() => late.opened);
  await asked.opened;
  late.open();
  await turn();
  said.open();
  await expect(slow).rejects.toThrow('upstream_timeout');
  await turn();
  expect(await recorded()).toEqual([]);
  // Nothing is known of it, so this is the first answer.
  expect(await create()).toEqual({ ok: false, rejection: 'insufficient_balance' });
  expect(await recorded()).toContain('SendCreated');
});

test('who heard that it is pending is not told under the same key that it was refused: it has failed', async () => {
  const ledger = { isAway: true };
  const { create } = await world('insufficient_balance', async () => prepared, {
    async hold() {
      if (ledger.isAway) throw new OperationalError('upstream_timeout', true);
      return { ok: false, rejection: 'insufficient_balance' };
    },
  });
  expect(await create()).toMatchObject({ ok: true, value: { send: { status: 'pending' }, replayed: false } });
  ledger.isAway = false;
  const later = { ok: true, value: { send: { status: 'failed', failure: 'insufficient_balance' }, replayed: true } };
  expect(await create()).toMatchObject(later);
  expect(await create()).toMatchObject(later);
});

test('a send that is given up is told as failed when what was held for it is free, and not before', async () => {
  let plans = 0;
  const ledger = { isAway: true };
  const { create } = await world(
    'none',
    async () => (plans++ === 0 ? prepared : { ok: false, refusal: 'insufficient_funds' }),
    {
      hold: async () => ({ ok: true }),
      async release() {
        if (ledger.isAway) throw new OperationalError('upstream_timeout', true);
      },
    },
    0,
  );
  expect(await create()).toMatchObject({ ok: true, value: { send: { status: 'processing' }, replayed: false } });
  ledger.isAway = false;
  const later = { ok: true, value: { send: { status: 'failed' }, replayed: true } };
  expect(await create()).toMatchObject(later);
});

test('what people wrote is in the log under a key only, and a repeat is one whichever key was current', async () => {
  const refused = { ok: false, rejection: 'insufficient_balance' };
  const [first, second] = [newKey(), newKey()];
  const { create, digest } = await world('insufficient_balance', async () => prepared);
  const asked = { ...request, description: 'for John Doe' };
  expect(await create(undefined, { current: first, old: [] }, asked)).toEqual(refused);
  const { asset, amount, toAddress, useContract, description } = asked;
  const content = [asset, amount.toString(), toAddress, useContract, description];
  expect(await digest()).not.toBe(sha256Hex(JSON.stringify(content)));
  expect(await digest()).toBe(keyedDigests({ current: first, old: [] }, 'send', content).current);
  expect(await create(undefined, { current: second, old: [first] }, asked)).toEqual({ ...refused, replayed: true });
  const other = { ...asked, description: 'for Jane Doe' };
  expect(await create(undefined, { current: second, old: [first] }, other)).toEqual({
    ok: false,
    rejection: 'idempotency_key_reused',
  });

  const earlier = await world('insufficient_balance', async () => prepared);
  await earlier.createdEarlier(content);
  expect(await earlier.create(undefined, keys, asked)).toEqual({ ...refused, replayed: true });
});
