/**
 * What hot wallets hold by the final state of their chains, beside their accounts in the ledger. The two are read one after
 * the other and money moves between: a difference counts once nothing is under way. Chains are asked beside each other, and
 * a node that hangs holds up nothing but the wallets of its chain.
 */
import type { CallOutcome, listWallets } from '@daybook/contracts';
import { isOperationalError, OperationalError } from '@daybook/core';
import type { AssetCode } from '@daybook/money';
import { within, type Clock, type Logger } from '@daybook/runtime';
import type { WalletFields } from '../domain/wallet';
import type { SendChain, SendLedger } from '../ports';

type Row = Extract<CallOutcome<typeof listWallets>, { ok: true }>['value']['wallets'][number];

/** Longer than that a node hangs: it is asked no more in the same look. */
const answerWithinMs = 3_000;
/** Whoever asks for the list has 10 seconds. */
const lookWithinMs = 5_000;

export type ReconcileDeps = {
  readonly all: () => Promise<readonly WalletFields[]>;
  readonly openSends: () => Promise<ReadonlyMap<string, number>>;
  readonly chainOf: (chain: string) => SendChain | undefined;
  readonly ledger: SendLedger;
  readonly everyMs: number;
  readonly now: Clock;
  readonly logger: Logger;
};

type Patience = { readonly answerWithinMs: number; readonly lookWithinMs: number };

/**
 * `pass` looks at all wallets, for a worker; `listWallets` looks now, and where that takes too long answers what was seen
 * last. `last` is what was seen last.
 */
export function reconcileWallets(deps: ReconcileDeps, patience: Patience = { answerWithinMs, lookWithinMs }) {
  const seen = new Map<string, Row>();
  let dueAt = 0;

  async function look(found = new Map<string, Row>()): Promise<void> {
    const [wallets, open] = await Promise.all([deps.all(), deps.openSends()]);
    const chains = [...new Set(wallets.map(({ chain }) => chain))];
    await Promise.all(
      chains.map(async (chain) => {
        let hangs = false;
        for (const wallet of wallets.filter((each) => each.chain === chain))
          for (const asset of wallet.assets) {
            const underway = open.get(wallet.walletId) ?? 0;
            const [onChain, inLedger] = await balancesOf(wallet, asset, hangs);
            hangs ||= onChain === 'late';
            const at = deps.now().toISOString();
            const row = rowOf(wallet, asset, onChain, inLedger, { underway, at });
            found.set(keyOf(wallet, asset), row);
            seen.set(keyOf(wallet, asset), row);
          }
      }),
    );
  }

  function balancesOf(wallet: WalletFields, asset: AssetCode, hangs: boolean) {
    const chain = hangs ? undefined : deps.chainOf(wallet.chain);
    return Promise.all([
      answered(deps, chain && balanceOn(chain, wallet.address, asset), patience),
      answered(deps, deps.ledger.balanceOf(wallet, asset), patience),
    ]);
  }

  return {
    last: (): readonly Row[] => [...seen.values()],
    async pass(): Promise<Date | null> {
      if (deps.now().getTime() >= dueAt) {
        dueAt = deps.now().getTime() + deps.everyMs;
        await look();
      }
      return new Date(dueAt);
    },
    async listWallets(): Promise<CallOutcome<typeof listWallets>> {
      const found = new Map<string, Row>();
      await within(look(found), patience.lookWithinMs);
      const known = (wallet: WalletFields, asset: AssetCode) =>
        found.get(keyOf(wallet, asset)) ??
        seen.get(keyOf(wallet, asset)) ??
        rowOf(wallet, asset, null, null, { underway: 0, at: null });
      const all = await deps.all();
      return { ok: true, value: { wallets: all.flatMap((of) => of.assets.map((asset) => known(of, asset))) } };
    },
  };
}

const keyOf = ({ walletId }: WalletFields, asset: AssetCode) => `${walletId} ${asset}`;

type Unknown = null | 'late';

function rowOf(
  { walletId, tenantId, mode, chain, family, address }: WalletFields,
  asset: AssetCode,
  asked: { readonly final: bigint } | Unknown,
  booked: bigint | Unknown,
  rest: Pick<Row, 'underway' | 'at'>,
): Row {
  const onChain = asked === null || asked === 'late' ? null : asked.final;
  const inLedger = booked === null || booked === 'late' ? null : booked;
  const difference = onChain === null || inLedger === null ? null : onChain - inLedger;
  return { walletId, tenantId, mode, chain, family, address, asset, onChain, inLedger, difference, ...rest };
}

/** A node is somebody else's program: whatever is thrown over its answer leaves one wallet without a balance. */
async function balanceOn(chain: SendChain, address: string, asset: AssetCode): Promise<{ readonly final: bigint }> {
  try {
    return await chain.balanceOf(address, asset);
  } catch (cause) {
    if (isOperationalError(cause)) throw cause;
    throw new OperationalError('upstream_unavailable', true, { cause, detail: `${chain.chain} tells no balance` });
  }
}

/** One that cannot be asked leaves the others as they are. */
async function answered<Answer>(
  deps: ReconcileDeps,
  asked: Promise<Answer> | undefined,
  patience: Patience,
): Promise<Answer | Unknown> {
  if (asked === undefined) return null;
  try {
    return await within(asked, patience.answerWithinMs);
  } catch (error) {
    if (!isOperationalError(error)) throw error;
    deps.logger.warn({ error }, 'a wallet is not reconciled');
    return null;
  }
}
