/**
 * What a client hears of a send that the ledger does not hold: why, and that it is the recorded answer when it asks again.
 * And of one whose node takes its time: to ask again, with nothing recorded.
 */
import { commandHandler, memoryEventStore, start, type PersonalData } from '@daybook/event-store';
import { createLogger } from '@daybook/runtime';
import type { Signer } from '@daybook/signer';
import { fundingEvents, sendEvents, walletEvents } from '../adapters/stored-sends';
import { chainSend } from '../domain/chain-send';
import { hotWallet } from '../domain/wallet';
import { walletFunding } from '../domain/wallet-funding';
import type { SendChain } from '../ports';
import { advanceSend } from './advance-send';
import { createSend } from './create-send';
import type { Wait } from './in-time';
import { walletStream } from './send-streams';

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

function gate() {
  let open = () => undefined as void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

const request = {
  ...owner,
  idempotencyKey: 'key',
  asset: 'ETH',
  toAddress: `0x${'b2'.repeat(20)}`,
  amount: 5n,
  useContract: false,
  description: null,
  userNumber: null,
} as const;

/** A wallet on a log, and whoever makes sends from it; the ledger refuses to hold. */
async function world(refusal: string, prepare: () => Promise<object>) {
  const store = memoryEventStore(now);
  const released: string[] = [];
  const wallets = commandHandler(hotWallet, walletEvents, store);
  const context = { commandId: crypto.randomUUID(), correlationId: 'w', causationId: 'w' };
  await wallets.handle(walletStream('w'), { type: 'OpenWallet', wallet, at }, context);
  const chain = {
    chain: 'evm-1',
    family: 'evm',
    feeAsset: 'ETH',
    canonical: (address: string) => address,
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
    },
    signer: {} as Signer,
    chainOf: () => chain,
    bumpAfterMs: 1,
    giveUpAfterMs: 1,
    now,
    logger: createLogger({ service: 'test', level: 'silent' }),
  };
  const create = (wait?: Wait) =>
    createSend({
      ...deps,
      chainFor: () => chain,
      openWallet: async () => wallet,
      personalData: plain,
      nextNumber: async () => 2,
      advance: advanceSend(deps),
      ...(wait && { wait }),
    })(request);
  /** All that was recorded but the wallet. */
  const recorded = async () => {
    const events = await store.readAll(start, 100);
    return events.map(({ type }) => type).filter((type) => type !== 'WalletOpened');
  };
  return { create, recorded, released };
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
