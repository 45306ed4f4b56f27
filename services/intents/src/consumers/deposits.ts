/**
 * chain-watcher.deposits: what happened to the addresses of intents. `reference` is the intent's id and the key, so the
 * facts of one intent arrive in order. A repeat changes nothing: the intent knows its deposits by their ids. What comes to
 * hot wallets is for settlement.
 */
import { depositConfirmed, depositReverted, depositSeen } from '@daybook/contracts';
import { on, type ReceivedMessage, type Subscription } from '@daybook/messaging';
import type { z } from 'zod';
import { recordFact } from '../app/intent-stream';
import type { DepositFact } from '../domain/payment-intent';
import type { IntentStore, PolicyOf } from '../ports';

type Deposit = z.output<typeof depositSeen.data>;
type Told = ReceivedMessage<Deposit>;

export function depositsSubscription(intents: IntentStore, policyOf: PolicyOf): Subscription {
  const record = (type: 'RecordDepositSeen' | 'RecordDepositReverted') => async (_tx: unknown, message: Told) => {
    if (isForWallet(message.data)) return;
    await recordFact(intents, message.data.reference, { type, deposit: factOf(message.data) }, message);
  };
  const confirm = async (_tx: unknown, message: Told) => {
    if (isForWallet(message.data)) return;
    const policy = await policyOf(message.data);
    const deposit = factOf(message.data);
    await recordFact(intents, message.data.reference, { type: 'RecordDepositConfirmed', deposit, policy }, message);
  };
  return {
    group: 'intents.deposits',
    topic: depositSeen.topic,
    handlers: [
      on(depositSeen, record('RecordDepositSeen')),
      on(depositReverted, record('RecordDepositReverted')),
      on(depositConfirmed, confirm),
    ],
  };
}

function factOf({ depositId, chain, transactionId, asset, amount, at }: Deposit): DepositFact {
  return { depositId, chain, transactionId, asset, amount, at };
}

/** Hot wallets are watched under a reference of their own. */
function isForWallet({ reference }: Deposit): boolean {
  return reference.startsWith('wallet:');
}
