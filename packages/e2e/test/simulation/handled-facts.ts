/** I7, the effect: what a consumer has claimed has had the effect that it is for, whatever happened in between. */
import {
  depositConfirmed,
  intentPaid,
  intentUnderpaid,
  paymentReceived,
  settlementCompleted,
  settlementInstructed,
  transactionPosted,
} from '@daybook/contracts';
import { readMessage } from '@daybook/messaging';
import { uuidFrom } from '@daybook/runtime';
import { underpaidIdOf } from '../../../../services/ledger/src/domain/verdict';
import type { Facts } from './facts';
import type { Product, ServiceName } from './product';

const contracts = [
  depositConfirmed,
  paymentReceived,
  intentUnderpaid,
  intentPaid,
  settlementInstructed,
  settlementCompleted,
  transactionPosted,
];

type Data = Readonly<Record<'depositId' | 'intentId' | 'settlementId' | 'reference', string>> & {
  readonly cause: { readonly type: string; readonly id: string };
};
/** Undefined for messages that mean nothing to the group. */
type Effect = (type: string, data: Data) => boolean | undefined;

export function handledProblems({ places, broker }: Product, facts: Facts): readonly string[] {
  const problems: string[] = [];
  for (const [service, name, has] of effectsOf(facts)) {
    const group = `${service}.${name}`;
    for (const topic of new Set(contracts.map((contract) => contract.topic)))
      for (const { value } of broker.stored(topic)) {
        const { message, contract } = readMessage(contracts, value);
        const claimed = places[service].database.rows.get('inbox', `${group} ${message.id}`) !== undefined;
        if (claimed && contract !== undefined && has(message.type, message.data as Data) === false)
          problems.push(`I7: ${group} claimed ${message.type} ${message.id}, and it has no effect`);
      }
  }
  return problems;
}

function effectsOf({ intents, settlements, book }: Facts): readonly (readonly [ServiceName, string, Effect])[] {
  const taken = new Set<string>();
  const booked = new Set<string>();
  const settled = new Set<string>();
  for (const { intentId, events } of intents)
    for (const event of events) {
      if (event.type === 'DepositConfirmed') taken.add(event.deposit.depositId);
      if (event.type === 'DepositBooked') booked.add(event.depositId);
      if (event.type === 'IntentSettled') settled.add(intentId);
    }
  const posted = new Set(book.flatMap((event) => (event.type === 'TransactionPosted' ? [event.transactionId] : [])));
  return [
    [
      'intents',
      'deposits',
      (type, { depositId }) => (type === depositConfirmed.type ? taken.has(depositId) : undefined),
    ],
    [
      'intents',
      'ledger-transactions',
      (_, { cause }) => (cause?.type === 'intent_payment' ? booked.has(cause.id) : undefined),
    ],
    [
      'intents',
      'settlements',
      (type, { intentId }) => (type === settlementCompleted.type ? settled.has(intentId) : undefined),
    ],
    ['ledger', 'intents', (type, data) => bookOf(posted, type, data)],
    [
      'ledger',
      'settlements',
      (type, { settlementId }) => (type === settlementInstructed.type ? posted.has(settlementId) : undefined),
    ],
    [
      'settlement',
      'intents',
      (type, { intentId }) =>
        type === intentPaid.type ? settlements.get(uuidFrom(['settlement', intentId]))?.terms != null : undefined,
    ],
    [
      'settlement',
      'ledger-transactions',
      (_, { cause }) => (cause?.type === 'settlement' ? settlements.get(cause.id)?.ledgerReference != null : undefined),
    ],
  ];
}

function bookOf(posted: ReadonlySet<string>, type: string, { depositId, intentId }: Data): boolean | undefined {
  if (type === paymentReceived.type) return posted.has(depositId);
  return type === intentUnderpaid.type ? posted.has(underpaidIdOf(intentId)) : undefined;
}
