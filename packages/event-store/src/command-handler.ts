import { isOperationalError, type Decider, type OperationalCode } from '@daybook/core';
import { uuidFrom } from '@daybook/runtime';
import type { EventCodec } from './codec';
import type { EventMetadata, EventStore, ExpectedRevision, NewEvent, StoredEvent } from './event-store';

export type CommandContext = EventMetadata & {
  /** What makes this command recognisable; event ids derive from it. */
  readonly commandId: string;
};

export type Outcome<State, Event, Rejection> =
  | {
      readonly ok: true;
      readonly state: State;
      /** Recorded now; empty when the command was already done. */
      readonly events: readonly Event[];
      readonly expected: ExpectedRevision;
    }
  | { readonly ok: false; readonly rejection: Rejection; readonly state: State };

/** Conflicts mean that another writer was first; deciding again on the newer state settles them. */
const conflictRetriesMax = 20;
/** A store that answers none of so many appends is not there; the caller is told that the outcome is unknown. */
const unknownRetriesMax = 20;

/** A stream with so many events is not read from its first one for every command; what it came to is kept, of so many. */
const longStream = 100n;
const keptMax = 100;

/** What a stream came to, and its last event by then. */
type Kept<State> = { readonly state: State; readonly revision: bigint; readonly id: string };

/** Load, fold, decide, append. The only place a decider meets a store. */
export function commandHandler<State, Command, Event extends { readonly type: string }, Rejection>(
  decider: Decider<State, Command, Event, Rejection>,
  codec: EventCodec<Event>,
  store: EventStore,
) {
  /** Of long streams, the least recently used first. */
  const kept = new Map<string, Kept<State>>();

  async function load(stream: string): Promise<{ state: State; expected: ExpectedRevision }> {
    const known = kept.get(stream);
    if (known === undefined) return fold(stream, decider.initial, await store.readStream(stream));
    const [last, ...news] = await store.readStream(stream, { from: known.revision });
    if (last?.id === known.id) return fold(stream, known.state, [last, ...news], 1);
    // The store was put back to an earlier state, and may have gone on from there.
    kept.delete(stream);
    return load(stream);
  }

  function fold(stream: string, from: State, stored: readonly StoredEvent[], done = 0) {
    const state = stored
      .slice(done)
      .map((event) => codec.decode(event))
      .reduce(decider.evolve, from);
    const last = stored.at(-1);
    if (last === undefined) return { state, expected: 'no_stream' as const };
    const { id, revision } = last;
    if (revision >= longStream) keep(stream, { state, revision, id });
    return { state, expected: revision };
  }

  function keep(stream: string, known: Kept<State>): void {
    kept.delete(stream);
    kept.set(stream, known);
    const [oldest] = kept.keys();
    if (kept.size > keptMax && oldest !== undefined) kept.delete(oldest);
  }

  /**
   * When the acknowledgement is lost the same append is made again, which the store recognises. Deciding again instead
   * would find this command's own events and take them for an earlier command's.
   */
  async function appendCertainly(stream: string, events: readonly NewEvent[], expected: ExpectedRevision) {
    for (let attempt = 0; ; attempt++) {
      try {
        return await store.append(stream, events, expected);
      } catch (error) {
        if (!hasCode(error, 'outcome_unknown') || attempt >= unknownRetriesMax) throw error;
      }
    }
  }

  async function handle(
    stream: string,
    command: Command,
    context: CommandContext,
  ): Promise<Outcome<State, Event, Rejection>> {
    for (let attempt = 0; ; attempt++) {
      const { state, expected } = await load(stream);
      const decision = decider.decide(command, state);
      if (!decision.ok) return { ...decision, state };
      if (decision.events.length === 0) return { ok: true, state, events: [], expected };
      const { commandId, correlationId, causationId } = context;
      const events = decision.events.map((event, index) => ({
        // The revision keeps ids apart when one command is rightly accepted twice over a stream's life.
        id: uuidFrom([stream, String(expected), commandId, String(index)]),
        ...codec.encode(event),
        metadata: { correlationId, causationId },
      }));
      try {
        await appendCertainly(stream, events, expected);
        return { ok: true, state: decision.events.reduce(decider.evolve, state), events: decision.events, expected };
      } catch (error) {
        if (!hasCode(error, 'version_conflict') || attempt >= conflictRetriesMax) throw error;
      }
    }
  }

  return { handle, load };
}

function hasCode(error: unknown, code: OperationalCode): boolean {
  return isOperationalError(error) && error.code === code;
}
