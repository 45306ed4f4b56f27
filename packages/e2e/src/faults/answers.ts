/** What the clients were told of an operation, against what the journal has of it. */
import { okAnswerOf, type Answer, type Asked } from './clients';
import { idsOf, itemKey, type Modelled } from './model';
import type { People } from './people';

/** The first answer for ever: a yes stays that yes, and a refusal of the ledger's stays that refusal. */
export function constancyOf({ planned: { key }, attempts }: Asked): readonly string[] {
  const answers = attempts
    .flatMap(({ outcome, answer }) => (outcome === 'unknown' || !answer ? [] : [answer]))
    .map(({ status, text, body }) => ({ status, text: lastingOf(text, body) }));
  const first = answers.find(({ status }) => status < 300 || status === 422);
  if (first === undefined) return [];
  const later = answers.slice(answers.indexOf(first) + 1);
  const other = later.find(({ status, text }) => status !== first.status || (status < 300 && text !== first.text));
  if (other === undefined) return [];
  return [`answers: ${key} was ${first.status} ${first.text} and then ${other.status} ${other.text}`];
}

/** The transactions of a bulk say whether they are repeats, and an intent is shown as it is now. */
function lastingOf(text: string, { intent_id: intentId, payment_address: address }: Answer['body']): string {
  if (intentId !== undefined) return `${String(intentId)} ${String(address)}`;
  return text.replaceAll('"replayed":true', '"replayed":false');
}

/** Every yes is there exactly once, every no not at all. */
export function comparedWith(modelled: Modelled, people: People, asked: Asked): readonly string[] {
  const { planned, outcome } = asked;
  const { kind } = planned.operation;
  if (kind === 'intent' || kind === 'deposit')
    return outcome === 'unknown' ? [`unresolved: ${kind} ${planned.key}`] : [];
  if (outcome === 'unknown') return [`unresolved: ${kind} ${planned.key}: ${attemptsOf(asked)}`];
  const posted = kind === 'bulk' ? itemsPosted(asked) : undefined;
  return idsOf(people, planned).flatMap((id, index) => {
    const expected = outcome === 'ok' && (posted?.has(index) ?? true) ? 1 : 0;
    const actual = modelled.done.get(id) ?? 0;
    const problems: string[] = [];
    if (actual < expected) problems.push(`lost: ${kind} ${id} was answered ${attemptsOf(asked)}`);
    if (actual > 1) problems.push(`doubled: ${kind} ${id} is there ${actual} times`);
    if (actual === 1 && expected === 0) problems.push(`refused and done: ${kind} ${id}: ${attemptsOf(asked)}`);
    if ((modelled.refused.get(id) ?? 0) > 1) problems.push(`doubled: the refusal of ${kind} ${id}`);
    const confirmed = modelled.confirmed.get(id) ?? 0;
    if (kind === 'transfer' && confirmed !== actual) problems.push(`transfer ${id} was confirmed ${confirmed} times`);
    return problems;
  });
}

function attemptsOf({ attempts }: Asked): string {
  return attempts.map(({ answer, error }) => answer?.status ?? error).join(', ');
}

function itemsPosted(asked: Asked): ReadonlySet<number> {
  const results = (okAnswerOf(asked)?.body['results'] ?? []) as { transaction_id: string; status: string }[];
  const keys = results.filter(({ status }) => status === 'posted').map(({ transaction_id: id }) => id);
  const { planned } = asked;
  const items = planned.operation.kind === 'bulk' ? planned.operation.items : [];
  return new Set(items.flatMap((_, index) => (keys.includes(itemKey(planned.key, index)) ? [index] : [])));
}
