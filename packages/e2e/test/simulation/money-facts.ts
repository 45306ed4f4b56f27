/** Money on its way through the services: from the chain over intents and settlements into the book. */
import { valuesOf } from '@daybook/core';
import { uuidFrom } from '@daybook/runtime';
import type { Intent } from '../../../../services/intents/src/domain/payment-intent';
import { transactionOf, type Transaction } from '../../../../services/ledger/src/domain/transaction';
import { chainName, confirmations } from './chain';
import { textOf, type Customers } from './customers';
import type { Facts, Seen } from './facts';
import type { Product } from './product';
import type { Mode } from './simulate-product';

export function moneyProblems(product: Product, asked: Customers, facts: Facts, mode: Mode): readonly string[] {
  const posted = new Map<string, Transaction>();
  for (const event of facts.book) {
    if (!('entries' in event)) continue;
    const transaction = transactionOf(event);
    posted.set(transaction.transactionId, transaction);
  }
  return [
    ...intentAnswerProblems(asked, facts),
    ...depositProblems(product, facts),
    ...attributionProblems(facts, posted),
    ...bookingProblems(facts, posted),
    ...facts.intents.flatMap(paidProblems),
    ...settlementProblems(facts, posted),
    ...clearingProblems(facts, mode),
    ...(mode === 'liveness' ? uncreditedProblems(product, facts) : []),
  ];
}

/** I5 and I6. */
function intentAnswerProblems({ intents }: Customers, facts: Facts): readonly string[] {
  const problems: string[] = [];
  const byId = new Map(facts.intents.map(({ intentId, state }) => [intentId, state]));
  const byKey = new Map<string, Set<string>>();
  for (const { request, answers } of intents) {
    const { tenantId, orderId, amount, idempotencyKey } = request;
    for (const answer of answers) {
      if (!answer.ok) continue;
      const { intentId, paymentAddress } = answer.value.intent;
      const state = byId.get(intentId);
      const isSame =
        state !== undefined &&
        state.stage !== 'none' &&
        state.tenantId === tenantId &&
        state.orderId === orderId &&
        state.amount === amount &&
        state.paymentAddress === paymentAddress;
      if (!isSame) problems.push(`I5: intent ${intentId} was answered for ${orderId}, and is recorded otherwise`);
      if (idempotencyKey === null) continue;
      const key = `${tenantId} ${idempotencyKey}`;
      byKey.set(key, (byKey.get(key) ?? new Set()).add(`${intentId} ${amount}`));
    }
  }
  for (const [key, contents] of byKey)
    if (contents.size > 1) problems.push(`I6: ${key} stands for ${[...contents].join(' and ')}`);
  problems.push(...repeatedProblems(intents, facts));
  const addresses = facts.intents.flatMap(({ state }) => (state.stage === 'none' ? [] : [state.paymentAddress]));
  if (new Set(addresses).size !== addresses.length) problems.push('I19: two intents have one address');
  return problems;
}

/** I6, of what nobody was told of too: one intent of an order with a key; without one, one that can still be paid. */
function repeatedProblems(asked: Customers['intents'], { intents }: Facts): readonly string[] {
  const recorded = new Map<string, string[]>();
  for (const { intentId, state } of intents) {
    if (state.stage === 'none') continue;
    const order = `${state.tenantId} ${state.orderId}`;
    const hasKey = asked.some(({ request }) => request.orderId === state.orderId && request.idempotencyKey !== null);
    if (!hasKey && (state.stage === 'expired' || state.stage === 'underpaid')) continue;
    recorded.set(order, [...(recorded.get(order) ?? []), intentId]);
  }
  return [...recorded].flatMap(([order, ids]) =>
    ids.length > 1 ? [`I6: ${order} is recorded as ${ids.join(' and ')}`] : [],
  );
}

/** I11: in the chain as it is now, with the same amount and address. */
function depositProblems({ chain }: Product, { deposits }: Facts): readonly string[] {
  const problems: string[] = [];
  for (const { status, deposit } of deposits) {
    if (status !== 'confirmed') continue;
    const block = chain.blocks[deposit.blockNumber];
    const transfer = block?.transfers.find(({ transactionId }) => transactionId === deposit.transactionId);
    if (block?.hash !== deposit.blockHash || transfer?.amount !== deposit.amount || transfer.to !== deposit.address)
      problems.push(`I11: deposit ${deposit.depositId} is confirmed and not in the chain`);
  }
  return problems;
}

/** I10 and I11: an intent takes what is confirmed, of its own deposits, once, and splits it exactly. */
function attributionProblems(
  { intents, deposits }: Facts,
  posted: ReadonlyMap<string, Transaction>,
): readonly string[] {
  const problems: string[] = [];
  const confirmed = new Map<string, Seen>();
  for (const one of deposits) if (one.status === 'confirmed') confirmed.set(one.deposit.depositId, one);
  const taken = new Set<string>();
  for (const { intentId, events } of intents)
    for (const event of events) {
      if (event.type !== 'DepositConfirmed') continue;
      const { depositId, amount } = event.deposit;
      const known = confirmed.get(depositId)?.deposit;
      if (known?.reference !== intentId || known.amount !== amount || known.tenantId !== event.tenantId)
        problems.push(`I11: intent ${intentId} took deposit ${depositId}, which is not confirmed for it`);
      if (event.applied + event.refundable !== amount) problems.push(`I10: deposit ${depositId} is not split exactly`);
      if (taken.has(depositId)) problems.push(`I11: deposit ${depositId} is taken twice`);
      taken.add(depositId);
      const booked = posted.get(depositId);
      const legs = booked?.entries.map(
        ({ accountId, direction, amount: units }) => `${direction} ${accountId} ${units}`,
      );
      const expected = [
        `debit custody:${chainName}:ETH ${amount}`,
        `credit clearing:${event.tenantId}:ETH ${event.applied}`,
        `credit refundable:${event.tenantId}:ETH ${event.refundable}`,
      ].filter((leg) => !leg.endsWith(' 0'));
      if (legs !== undefined && legs.toSorted().join() !== expected.toSorted().join())
        problems.push(`I10: deposit ${depositId} is booked as ${textOf(legs)}`);
    }
  return problems;
}

/** I11 and I19: what the book credits was taken by an intent, and what it moves on was asked for. */
function bookingProblems({ intents, settlements }: Facts, posted: ReadonlyMap<string, Transaction>): readonly string[] {
  const problems: string[] = [];
  const taken = new Set<string>();
  const underpaid = new Map<string, bigint>();
  for (const { intentId, events } of intents)
    for (const event of events) {
      if (event.type === 'DepositConfirmed') taken.add(event.deposit.depositId);
      if (event.type === 'IntentUnderpaid') underpaid.set(intentId, event.amount);
    }
  for (const { transactionId, cause } of posted.values()) {
    if (cause.type === 'intent_payment' && !taken.has(transactionId))
      problems.push(`I11: the book has deposit ${transactionId}, no intent has`);
    if (cause.type === 'intent_underpaid' && !underpaid.has(cause.subject))
      problems.push(`I5: ${cause.subject} is not underpaid`);
    if (cause.type === 'settlement' && settlements.get(transactionId)?.terms == null)
      problems.push(`I5: settlement ${transactionId} was not asked for`);
  }
  return problems;
}

/** I17, where it begins: an intent is paid with what is in the book, so that no settlement is before its deposits. */
function paidProblems({ intentId, events }: Facts['intents'][number]): readonly string[] {
  const unbooked = new Set<string>();
  for (const event of events) {
    if (event.type === 'DepositConfirmed' && event.applied > 0n) unbooked.add(event.deposit.depositId);
    if (event.type === 'DepositBooked') unbooked.delete(event.depositId);
    if (event.type === 'IntentPaid' && unbooked.size > 0)
      return [`I17: intent ${intentId} is paid, and ${[...unbooked].join()} not booked`];
  }
  return [];
}

/** Each for one paid intent and its amount, and complete only with its entries in the book. */
function settlementProblems(
  { intents, settlements }: Facts,
  posted: ReadonlyMap<string, Transaction>,
): readonly string[] {
  const problems: string[] = [];
  const paid = new Map<string, Intent>();
  for (const { intentId, state } of intents)
    if (state.stage === 'paid' || state.stage === 'settled') paid.set(uuidFrom(['settlement', intentId]), state);
  for (const [settlementId, { terms, completed }] of settlements) {
    const intent = paid.get(settlementId);
    if (terms !== null && (intent?.amount !== terms.amount || intent.tenantId !== terms.tenantId))
      problems.push(`I5: settlement ${settlementId} is not of a paid intent, or of another amount`);
    const entries = posted.get(settlementId)?.entries.map(({ accountId, amount }) => `${accountId} ${amount}`);
    const expected = terms && [
      `clearing:${terms.tenantId}:ETH ${terms.amount}`,
      `merchant:${terms.tenantId}:ETH ${terms.amount}`,
    ];
    if (completed && entries?.toSorted().join() !== expected?.join())
      problems.push(`I19: settlement ${settlementId} is complete, and its entries are ${textOf(entries)}`);
  }
  for (const { intentId, state } of intents)
    if (state.stage === 'settled' && settlements.get(uuidFrom(['settlement', intentId]))?.completed !== true)
      problems.push(`I9: intent ${intentId} is settled without its settlement`);
  return problems;
}

/**
 * I17: never negative for any intent, after any event; when all has come to its end, exactly what open intents have been
 * paid so far.
 */
function clearingProblems({ intents, book }: Facts, mode: Mode): readonly string[] {
  const problems: string[] = [];
  const clearing = new Map<string, bigint>();
  const ofIntents = new Map<string, bigint>();
  book.forEach((event, sequence) => {
    if (!('entries' in event)) return;
    const { subject } = transactionOf(event).cause;
    for (const { accountId, direction, amount } of event.entries) {
      if (!accountId.startsWith('clearing:')) continue;
      const change = direction === 'credit' ? amount : -amount;
      clearing.set(accountId, (clearing.get(accountId) ?? 0n) + change);
      const left = (ofIntents.get(`${accountId} ${subject}`) ?? 0n) + change;
      ofIntents.set(`${accountId} ${subject}`, left);
      if (left < 0n) problems.push(`I17: ${accountId} has ${left} of ${subject} at ${sequence}`);
    }
  });
  const open = new Map<string, bigint>();
  for (const { state } of intents) {
    if (state.stage !== 'open') continue;
    const applied = [...appliedTo(state)].reduce((sum, amount) => sum + amount, 0n);
    const accountId = `clearing:${state.tenantId}:ETH`;
    open.set(accountId, (open.get(accountId) ?? 0n) + applied);
  }
  for (const [accountId, balance] of clearing) {
    if (mode === 'liveness' && balance !== (open.get(accountId) ?? 0n))
      problems.push(`I17: ${accountId} is ${balance}, open intents have ${open.get(accountId) ?? 0n}`);
  }
  return problems;
}

function* appliedTo({ deposits }: Intent): Generator<bigint> {
  for (const { applied } of valuesOf(deposits)) yield applied;
}

/** I11 the other way round: what is final in the chain, for an address of ours, is credited. */
function uncreditedProblems({ chain }: Product, { intents, deposits, book }: Facts): readonly string[] {
  const addresses = new Set(intents.flatMap(({ state }) => (state.stage === 'none' ? [] : [state.paymentAddress])));
  const confirmed = new Set(
    deposits.flatMap(({ status, deposit }) => (status === 'confirmed' ? [deposit.transactionId] : [])),
  );
  const booked = new Set(book.flatMap((event) => (event.type === 'TransactionPosted' ? [event.transactionId] : [])));
  const final = chain.blocks.slice(0, -confirmations).flatMap(({ transfers }) => transfers);
  return final
    .filter(({ to, transactionId }) => {
      const depositId = uuidFrom([chainName, transactionId, '0']);
      return addresses.has(to) && (!confirmed.has(transactionId) || !booked.has(depositId));
    })
    .map(({ transactionId }) => `I11: ${transactionId} is final in the chain, and not credited`);
}
