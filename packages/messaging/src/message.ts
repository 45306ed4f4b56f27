import { decodeData, encodeData, envelope, type AnyEventContract, type EventContract } from '@daybook/contracts';
import type { StoredEvent, Tx } from '@daybook/event-store';
import { traceparentOf, uuidFrom } from '@daybook/runtime';
import type { z } from 'zod';
import type { OutgoingMessage } from './transport';

/** A message as a handler sees it: decoded by its contract, lifted to the contract's version. */
export type ReceivedMessage<Data> = {
  readonly id: string;
  readonly type: string;
  readonly data: Data;
  readonly occurredAt: string;
  /** Where the producer recorded the fact. Within a stream, a later fact has a higher version. */
  readonly stream: string;
  readonly streamVersion: string;
  readonly correlationId: string;
  readonly causationId: string;
};

export type MessageHandler = {
  readonly contract: AnyEventContract;
  readonly handle: (tx: Tx, message: ReceivedMessage<never>) => Promise<void>;
  readonly handleAll?: (tx: Tx, messages: readonly ReceivedMessage<never>[]) => Promise<void>;
  /** A message for which this is false is passed over as one of an unknown type is. */
  readonly concerns?: (data: never) => boolean;
};

/**
 * Binds a contract to its effect. `handle` runs inside the transaction that claims the message and moves the offset. A
 * service that only some messages of a contract are for says which: the others leave no trace in its inbox.
 */
export function on<Type extends string, Data extends z.ZodType>(
  contract: EventContract<Type, Data>,
  handle: (tx: Tx, message: ReceivedMessage<z.output<Data>>) => Promise<void>,
  concerns: (data: z.output<Data>) => boolean = () => true,
): MessageHandler {
  return { contract, handle: handle as MessageHandler['handle'], concerns };
}

/**
 * As `on`, for an effect that costs less for several messages at once: those that follow each other in a batch come together,
 * in their order. Without a correlation around it, since each has its own.
 */
export function onSeveral<Type extends string, Data extends z.ZodType>(
  contract: EventContract<Type, Data>,
  handleAll: (tx: Tx, messages: readonly ReceivedMessage<z.output<Data>>[]) => Promise<void>,
): MessageHandler {
  const handle: MessageHandler['handle'] = (tx, message) => handleAll(tx, [message]);
  return { contract, handle, handleAll: handleAll as NonNullable<MessageHandler['handleAll']> };
}

/** What a service writes: one file per topic consumed. It never sees offsets, commits or the broker's client. */
export type Subscription = {
  /** `<service>.<what for>`; a new name starts from the beginning of the topic. */
  readonly group: string;
  readonly topic: string;
  readonly handlers: readonly MessageHandler[];
};

/**
 * The published form of a stored event. The id derives from the stored event's, so publishing again gives the same
 * message. `part` tells apart several messages of one stored event.
 */
export function messageOf<Data extends z.ZodType>(
  contract: EventContract<string, Data>,
  data: z.output<Data>,
  source: StoredEvent,
  part = '',
): OutgoingMessage {
  const id = uuidFrom([source.id, contract.type, part]);
  const body: z.input<typeof envelope> = {
    id,
    type: contract.type,
    version: contract.version,
    occurredAt: source.recordedAt.toISOString(),
    stream: source.stream,
    streamVersion: source.revision.toString(),
    correlationId: source.metadata.correlationId,
    causationId: source.id,
    data: encodeData(contract, data),
  };
  return {
    topic: contract.topic,
    key: contract.key(data),
    id,
    value: Buffer.from(JSON.stringify(body)),
    headers: {
      'correlation-id': source.metadata.correlationId,
      traceparent: traceparentOf({ correlationId: source.metadata.correlationId, causationId: source.id }),
    },
  };
}

/** Reads the envelope, and the data if one of the contracts is of its type. Throws on anything malformed. */
export function readMessage(
  contracts: readonly AnyEventContract[],
  value: Buffer | null,
): { readonly message: ReceivedMessage<unknown>; readonly contract: AnyEventContract | undefined } {
  if (value === null) throw new Error('message without a body');
  const { data: raw, ...rest } = envelope.parse(JSON.parse(value.toString('utf8')));
  const contract = contracts.find(({ type }) => type === rest.type);
  const data = contract === undefined ? raw : decodeData(contract, rest.version, raw);
  return { message: { ...rest, data }, contract };
}

/** A type that Postgres can store and a terminal can show. */
const printableType = envelope.shape.type.max(200).regex(/^\P{C}+$/u);

/** What the message says it is, for people to read. Null when it does not say it in a way that can be stored. */
export function typeOf(value: Buffer | null): string | null {
  try {
    return printableType.parse((JSON.parse(String(value)) as { type?: unknown } | null)?.type);
  } catch {
    return null;
  }
}
