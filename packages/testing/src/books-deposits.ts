/** Every deposit that is final on its chain is attributed to its intent, once and as it was, and no other is. */
import type { IntentEvent } from './books-intents';
import type { Violation } from './books-fold';

/** A DepositConfirmed of the chain-watcher. */
export type ChainEvent = { readonly payload: Buffer };

type OnChain = {
  readonly depositId: string;
  readonly reference: string;
  readonly mode: string;
  readonly asset: string;
  readonly amount: string;
};
type Attributed = {
  readonly intentId: string;
  readonly mode: string;
  readonly deposit: Pick<OnChain, 'depositId' | 'asset' | 'amount'>;
};

export function compareDeposits(
  chain: readonly ChainEvent[],
  intents: readonly Pick<IntentEvent, 'type' | 'payload'>[],
): readonly Violation[] {
  const final = new Map<string, string>();
  for (const { payload } of chain) {
    const { depositId, reference, mode, asset, amount } = JSON.parse(payload.toString('utf8')) as OnChain;
    final.set(depositId, `${amount} ${asset} for ${reference} in ${mode}`);
  }
  const attributed = new Map<string, string>();
  for (const { type, payload } of intents) {
    if (type !== 'DepositConfirmed') continue;
    const { intentId, mode, deposit } = JSON.parse(payload.toString('utf8')) as Attributed;
    const text = `${deposit.amount} ${deposit.asset} for ${intentId} in ${mode}`;
    const before = attributed.get(deposit.depositId);
    attributed.set(deposit.depositId, before === undefined ? text : `${before}, and again ${text}`);
  }
  return [...new Set([...final.keys(), ...attributed.keys()])].flatMap((depositId) => {
    const [is = 'not final', was = 'not attributed'] = [final.get(depositId), attributed.get(depositId)];
    const message = `deposit ${depositId} is on its chain: ${is}; in intents: ${was}`;
    return is === was ? [] : [{ rule: 'deposit', where: 'intents', message } as const];
  });
}
