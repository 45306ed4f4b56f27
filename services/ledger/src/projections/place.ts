/** What the projections ask of the place of an event. Every event is asked by several of them, one after another. */
import type { Mode } from '@daybook/contracts';
import type { StoredEvent } from '@daybook/event-store';
import { referenceOf } from '../adapters/stored-events';
import { modeOfStream } from '../app/books';

const modes = new Map<string, Mode>();

export function modeOf({ stream }: StoredEvent): Mode {
  let mode = modes.get(stream);
  if (mode === undefined) modes.set(stream, (mode = modeOfStream(stream)));
  return mode;
}

let hashed: { readonly payload: Buffer; readonly reference: string } | undefined;

/** The event's ledger reference. */
export function referenceAt({ payload }: StoredEvent): string {
  if (hashed?.payload !== payload) hashed = { payload, reference: referenceOf(payload) };
  return hashed.reference;
}
