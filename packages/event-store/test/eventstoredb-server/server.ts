/**
 * A server that speaks EventStoreDB's protocol, on the service definitions that `@eventstore/db-client` ships: real gRPC
 * over a real socket, with appends, reads, subscriptions and server features. It stands in for the real one where there
 * is none, and fails on demand in all the ways in which a server and a network can.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { GossipService } from '@eventstore/db-client/generated/gossip_grpc_pb';
import { ClusterInfo, EndPoint, MemberInfo } from '@eventstore/db-client/generated/gossip_pb';
import { UUID, type Empty } from '@eventstore/db-client/generated/shared_pb';
import { SupportedMethod, SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb';
import { ServerFeaturesService } from '@eventstore/db-client/generated/serverfeatures_grpc_pb';
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb';
import { ReadResp, type AppendReq, type AppendResp, type ReadReq } from '@eventstore/db-client/generated/streams_pb';
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerReadableStream,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { serverLog, type LoggedEvent, type Proposed } from './log';
import {
  appendAnswer,
  checkpointMessage,
  eventMessage,
  expectedOf,
  filterOf,
  nameOf,
  notFoundMessage,
  proposedOf,
} from './messages';

/** What the server does wrong from now on; `none` of it is the default. */
export type Fault =
  | { readonly kind: 'none' }
  /** Every call is answered with this status. */
  | { readonly kind: 'refuse'; readonly code: status; readonly details?: string }
  /** Every call waits first. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Calls are taken and never answered; connections stay open. */
  | { readonly kind: 'stall' }
  /** The next append is stored, and the connection is cut before its answer; or cut before it is stored. */
  | { readonly kind: 'cut_append'; readonly when: 'stored' | 'received' }
  /** The next append is stored and never answered. */
  | { readonly kind: 'swallow_answer' }
  /** Every event that a read of the whole log passes over takes time. */
  | { readonly kind: 'slow_search'; readonly msEach: number };

export type EventStoreDbServer = {
  /** For the client. */
  readonly url: string;
  readonly events: readonly LoggedEvent[];
  /** Events that reads have looked at, whether wanted or not. */
  readonly looked: () => number;
  readonly subscriptions: () => number;
  fault(next: Fault): void;
  /** Every connection ends as by a broken cable. New ones are taken. */
  dropConnections(): void;
  /** Nobody is reachable any more, until `up`. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Subscriptions that run are ended with an error, as those that do not keep up are. */
  dropSubscriptions(): void;
  /** Subscriptions that run stay open and say nothing any more. */
  silenceSubscriptions(): void;
  /** An event of another user of the server. */
  append(stream: string, data: string): void;
  stop(): Promise<void>;
};

type ReadCall = ServerWritableStream<ReadReq, ReadResp>;
type AppendCall = ServerReadableStream<AppendReq, AppendResp>;

export async function startEventStoreDbServer(
  options: { readonly appendBytesMax?: number } = {},
): Promise<EventStoreDbServer> {
  const state = serverState(options.appendBytesMax ?? 1024 * 1024);
  let cablePort = 0;
  const grpc = new Server({ 'grpc.max_receive_message_length': 32 * 1024 * 1024 });
  grpc.addService(StreamsService, {
    read: (call: ReadCall) => void read(state, call),
    append: (call: AppendCall, answer: sendUnaryData<AppendResp>) => void append(state, call, answer),
    delete: unimplemented,
    tombstone: unimplemented,
    batchAppend: (call: ReadCall) => void call.emit('error', failure(status.UNIMPLEMENTED, 'not served')),
  });
  grpc.addService(ServerFeaturesService, {
    getSupportedMethods: (_call: unknown, answer: sendUnaryData<SupportedMethods>) => answer(null, supportedMethods()),
  });
  grpc.addService(GossipService, {
    read: (_call: unknown, answer: sendUnaryData<ClusterInfo>) => answer(null, clusterOfOne(cablePort)),
  } satisfies Record<string, (call: Empty, answer: sendUnaryData<ClusterInfo>) => void>);
  const port = await new Promise<number>((resolve, reject) =>
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const cable = await openCable(port);
  state.cut = cable.cut;
  cablePort = cable.port;
  return {
    url: `esdb://127.0.0.1:${cable.port}?tls=false`,
    events: state.log.events,
    looked: () => state.looked,
    subscriptions: () => state.subscriptions.size,
    fault: (next) => void (state.fault = next),
    dropConnections: cable.cut,
    down: cable.down,
    up: cable.up,
    dropSubscriptions() {
      for (const subscription of state.subscriptions) subscription.drop();
      state.subscriptions.clear();
    },
    silenceSubscriptions() {
      for (const subscription of state.subscriptions) subscription.silent = true;
    },
    append(stream, data) {
      const id = `00000000-0000-4000-8000-${String(state.log.events.length).padStart(12, '0')}`;
      const event = {
        id,
        type: 'Foreign',
        contentType: 'application/json',
        data: Buffer.from(data),
        metadata: Buffer.alloc(0),
      };
      state.log.append(stream, [event], 'any');
    },
    async stop() {
      await cable.stop();
      grpc.forceShutdown();
    },
  };
}

function serverState(appendBytesMax: number) {
  return {
    log: serverLog(),
    appendBytesMax,
    fault: { kind: 'none' } as Fault,
    looked: 0,
    subscriptions: new Set<{ silent: boolean; drop(): void }>(),
    cut: () => {},
  };
}
type State = ReturnType<typeof serverState>;

/** True when the call is to go on; otherwise it was answered, or never will be. */
async function passesFault({ fault }: State, refuse: (error: Error) => void): Promise<boolean> {
  if (fault.kind === 'delay') await delay(fault.ms);
  if (fault.kind === 'refuse') refuse(failure(fault.code, fault.details ?? 'refused by the test'));
  return fault.kind !== 'refuse' && fault.kind !== 'stall';
}

async function append(state: State, call: AppendCall, answer: sendUnaryData<AppendResp>): Promise<void> {
  const requests: AppendReq[] = [];
  call.on('error', () => undefined);
  call.on('data', (request: AppendReq) => requests.push(request));
  await once(call, 'end').catch(() => undefined);
  if (!(await passesFault(state, answer))) return;
  const [first, ...rest] = requests;
  const options = first?.getOptions();
  if (options === undefined) return answer(failure(status.INVALID_ARGUMENT, 'an append begins with its options'));
  const proposed: Proposed[] = rest.map((request) => proposedOf(request.getProposedMessage()!));
  const bytes = proposed.reduce((sum, { data }) => sum + data.length, 0);
  if (bytes > state.appendBytesMax) return answer(tooBig(state.appendBytesMax));
  const { fault } = state;
  if (fault.kind === 'cut_append') {
    state.fault = { kind: 'none' };
    if (fault.when === 'received') return state.cut();
  }
  const expected = expectedOf(options);
  const written = state.log.append(nameOf(options.getStreamIdentifier()), proposed, expected);
  if (fault.kind === 'cut_append') return state.cut();
  if (fault.kind === 'swallow_answer') return void (state.fault = { kind: 'none' });
  answer(null, appendAnswer(written, expected));
}

async function read(state: State, call: ReadCall): Promise<void> {
  call.on('error', () => undefined);
  const refuse = (error: Error) => void call.emit('error', error);
  if (!(await passesFault(state, refuse))) return;
  const options = call.request.getOptions()!;
  if (options.hasSubscription()) return follow(state, call, options);
  if (isInsideRecord(state, options)) return refuse(failure(status.UNKNOWN, 'Unexpected ReadAllResult: Error'));
  for (const message of await searched(state, options)) {
    if (!call.write(message)) await once(call, 'drain').catch(() => undefined);
    if (call.cancelled || call.destroyed) return;
  }
  call.end();
}

/** A place where no event begins is refused; beyond the end there is nothing, which is no error. */
function isInsideRecord({ log }: State, options: ReadReq.Options): boolean {
  const place = options.getAll()?.getPosition()?.getCommitPosition();
  const found = place === undefined ? undefined : log.events[log.indexOf(BigInt(place))];
  return found !== undefined && found.position !== BigInt(place!);
}

async function searched(state: State, options: ReadReq.Options): Promise<Iterable<ReadResp>> {
  const { fault, looked: before } = state;
  if (fault.kind !== 'slow_search' || !options.hasAll()) return answersTo(state, options);
  const found = [...answersTo(state, options)];
  await delay((state.looked - before - found.length) * fault.msEach);
  return found;
}

function* answersTo(state: State, options: ReadReq.Options): Generator<ReadResp> {
  const { log } = state;
  const backwards = Number(options.getReadDirection()) === 1;
  const from = options.getStream();
  const wanted = filterOf(options);
  const source = from === undefined ? log.events : log.stream(nameOf(from.getStreamIdentifier()));
  if (from !== undefined && source.length === 0) yield notFoundMessage(nameOf(from.getStreamIdentifier()));
  let left = BigInt(options.getCount());
  for (let at = beginningOf(state, options, source, backwards); left > 0n; at += backwards ? -1 : 1) {
    const event = source[at];
    if (event === undefined) return;
    state.looked++;
    if (!wanted(event)) continue;
    left--;
    yield eventMessage(event);
  }
}

/** Index in the source where the read begins: the place itself forwards, what is before it backwards. */
function beginningOf(
  state: State,
  options: ReadReq.Options,
  source: readonly LoggedEvent[],
  backwards: boolean,
): number {
  const [stream, all] = [options.getStream(), options.getAll()];
  if (stream?.hasStart() || all?.hasStart()) return 0;
  if (stream?.hasEnd() || all?.hasEnd()) return source.length - 1;
  if (stream !== undefined) return Math.min(Number(stream.getRevision()), backwards ? source.length - 1 : Infinity);
  const index = state.log.indexOf(BigInt(all!.getPosition()!.getCommitPosition()));
  return backwards ? index - 1 : index;
}

/** What was there, then "caught up", then what comes; every window of events that nobody wanted is a checkpoint. */
function follow(state: State, call: ReadCall, options: ReadReq.Options): void {
  const { log } = state;
  const subscription = {
    silent: false,
    drop() {
      subscription.silent = true;
      call.emit('error', failure(status.ABORTED, 'Operation timed out: the consumer is too slow'));
    },
  };
  const wanted = filterOf(options);
  const all = options.getAll()!;
  const window = options.getFilter()?.getMax() || 32;
  let at = 0;
  if (all.hasEnd()) at = log.events.length;
  if (all.hasPosition()) at = log.indexOf(BigInt(all.getPosition()!.getCommitPosition()) + 1n);
  let passed = 0;
  const tell = () => {
    for (; at < log.events.length && !subscription.silent && !stalls(state); at++) {
      const event = log.events[at]!;
      if (wanted(event)) call.write(eventMessage(event));
      if (++passed % window === 0) call.write(checkpointMessage(event.position));
    }
  };
  call.write(new ReadResp().setConfirmation(new ReadResp.SubscriptionConfirmation().setSubscriptionId('wire-level')));
  tell();
  call.write(new ReadResp().setCaughtUp(new ReadResp.CaughtUp()));
  state.subscriptions.add(subscription);
  const forget = log.onAppend(tell);
  call.on('cancelled', () => {
    forget();
    state.subscriptions.delete(subscription);
  });
}

const stalls = ({ fault }: State) => fault.kind === 'stall';

function failure(code: status, details: string, metadata = new Metadata()): Error {
  return Object.assign(new Error(details), { code, details, metadata });
}

function tooBig(limit: number): Error {
  const metadata = new Metadata();
  metadata.set('exception', 'maximum-append-size-exceeded');
  metadata.set('maximum-append-size', String(limit));
  return failure(status.INVALID_ARGUMENT, `Maximum Append Size of ${limit} Exceeded.`, metadata);
}

function unimplemented(_call: unknown, answer: sendUnaryData<never>): void {
  answer(failure(status.UNIMPLEMENTED, 'not served'));
}

/** What it tells who asks for the cluster: it is the leader, and alone. */
function clusterOfOne(port: number): ClusterInfo {
  const member = new MemberInfo()
    .setInstanceId(new UUID().setString('00000000-0000-4000-8000-000000000001'))
    .setState(MemberInfo.VNodeState.LEADER)
    .setIsAlive(true)
    .setHttpEndPoint(new EndPoint().setAddress('127.0.0.1').setPort(port));
  return new ClusterInfo().setMembersList([member]);
}

function supportedMethods(): SupportedMethods {
  const methods = ['read', 'append'].map((name) =>
    new SupportedMethod().setServiceName('event_store.client.streams.streams').setMethodName(name),
  );
  return new SupportedMethods().setEventStoreServerVersion('23.10.0').setMethodsList(methods);
}

/** The way to the server: a relay of bytes that can be cut, and taken away. */
async function openCable(target: number) {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      // Frames are small; without this each answer waits for the acknowledgement of the one before.
      socket.setNoDelay(true);
      socket.pipe(other);
      socket
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
    }
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const port = await listen(0);
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const down = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    cut();
    await closed;
  };
  return {
    port,
    cut,
    down,
    up: async () => void (await listen(port)),
    stop: async () => void (server.listening && (await down())),
  };
}
