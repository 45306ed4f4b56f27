/**
 * What hot wallets hold by the final state of their chains, beside their accounts in the ledger. The two are read one after
 * the other and money moves between: a difference counts once nothing is under way.
 */
import type { CallOutcome, listWallets } from '@daybook/contracts';
import { isOperationalError } from '@daybook/core';
import type { AssetCode } from '@daybook/money';
import type { Clock, Logger } from '@daybook/runtime';
import type { WalletFields } from '../domain/wallet';
import type { SendChain, SendLedger } from '../ports';

type Row = Extract<CallOutcome<typeof listWallets>, { ok: true }>['value']['wallets'][number];

export type ReconcileDeps = {
  readonly all: () => Promise<readonly WalletFields[]>;
  readonly openSends: () => Promise<ReadonlyMap<string, number>>;
  readonly chainOf: (chain: string) => SendChain | undefined;
  readonly ledger: SendLedger;
  readonly everyMs: number;
  readonly now: Clock;
  readonly logger: Logger;
};

/** `pass` looks at all wallets, for a worker; `wallets` looks now. `last` is what was seen last. */
export function reconcileWallets(deps: ReconcileDeps) {
  let last: readonly Row[] = [];
  let dueAt = 0;

  async function look(): Promise<readonly Row[]> {
    const [wallets, open] = await Promise.all([deps.all(), deps.openSends()]);
    const rows: Row[] = [];
    for (const wallet of wallets) {
      for (const asset of wallet.assets) rows.push(await rowOf(deps, wallet, asset, open.get(wallet.walletId) ?? 0));
    }
    return (last = rows);
  }

  return {
    last: () => last,
    async pass(): Promise<Date | null> {
      if (deps.now().getTime() >= dueAt) {
        dueAt = deps.now().getTime() + deps.everyMs;
        await look();
      }
      return new Date(dueAt);
    },
    async listWallets(): Promise<CallOutcome<typeof listWallets>> {
      return { ok: true, value: { wallets: [...(await look())] } };
    },
  };
}

async function rowOf(deps: ReconcileDeps, wallet: WalletFields, asset: AssetCode, underway: number): Promise<Row> {
  const { walletId, tenantId, mode, chain, family, address } = wallet;
  const onChain = await answered(deps, deps.chainOf(chain)?.balanceOf(address, asset));
  const inLedger = await answered(deps, deps.ledger.balanceOf(wallet, asset));
  const difference = onChain === null || inLedger === null ? null : onChain.final - inLedger;
  const at = deps.now().toISOString();
  const what = { walletId, tenantId, mode, chain, family, address, asset, underway, at };
  return { ...what, onChain: onChain?.final ?? null, inLedger, difference };
}

/** One that cannot be asked leaves the others as they are. */
async function answered<Answer>(deps: ReconcileDeps, asked: Promise<Answer> | undefined): Promise<Answer | null> {
  if (asked === undefined) return null;
  return asked.catch((error: unknown) => {
    if (!isOperationalError(error)) throw error;
    deps.logger.warn({ error }, 'a wallet is not reconciled');
    return null;
  });
}
