import { referencesAskedMax } from '@daybook/contracts';
import { uuidv7, type Clock } from '@daybook/runtime';
import type { Deadline, Deadlines, DepositsOf, IntentStore, Owner, PolicyOf } from '../ports';
import { streamOf } from './intent-stream';

const batchSize = referencesAskedMax;

/**
 * One pass over everything that is due; answers with the next deadline. The read model only says where to look: the
 * intent itself rules, so a pass may be repeated, and one that is refused (paid in the meantime, or a deposit came
 * into flight) is no failure. It is looked at again when the read model shows it as open. The watcher is asked for
 * deposits whose facts are still on their way: after an outage a backlog of them makes nobody late.
 */
export function expireDueIntents(deps: {
  readonly intents: IntentStore;
  readonly deadlines: Deadlines;
  readonly depositsOf: DepositsOf;
  readonly policyOf: PolicyOf;
  readonly now: Clock;
}): () => Promise<Date | null> {
  return async () => {
    const now = deps.now();
    const policyOf = oncePerOwner(deps.policyOf);
    let from: Deadline | null = null;
    for (;;) {
      const due: readonly Deadline[] = await deps.deadlines.due(now, from, batchSize);
      const deposits = due.length === 0 ? [] : await deps.depositsOf(due.map(({ intentId }) => intentId));
      for (const { intentId, ...owner } of due) {
        const policy = await policyOf(owner);
        const watched = deposits.filter(({ reference }) => reference === intentId);
        // Two instances may meet at one deadline: each attempt is a command of its own, and the second finds it done.
        const commandId = uuidv7(now);
        await deps.intents.handle(
          streamOf(intentId),
          { type: 'ExpireIntent', at: now.toISOString(), watched, policy },
          { commandId, correlationId: commandId, causationId: commandId },
        );
      }
      from = due.at(-1) ?? null;
      if (due.length < batchSize) return deps.deadlines.next(now);
    }
  };
}

/** Many intents of one tenant fall due together. */
function oncePerOwner(policyOf: PolicyOf): PolicyOf {
  const known = new Map<string, ReturnType<PolicyOf>>();
  return (owner: Owner) => {
    const key = `${owner.tenantId} ${owner.mode}`;
    const policy = known.get(key) ?? policyOf(owner);
    known.set(key, policy);
    return policy;
  };
}
