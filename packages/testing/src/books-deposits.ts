/**
 * Every deposit that is final on its chain is attributed, once and as it was, and no other is: to its intent, or to the hot
 * wallet that it came to. What our own transactions send back to the wallet that they spend from is none. A sweep is received
 * by the hot wallet that it came to, as a sweep, and is nothing to intents.
 */
import type { IntentEvent } from './books-intents';
import type { Violation } from './books-fold';

/** A DepositConfirmed of the chain-watcher. */
export type ChainEvent = { readonly payload: Buffer };
/** A WalletFunded, a SweepReceived or a TransactionClaimed of settlement. */
export type WalletEvent = { readonly type: string; readonly payload: Buffer };

type OnChain = {
  readonly depositId: string;
  readonly transactionId: string;
  readonly reference: string;
  readonly mode: string;
  readonly asset: string;
  readonly amount: string;
  /** Of sweeps alone. */
  readonly sweptFrom?: string;
};
type Attributed = {
  readonly intentId: string;
  readonly mode: string;
  readonly deposit: Pick<OnChain, 'depositId' | 'asset' | 'amount'>;
};
type Came = Pick<OnChain, 'depositId' | 'mode' | 'asset' | 'amount'> & { readonly walletId: string };
type Funded = { readonly funding: Came };
type Swept = { readonly sweep: Came };
type Claimed = { readonly claim: { readonly transactionId: string; readonly walletId: string } };
/** What is said of each deposit, by its id. */
type Said = Map<string, string>;

/** Without the events of wallets, what came to them is not looked at. */
export function compareDeposits(
  chain: readonly ChainEvent[],
  intents: readonly Pick<IntentEvent, 'type' | 'payload'>[],
  wallets?: readonly WalletEvent[],
): readonly Violation[] {
  const deposits = chain.map(({ payload }) => read<OnChain>(payload));
  const isOfWallet = ({ reference }: OnChain) => reference.startsWith('wallet:');
  const ofIntents = saidOf(
    deposits.filter((deposit) => !isOfWallet(deposit) && deposit.sweptFrom === undefined).map(textOf),
  );
  const violations = compare('intents', ofIntents, attributedByIntents(intents));
  if (wallets === undefined) return violations;
  const claims = new Set(
    wallets
      .filter(({ type }) => type === 'TransactionClaimed')
      .map(({ payload }) => read<Claimed>(payload).claim)
      .map(({ transactionId, walletId }) => `${transactionId} wallet:${walletId}`),
  );
  const toWallets = deposits.filter(
    (deposit) => isOfWallet(deposit) && !claims.has(`${deposit.transactionId} ${deposit.reference}`),
  );
  return [...violations, ...compare('settlement', saidOf(toWallets.map(textOf)), attributedToWallets(wallets))];
}

function read<T>(payload: Buffer): T {
  return JSON.parse(payload.toString('utf8')) as T;
}

function textOf(deposit: Omit<OnChain, 'transactionId'>): [string, string] {
  const { depositId, amount, asset, reference, mode, sweptFrom } = deposit;
  return [depositId, `${amount} ${asset} ${sweptFrom === undefined ? 'for' : 'swept to'} ${reference} in ${mode}`];
}

function attributedByIntents(intents: readonly Pick<IntentEvent, 'type' | 'payload'>[]): Said {
  const confirmed = intents.filter(({ type }) => type === 'DepositConfirmed');
  return saidOf(
    confirmed.map(({ payload }) => {
      const { intentId, mode, deposit } = read<Attributed>(payload);
      return textOf({ ...deposit, reference: intentId, mode });
    }),
  );
}

function attributedToWallets(wallets: readonly WalletEvent[]): Said {
  return saidOf(
    wallets.flatMap(({ type, payload }) => {
      if (type === 'WalletFunded') return [textOf(cameTo(read<Funded>(payload).funding))];
      if (type === 'SweepReceived') return [textOf({ ...cameTo(read<Swept>(payload).sweep), sweptFrom: 'somewhere' })];
      return [];
    }),
  );
}

function cameTo({ walletId, ...came }: Came) {
  return { ...came, reference: `wallet:${walletId}` };
}

function saidOf(texts: readonly (readonly [string, string])[]): Said {
  const said: Said = new Map();
  for (const [depositId, text] of texts) {
    const before = said.get(depositId);
    said.set(depositId, before === undefined ? text : `${before}, and again ${text}`);
  }
  return said;
}

function compare(where: 'intents' | 'settlement', final: Said, attributed: Said): Violation[] {
  return [...new Set([...final.keys(), ...attributed.keys()])].flatMap((depositId) => {
    const [is = 'not final', was = 'not attributed'] = [final.get(depositId), attributed.get(depositId)];
    const message = `deposit ${depositId} is on its chain: ${is}; in ${where}: ${was}`;
    return is === was ? [] : [{ rule: 'deposit', where, message } as const];
  });
}
