/** What a rule answers: events to record, or the reason it said no. No events means "already done". */
export type Decision<Event, Rejection> =
  { readonly ok: true; readonly events: readonly Event[] } | { readonly ok: false; readonly rejection: Rejection };

export function accept<Event>(...events: readonly Event[]): Decision<Event, never> {
  return { ok: true, events };
}

export function reject<Rejection>(rejection: Rejection): Decision<never, Rejection> {
  return { ok: false, rejection };
}

/**
 * One aggregate: `decide` rules, `evolve` applies. Both are pure and synchronous; time and ids arrive in the
 * command. `evolve` is total over the histories that `decide` can produce and asserts on any other.
 */
export type Decider<State, Command, Event, Rejection> = {
  readonly initial: State;
  decide(command: Command, state: State): Decision<Event, Rejection>;
  evolve(state: State, event: Event): State;
};
