import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type FaultyWire = {
  readonly url: string;
  /** From now on everything is passed on as it is. */
  heal(): void;
  stop(): Promise<void>;
};

/**
 * Stands before a node's HTTP and, on every few requests: refuses with 429 or 500, breaks the connection off, answers
 * what is no JSON, an error of the protocol, or what it answered to the same question before. The same faults on every run.
 */
export async function faultyWire(target: string): Promise<FaultyWire> {
  let requests = 0;
  let healed = false;
  const before = new Map<string, string>();
  const faults: readonly ((req: IncomingMessage, res: ServerResponse, asked: string, body: string) => void)[] = [
    (_req, res) => res.writeHead(429).end('slow down'),
    (_req, res) => res.writeHead(500).end('{"error":"oops"}'),
    (req) => req.socket.destroy(),
    (_req, res) => res.writeHead(200, { 'content-type': 'application/json' }).end('<html>not found</html>'),
    (_req, res, _asked, body) => {
      const id = (JSON.parse(body || '{}') as { id?: unknown }).id ?? null;
      const error = { code: -32_005, message: 'limit exceeded' };
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, error }));
    },
  ];

  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const asked = `${req.method} ${req.url} ${body.replace(/"id":("[^"]*"|\d+)/, '')}`;
    const turn = requests++;
    if (!healed && turn % 6 === 5) return void faults[Math.floor(turn / 6) % faults.length]!(req, res, asked, body);
    const old = before.get(asked);
    const answer = await fetch(new URL((req.url ?? '/').slice(1), target.endsWith('/') ? target : `${target}/`), {
      method: req.method ?? 'GET',
      headers: { 'content-type': req.headers['content-type'] ?? 'application/json', ...authorization(req) },
      ...(req.method === 'POST' ? { body } : {}),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    const text = bytes.toString();
    before.set(asked, text);
    const repeat = !healed && turn % 7 === 6 && old !== undefined && isText(answer);
    const id = /"id":("[^"]*"|\d+)/.exec(body)?.[1];
    const told = repeat ? withId(old, id) : bytes;
    res
      .writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'application/json' })
      .end(told);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heal: () => void (healed = true),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const isText = (answer: Response) => !(answer.headers.get('content-type') ?? '').includes('octet-stream');
const withId = (text: string, id: string | undefined) =>
  id === undefined ? text : text.replace(/"id":("[^"]*"|\d+)/, `"id":${id}`);
const authorization = (req: IncomingMessage) =>
  req.headers.authorization === undefined ? {} : { authorization: req.headers.authorization };
