/** What a client hears of a send that the ledger does not hold: why, and that it is the recorded answer when it asks again. */
import { commandHandler, memoryEventStore, type PersonalData } from '@daybook/event-store';
import { createLogger } from '@daybook/runtime';
import type { Signer } from '@daybook/signer';
import { fundingEvents, sendEvents, walletEvents } from '../adapters/stored-sends';
import { chainSend } from '../domain/chain-send';
import { hotWallet } from '../domain/wallet';
import { walletFunding } from '../domain/wallet-funding';
import type { SendChain } from '../ports';
import { advanceSend } from './advance-send';
import { createSend } from './create-send';
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

test.each([
  ['account_frozen', 'account_frozen'],
  ['insufficient_balance', 'insufficient_balance'],
  ['account_not_found', 'insufficient_balance'],
])('a send that the ledger refuses by %s is told as %s, and nothing is let go of', async (refusal, told) => {
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
    prepare: async () => ({ ok: true, prepared: { maxFee: 1n } }),
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
  const create = createSend({
    ...deps,
    chainFor: () => chain,
    openWallet: async () => wallet,
    personalData: plain,
    nextNumber: async () => 2,
    advance: advanceSend(deps),
  });
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
  expect(await create(request)).toEqual({ ok: false, rejection: told });
  expect(await create(request)).toEqual({ ok: false, rejection: told, replayed: true });
  expect(released).toEqual([]);
});
