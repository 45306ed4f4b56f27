/** Sends, joined: what other services may ask for, and what workers do. */
import { assert } from '@daybook/core';
import type { SendChain, SendChecks } from '../ports';
import { advanceSend } from './advance-send';
import { checkSends } from './check-sends';
import { createSend, type CreateDeps } from './create-send';
import { reconcileWallets, type ReconcileDeps } from './reconcile-wallets';
import { sendReads } from './send-reads';
import type { AdvanceDeps } from './send-steps';
import { openWallet, type WalletDeps } from './wallets';

export type SendsDeps = Omit<AdvanceDeps, 'chainOf'> &
  WalletDeps &
  Omit<ReconcileDeps, 'chainOf' | 'all'> &
  Omit<Parameters<typeof sendReads>[0], 'chainFor' | 'openWallet'> &
  Pick<CreateDeps, 'nextNumber'> & {
    readonly chains: readonly SendChain[];
    readonly checks: SendChecks;
    readonly allWallets: ReconcileDeps['all'];
    readonly pollMs: number;
  };

export function sendsApp(deps: SendsDeps) {
  const { chains } = deps;
  const known = (name: string) => chains.find(({ chain }) => chain === name);
  const chainOf = (name: string) => {
    const chain = known(name);
    assert(chain, `there are sends on ${name}, which is not configured any more`);
    return chain;
  };
  const chainFor: CreateDeps['chainFor'] = (asset, mode) =>
    chains.find((chain) => chain.mode === mode && chain.assets.includes(asset));
  const open = openWallet(deps);
  const advance = advanceSend({ ...deps, chainOf });
  const reconciliation = reconcileWallets({ ...deps, chainOf: known, all: deps.allWallets });
  return {
    ...sendReads({ ...deps, chainFor, openWallet: open }),
    createSend: createSend({ ...deps, chainFor, openWallet: open, advance }),
    listWallets: reconciliation.listWallets,
    checkSends: checkSends({ ...deps, advance, pauseMs: deps.pollMs }),
    reconcile: reconciliation.pass,
    /** As the last look found them. */
    wallets: reconciliation.last,
  };
}
