/**
 * The calls that the adapter makes, on the service definitions and the connection of `@eventstore/db-client`: addresses,
 * discovery, the way to the leader, TLS and credentials are the client's. The requests are built here, because the
 * client's reads take no deadline and cannot filter, and because its batch append keeps the answers of all clients of a
 * process in one table: when one connection breaks, a late answer on another one ends the process.
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { convertToCommandError, EventStoreDBClient, type BaseOptions } from '@eventstore/db-client';
import { Empty, StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb';
import { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb';
import { AppendReq, ReadReq, type AppendResp, type ReadResp } from '@eventstore/db-client/generated/streams_pb';
import type { CallOptions, Channel, ClientReadableStream, Metadata } from '@grpc/grpc-js';
import { StartRefusal } from '@daybook/runtime';
import { patience } from './patience';
import type { LogPlace } from './place';

export type WireEvent = {
  readonly id: string;
  readonly type: string;
  readonly data: Buffer;
  readonly metadata: Readonly<Record<string, unknown>>;
};

export type RecordedEvent = WireEvent & {
  readonly stream: string;
  readonly revision: bigint;
  readonly place: LogPlace;
  readonly recordedAt: Date;
};

export type Appended =
  | { readonly outcome: 'done'; readonly revision: bigint; readonly place: LogPlace | undefined }
  | { readonly outcome: 'wrong_revision' };

export type ReadOptions = {
  readonly direction: 'forwards' | 'backwards';
  /** Events of the server at most. */
  readonly limit: number;
  readonly from: { readonly stream: string; readonly revision: bigint | 'end' } | AllFrom;
};
/** With a prefix, only streams whose names begin so: the server reads over the others. */
type AllFrom = { readonly place: LogPlace | 'start' | 'end'; readonly prefix?: string };

export type Heard = { readonly event: RecordedEvent } | { readonly passed: LogPlace } | { readonly confirmed: true };

export type Wire = {
  append(stream: string, events: readonly WireEvent[], expected: bigint | 'no_stream'): Promise<Appended>;
  read(options: ReadOptions): Promise<RecordedEvent[]>;
  /** Everything after the place, for ever: it ends by an error, or when the signal aborts. */
  follow(from: AllFrom, signal: AbortSignal): AsyncIterable<Heard>;
  close(): Promise<void>;
};

/** What the client keeps for its own subclasses; a connection string makes none. */
type Inside = {
  execute<T>(stub: typeof StreamsClient, name: string, call: (streams: StreamsClient) => Promise<T>): Promise<T>;
  GRPCStreamCreator(
    stub: typeof StreamsClient,
    name: string,
    call: (streams: StreamsClient) => ClientReadableStream<ReadResp>,
  ): () => Promise<ClientReadableStream<ReadResp>>;
  callArguments(options: BaseOptions, more?: CallOptions): [Metadata, CallOptions];
  getChannel(): Promise<Channel>;
};

/** Events that the server looks at for one page; also how many it passes between two checkpoints. */
const searchWindow = 4_096;
const closeMs = 1_000;

export function openWire(connectionString: string, deadlineMs: number): Wire {
  const { using, close } = connect(connectionString);
  const call = { deadline: deadlineMs, requiresLeader: true };
  const patiently = patience(deadlineMs);

  const open = (request: ReadReq, options: BaseOptions, more?: CallOptions) =>
    using((inside) =>
      inside.GRPCStreamCreator(StreamsClient, 'read', (streams) =>
        streams.read(request, ...inside.callArguments(options, more)),
      )(),
    );

  const read = (options: ReadOptions, ms = deadlineMs) =>
    within(ms, async () => {
      const answer = await open(readRequest(options), { ...call, deadline: ms });
      const events: RecordedEvent[] = [];
      for await (const message of messages(answer)) {
        if (message.hasEvent()) events.push(recordedEvent(message));
      }
      return events;
    });

  return {
    append: (stream, events, expected) =>
      within(deadlineMs, () =>
        using((inside) =>
          inside.execute(StreamsClient, 'append', (streams) =>
            sendAppend(streams, inside.callArguments(call), appendRequests(stream, events, expected)),
          ),
        ),
      ),
    read: (options) => (isSearch(options) ? patiently(searchName(options), (ms) => read(options, ms)) : read(options)),
    async *follow(from, signal) {
      const answer = await open(followRequest(from), {}, { deadline: Infinity });
      const cancel = () => answer.cancel();
      signal.addEventListener('abort', cancel, { once: true });
      try {
        if (signal.aborted) cancel();
        for await (const message of messages(answer)) {
          const heard = heardOf(message);
          if (heard !== undefined) yield heard;
        }
      } finally {
        signal.removeEventListener('abort', cancel);
      }
    },
    close,
  };
}

/** Whether the server passes events of others until it finds what is wanted. */
function isSearch({ from }: ReadOptions): boolean {
  return 'prefix' in from && from.prefix !== undefined;
}

function searchName({ direction, from }: ReadOptions): string {
  const place = 'place' in from ? from.place : from.stream;
  return `${direction} ${typeof place === 'string' ? place : place.commit}`;
}

/** The client remembers a discovery that found nobody for ever, so after one it is replaced. */
function connect(connectionString: string) {
  const open = () => {
    try {
      return EventStoreDBClient.connectionString(connectionString);
    } catch {
      // What the client says of it holds all of it, with the password.
      throw new StartRefusal('EVENTSTOREDB_URL: is no connection string that the client can read');
    }
  };
  let client = open();
  return {
    async using<T>(work: (inside: Inside) => Promise<T>): Promise<T> {
      const used = client;
      try {
        return await work(used as unknown as Inside);
      } catch (error) {
        const foundNobody = error instanceof Error && error.message.startsWith('Failed to discover');
        if (foundNobody && used === client) client = open();
        throw error;
      }
    },
    async close() {
      // The client waits for its streams to end, some of which never say so.
      await Promise.race([client.dispose(), delay(closeMs, undefined, { ref: false })]);
      await (client as unknown as Inside).getChannel().then(
        (channel) => channel.close(),
        () => undefined,
      );
    },
  };
}

/** The server's deadline begins when the call does; finding a server to call is bounded by this one. */
async function within<T>(deadlineMs: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = Object.assign(new Error('EventStoreDB did not answer in time'), { code: deadlineExceeded });
    timer = setTimeout(() => reject(error), deadlineMs + graceMs);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The call's own deadline comes first, and says more. */
const graceMs = 1_000;
/** By the numbers of gRPC. */
const deadlineExceeded = 4;

async function* messages(answer: ClientReadableStream<ReadResp>): AsyncGenerator<ReadResp> {
  // Whatever it says after the loop has ended concerns nobody.
  answer.on('error', () => undefined);
  try {
    for await (const message of answer) yield message as ReadResp;
  } catch (error) {
    throw convertToCommandError(error as Error);
  } finally {
    answer.cancel();
  }
}

async function sendAppend(
  streams: StreamsClient,
  [metadata, options]: [Metadata, CallOptions],
  requests: readonly AppendReq[],
): Promise<Appended> {
  return new Promise<Appended>((resolve, reject) => {
    const call = streams.append(metadata, options, (error, answer) => {
      if (error === null) resolve(appended(answer));
      else reject(convertToCommandError(error));
    });
    // The callback tells of it too; without a listener it would end the process.
    call.on('error', () => undefined);
    const send = async () => {
      for (const request of requests) {
        if (!call.write(request)) await once(call, 'drain');
      }
      call.end();
    };
    send().catch(reject);
  });
}

function appended(answer: AppendResp): Appended {
  const success = answer.getSuccess();
  if (success === undefined) return { outcome: 'wrong_revision' };
  const place = success.getPosition();
  return {
    outcome: 'done',
    revision: BigInt(success.getCurrentRevision()),
    place: place && { commit: BigInt(place.getCommitPosition()), prepare: BigInt(place.getPreparePosition()) },
  };
}

function appendRequests(stream: string, events: readonly WireEvent[], expected: bigint | 'no_stream'): AppendReq[] {
  const options = new AppendReq.Options().setStreamIdentifier(identifier(stream));
  if (expected === 'no_stream') options.setNoStream(new Empty());
  else options.setRevision(expected.toString());
  const proposals = events.map(({ id, type, data, metadata }) => {
    const message = new AppendReq.ProposedMessage()
      .setId(new UUID().setString(id))
      .setData(data)
      .setCustomMetadata(Buffer.from(JSON.stringify(metadata)));
    message.getMetadataMap().set('type', type).set('content-type', 'application/octet-stream');
    return new AppendReq().setProposedMessage(message);
  });
  return [new AppendReq().setOptions(options), ...proposals];
}

function readRequest({ direction, limit, from }: ReadOptions): ReadReq {
  const options = commonOptions()
    .setCount(String(limit))
    .setReadDirection(direction === 'forwards' ? 0 : 1);
  if ('place' in from) return new ReadReq().setOptions(setAll(options, from));
  const stream = new ReadReq.Options.StreamOptions().setStreamIdentifier(identifier(from.stream));
  if (from.revision === 'end') stream.setEnd(new Empty());
  else stream.setRevision(from.revision.toString());
  return new ReadReq().setOptions(options.setStream(stream).setNoFilter(new Empty()));
}

function followRequest(from: AllFrom): ReadReq {
  const options = commonOptions().setSubscription(new ReadReq.Options.SubscriptionOptions());
  return new ReadReq().setOptions(setAll(options, from));
}

function commonOptions(): ReadReq.Options {
  return new ReadReq.Options()
    .setResolveLinks(false)
    .setUuidOption(new ReadReq.Options.UUIDOption().setString(new Empty()));
}

function setAll(options: ReadReq.Options, { prefix, place }: AllFrom): ReadReq.Options {
  const all = new ReadReq.Options.AllOptions();
  if (place === 'start') all.setStart(new Empty());
  else if (place === 'end') all.setEnd(new Empty());
  else all.setPosition(positionMessage(place));
  if (prefix === undefined) return options.setAll(all).setNoFilter(new Empty());
  const names = new ReadReq.Options.FilterOptions.Expression().setPrefixList([prefix]);
  const filter = new ReadReq.Options.FilterOptions()
    .setStreamIdentifier(names)
    .setMax(searchWindow)
    .setCheckpointintervalmultiplier(1);
  return options.setAll(all).setFilter(filter);
}

function positionMessage({ commit, prepare }: LogPlace) {
  return new ReadReq.Options.Position().setCommitPosition(commit.toString()).setPreparePosition(prepare.toString());
}

function identifier(stream: string): StreamIdentifier {
  return new StreamIdentifier().setStreamName(Buffer.from(stream));
}

function heardOf(message: ReadResp): Heard | undefined {
  if (message.hasEvent()) return { event: recordedEvent(message) };
  if (message.hasConfirmation()) return { confirmed: true };
  const checkpoint = message.getCheckpoint();
  if (checkpoint === undefined) return undefined;
  return {
    passed: {
      commit: BigInt(checkpoint.getCommitPosition()),
      prepare: BigInt(checkpoint.getPreparePosition()),
    },
  };
}

function recordedEvent(message: ReadResp): RecordedEvent {
  const event = message.getEvent()!.getEvent()!;
  const about = event.getMetadataMap();
  return {
    id: event.getId()!.getString(),
    stream: Buffer.from(event.getStreamIdentifier()!.getStreamName_asU8()).toString('utf8'),
    revision: BigInt(event.getStreamRevision()),
    place: { commit: BigInt(event.getCommitPosition()), prepare: BigInt(event.getPreparePosition()) },
    type: about.get('type') ?? '',
    // The server's clock ticks 10,000 times a millisecond.
    recordedAt: new Date(Number(BigInt(about.get('created') ?? '0') / 10_000n)),
    data: Buffer.from(event.getData_asU8()),
    metadata: metadataOf(event.getCustomMetadata_asU8()),
  };
}

/** Of an event that is not ours it may be anything. */
function metadataOf(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
