import { assert } from '@daybook/core';
import { z } from 'zod';
import type { NewEvent, StoredEvent } from './event-store';

type Definition = {
  readonly version: number;
  readonly data: z.ZodType;
  /** Lifts version n to n + 1. */
  readonly upcast?: Readonly<Record<number, (data: unknown) => unknown>>;
};

/** Both directions between a service's event union and stored bytes. */
export type EventCodec<Event extends { readonly type: string }> = {
  readonly types: readonly Event['type'][];
  encode(event: Event): Pick<NewEvent, 'type' | 'version' | 'payload'>;
  /** Throws on an unknown type, a version newer than this build, or a payload that is not the type's shape. */
  decode(stored: Pick<StoredEvent, 'type' | 'version' | 'payload'>): Event;
};

type EventsOf<Definitions extends Record<string, Definition>> = {
  [Type in keyof Definitions & string]: { readonly type: Type } & FieldsOf<z.output<Definitions[Type]['data']>>;
}[keyof Definitions & string];

/** zod types an empty object as "every field is never", which no event with a type would fit. */
type FieldsOf<Data> = Data extends Record<string, never> ? unknown : Data;

/**
 * The stored events of a service: type, current version, schema (bigints as `minorUnits` codecs) and upcasters.
 * They are private to the service; what it publishes is mapped from them.
 */
export function defineStoredEvents<const Definitions extends Record<string, Definition>>(
  definitions: Definitions,
): EventCodec<EventsOf<Definitions>> {
  type Event = EventsOf<Definitions>;
  for (const [type, definition] of Object.entries(definitions)) {
    for (let version = 1; version < definition.version; version++) {
      assert(definition.upcast?.[version], `${type}: no upcast from version ${version}`);
    }
  }
  const definitionOf = (type: string): Definition => {
    const definition = Object.hasOwn(definitions, type) ? definitions[type] : undefined;
    assert(definition, `unknown event type ${type}`);
    return definition;
  };
  return {
    types: Object.keys(definitions) as Event['type'][],
    encode(event) {
      const { type, ...data } = event;
      const definition = definitionOf(type);
      return {
        type,
        version: definition.version,
        payload: Buffer.from(JSON.stringify(z.encode(definition.data, data))),
      };
    },
    decode(stored) {
      const definition = definitionOf(stored.type);
      assert(stored.version <= definition.version, `${stored.type} v${stored.version} is newer than this build`);
      let data: unknown = JSON.parse(stored.payload.toString('utf8'));
      for (let version = stored.version; version < definition.version; version++)
        data = definition.upcast?.[version]?.(data);
      return { type: stored.type, ...(z.decode(definition.data, data as never) as object) } as Event;
    },
  };
}

export type StoredEventsOf<Codec> = Codec extends EventCodec<infer Event> ? Event : never;
