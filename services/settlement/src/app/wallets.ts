/**
 * Hot wallets: made when a tenant first needs one. The place of its key is registered first, so that an attempt that breaks
 * off is gone on with; no address is shown before the chain-watcher watches it.
 */
import type { Mode } from '@daybook/contracts';
import { assert } from '@daybook/core';
import { uuidv7, type Clock } from '@daybook/runtime';
import type { Signer } from '@daybook/signer';
import type { WalletFields } from '../domain/wallet';
import type { RegistryStore, SendChain, WalletStore, WatchWallet } from '../ports';
import { registryStream, walletIdOf, walletStream } from './send-streams';

export type WalletDeps = {
  readonly registry: RegistryStore;
  readonly wallets: WalletStore;
  readonly signer: Signer;
  readonly watch: WatchWallet;
  readonly now: Clock;
};

export function openWallet(deps: WalletDeps) {
  const { registry, wallets, now } = deps;

  return async (owner: { readonly tenantId: string; readonly mode: Mode }, chain: SendChain): Promise<WalletFields> => {
    const walletId = walletIdOf(owner.tenantId, chain.chain);
    const { state } = await wallets.load(walletStream(walletId));
    if (state.wallet !== null && state.watched) return state.wallet;
    const at = now();
    const context = { commandId: uuidv7(at), correlationId: walletId, causationId: walletId };
    const wallet = state.wallet ?? (await made(walletId, owner, chain));
    const opened = { type: 'OpenWallet', wallet, at: at.toISOString() } as const;
    const outcome = await wallets.handle(walletStream(walletId), opened, context);
    assert(outcome.ok, `wallet ${walletId}: the signer's key is another than when it was opened`);
    await deps.watch(wallet);
    await wallets.handle(
      walletStream(walletId),
      { type: 'RecordWatched', at: now().toISOString() },
      {
        ...context,
        commandId: uuidv7(now()),
      },
    );
    return wallet;
  };

  async function made(
    walletId: string,
    { tenantId, mode }: { readonly tenantId: string; readonly mode: Mode },
    { chain, family, feeAsset, assets }: SendChain,
  ): Promise<WalletFields> {
    const at = now();
    const context = { commandId: uuidv7(at), correlationId: walletId, causationId: walletId };
    const command = { type: 'RegisterWallet', walletId, at: at.toISOString() } as const;
    const registered = await registry.handle(registryStream, command, context);
    const index = registered.state.get(walletId);
    assert(index !== undefined, 'a registered wallet has a place');
    const { address, publicKey } = await deps.signer.walletOf({ family, index });
    return { walletId, tenantId, mode, chain, family, index, address, publicKey, feeAsset, assets };
  }
}

export type OpenWallet = ReturnType<typeof openWallet>;
