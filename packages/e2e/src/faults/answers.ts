/** What the clients were told of an operation, against what the journal has of it. */
import { okAnswerOf, type Answer, type Asked } from './clients';
import { idsOf, itemKey, type Modelled } from './model';
import type { People } from './people';
import type { Operation } from './plan';
import { codeOf, isForNow, refusalOf, rejectionOfItem } from './refusals';

/** The first answer for ever: a yes stays that yes, and a refusal that refusal. */
export function constancyOf({ planned: { key, operation }, attempts }: Asked): readonly string[] {
  const answers = attempts
    .flatMap(({ outcome, answer }) => (outcome === 'unknown' || !answer ? [] : [answer]))
    .map((answer) => ({
      status: answer.status,
      text: lastingOf(operation, answer),
      isForNow: isForNow(operation, answer),
    }));
  const first = answers.find((answer) => !answer.isForNow);
  const later = first === undefined ? [] : answers.slice(answers.indexOf(first) + 1);
  const other = later.find(({ status, text }) => status !== first?.status || text !== first.text);
  if (first === undefined || other === undefined) return [];
  return [`answers: ${key} was ${first.status} ${first.text} and then ${other.status} ${other.text}`];
}

/**
 * The transactions of a bulk say whether they are repeats, and an intent is shown as it is now. An atomic bulk that was
 * refused leaves the ids before the refused one free, which may be refused themselves when it is repeated.
 */
function lastingOf({ kind }: Operation, answer: Answer): string {
  const { status, text, body } = answer;
  const { intent_id: intentId, payment_address: address } = body;
  if (kind === 'bulk' && status >= 300) return String(codeOf(answer));
  if (intentId !== undefined) return `${String(intentId)} ${String(address)}`;
  return text.replaceAll('"replayed":true', '"replayed":false');
}

/** Every yes is there exactly once, every no not at all, and as that no. */
export function comparedWith(modelled: Modelled, people: People, asked: Asked): readonly string[] {
  const { planned, outcome } = asked;
  const { kind } = planned.operation;
  const refused = [...refusedWrongly(asked), ...refusedUnseen(modelled, people, asked)];
  if (outcome === 'unknown') return [...refused, `unresolved: ${kind} ${planned.key}: ${attemptsOf(asked)}`];
  const items = kind === 'bulk' ? itemsOf(asked) : undefined;
  return [
    ...refused,
    ...idsOf(people, planned).flatMap((id, index) => {
      const isPosted = items === undefined || items[index]?.status === 'posted';
      const expected = outcome === 'ok' && isPosted ? 1 : 0;
      return comparedId(modelled, id, expected, asked);
    }),
  ];
}

function comparedId(modelled: Modelled, id: string, expected: number, asked: Asked): readonly string[] {
  const { kind } = asked.planned.operation;
  const actual = modelled.done.get(id) ?? 0;
  const problems: string[] = [];
  if (actual < expected) problems.push(`lost: ${kind} ${id} was answered ${attemptsOf(asked)}`);
  if (actual > 1) problems.push(`doubled: ${kind} ${id} is there ${actual} times`);
  if (actual === 1 && expected === 0) problems.push(`refused and done: ${kind} ${id}: ${attemptsOf(asked)}`);
  if ((modelled.refused.get(id) ?? []).length > 1) problems.push(`doubled: the refusal of ${kind} ${id}`);
  const confirmed = modelled.confirmed.get(id) ?? 0;
  if (kind === 'transfer' && confirmed !== actual) problems.push(`transfer ${id} was confirmed ${confirmed} times`);
  return problems;
}

/** Answers that no operation of the kind can have. */
function refusedWrongly({ planned: { key, operation }, attempts }: Asked): readonly string[] {
  return attempts.flatMap(({ outcome, answer }) =>
    outcome !== 'failed' || answer === undefined || refusalOf(operation.kind, answer) !== undefined
      ? []
      : [`refused wrongly: ${operation.kind} ${key}: ${answer.status} ${answer.text}`],
  );
}

/** Refusals that were told and are not in the journal. */
function refusedUnseen(modelled: Modelled, people: People, asked: Asked): readonly string[] {
  const { planned, attempts } = asked;
  const { kind } = planned.operation;
  const ids = idsOf(people, planned);
  const isThere = (id: string, rejection: string) => modelled.refused.get(id)?.includes(rejection) ?? false;
  const answer = attempts.findLast(({ outcome }) => outcome === 'failed')?.answer;
  const refusal = answer && !isForNow(planned.operation, answer) ? refusalOf(kind, answer) : undefined;
  if (refusal !== undefined && !ids.some((id) => isThere(id, refusal.rejection)))
    return [`unrecorded: ${kind} ${planned.key} was refused ${refusal.status} ${refusal.code}`];
  if (kind !== 'bulk') return [];
  return itemsOf(asked).flatMap((item, index) => {
    if (item?.status !== 'rejected' || isThere(ids[index] ?? '', rejectionOfItem(item.code) ?? '')) return [];
    return [`unrecorded: ${item.transaction_id} of a bulk was refused ${item.code}`];
  });
}

/**
 * What was not found although it was answered before that was asked. What is recorded may be of the first time that it was
 * asked, when nobody heard the answer.
 */
export function hiddenFrom(all: readonly Asked[]): readonly string[] {
  const answeredAt = new Map(
    all.flatMap(({ planned: { key }, attempts }) => {
      const answered = attempts.find(({ outcome }) => outcome === 'ok');
      return answered === undefined ? [] : [[key, answered.toMs] as const];
    }),
  );
  return all.flatMap(({ planned: { key, operation }, attempts }) => {
    if (!('of' in operation)) return [];
    const thereAt = answeredAt.get(operation.of) ?? Infinity;
    const isHidden = attempts.some(({ answer, fromMs }) => {
      const askedAt = answer && isForNow(operation, answer) ? fromMs : (attempts[0]?.fromMs ?? fromMs);
      return answer?.status === 404 && askedAt > thereAt;
    });
    return isHidden ? [`hidden: ${operation.kind} ${key} did not find ${operation.of}, which was answered before`] : [];
  });
}

function attemptsOf({ attempts }: Asked): string {
  return attempts.map(({ answer, error }) => answer?.status ?? error).join(', ');
}

type Item = { readonly transaction_id: string; readonly status: string; readonly code: string | null };

/** What was told of each transaction of a bulk, in its order. */
function itemsOf(asked: Asked): readonly (Item | undefined)[] {
  const { key, operation } = asked.planned;
  const results = (okAnswerOf(asked)?.body['results'] ?? []) as readonly Item[];
  const items = operation.kind === 'bulk' ? operation.items : [];
  return items.map((_, index) => results.find(({ transaction_id: id }) => id === itemKey(key, index)));
}
