/** Between Kafka clients and a broker: cuts connections, and keeps the answer to a publication until it is let go. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export type KafkaProxy = {
  readonly address: string;
  /** Bytes that came from the broker so far. */
  received(): number;
  /** Requests of a kind, by its number in the protocol, that went to the broker so far. */
  requests(api: number): number;
  /** Resets all connections. New ones are let through. */
  cut(): void;
  /**
   * Keeps the answer to the `nth` publication from now on. Resolves when the broker has given it, so the messages are
   * stored and their sender does not know. Nothing more comes back on that connection.
   */
  keepAnswer(nth: number): Promise<void>;
  close(): Promise<void>;
};

const produceApi = 0;

export async function openKafkaProxy(port: number): Promise<KafkaProxy> {
  const pairs = new Set<{ readonly client: Socket; readonly broker: Socket }>();
  const requested = new Map<number, number>();
  let received = 0;
  let keeping: { left: number; kept(): void } | undefined;

  const server = createServer((client) => {
    const broker = connect(port, '127.0.0.1');
    const pair = { client, broker };
    pairs.add(pair);
    let answerIsKept: (() => void) | undefined;
    const requests = requestReader((api) => {
      requested.set(api, (requested.get(api) ?? 0) + 1);
      if (api !== produceApi || keeping === undefined) return;
      keeping.left -= 1;
      if (keeping.left > 0) return;
      answerIsKept = keeping.kept;
      keeping = undefined;
    });
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      broker.destroy();
    };
    client.on('data', (chunk: Buffer) => {
      requests(chunk);
      if (!broker.write(chunk)) client.pause();
    });
    broker.on('drain', () => client.resume());
    broker.on('data', (chunk: Buffer) => {
      received += chunk.length;
      if (answerIsKept !== undefined) return answerIsKept();
      if (!client.write(chunk)) broker.pause();
    });
    client.on('drain', () => broker.resume());
    for (const socket of [client, broker]) socket.on('error', end).on('close', end);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const cut = () => {
    for (const { client, broker } of pairs) {
      client.resetAndDestroy();
      broker.destroy();
    }
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => received,
    requests: (api) => requested.get(api) ?? 0,
    cut,
    keepAnswer: (nth) => new Promise((kept) => (keeping = { left: nth, kept })),
    async close() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Calls back with the kind of each request that begins in a stream of them: a size in four bytes, then the kind in two. */
function requestReader(onRequest: (api: number) => void): (chunk: Buffer) => void {
  let header = Buffer.alloc(0);
  let skip = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.length;) {
      if (skip > 0) {
        const taken = Math.min(skip, chunk.length - at);
        skip -= taken;
        at += taken;
        continue;
      }
      const taken = chunk.subarray(at, at + 6 - header.length);
      header = Buffer.concat([header, taken]);
      at += taken.length;
      if (header.length < 6) return;
      skip = header.readInt32BE(0) - 2;
      onRequest(header.readInt16BE(4));
      header = Buffer.alloc(0);
    }
  };
}
