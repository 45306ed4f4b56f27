/** Sends, joined: what other services may ask for, and what workers do. */
import { assert } from '@daybook/core';
import type { SendChain, SendChecks } from '../ports';
import { advanceSend } from './advance-send';
import { checkSends } from './check-sends';
import { compareSignatures, type CompareDeps } from './compare-signatures';
import { createSend, type CreateDeps } from './create-send';
import { reconcileWallets, type ReconcileDeps } from './reconcile-wallets';
import { sendReads } from './send-reads';
import type { AdvanceDeps } from './send-steps';
import { openWallet, type WalletDeps } from './wallets';

export type SendsDeps = Omit<AdvanceDeps, 'chainOf' | 'signaturesCompared'> &
  CompareDeps &
  WalletDeps &
  Omit<ReconcileDeps, 'chainOf' | 'all'> &
  Omit<Parameters<typeof sendReads>[0], 'chainFor' | 'openWallet'> &
  Pick<CreateDeps, 'nextNumber' | 'secretsKeys'> & {
    readonly chains: readonly SendChain[];
    readonly checksOn: (chain: string) => SendChecks;
    /** Of sends on chains that are not configured any more. */
    readonly checksElsewhere: (chains: readonly string[]) => SendChecks;
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
  const comparison = compareSignatures(deps);
  const advance = advanceSend({ ...deps, chainOf, signaturesCompared: comparison.ready });
  const names = chains.map(({ chain }) => chain);
  const passOver = (checks: SendChecks) => checkSends({ ...deps, checks, advance, pauseMs: deps.pollMs });
  const reconciliation = reconcileWallets({ ...deps, chainOf: known, all: deps.allWallets });
  return {
    ...sendReads({ ...deps, chainFor, openWallet: open }),
    createSend: createSend({ ...deps, chainFor, openWallet: open, advance }),
    listWallets: reconciliation.listWallets,
    /** For a worker each: a node that hangs holds up the sends of its own chain. */
    checkSends: [
      ...names.map((name) => ({ name: `sends due on ${name}`, pass: passOver(deps.checksOn(name)) })),
      { name: 'sends due on no chain', pass: passOver(deps.checksElsewhere(names)) },
    ],
    compareSignatures: comparison.pass,
    /** Until then nothing is signed. */
    signaturesCompared: comparison.ready,
    reconcile: reconciliation.pass,
    /** As the last look found them. */
    wallets: reconciliation.last,
  };
}
