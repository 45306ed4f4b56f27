import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What was asked: the path, and the method of JSON-RPC where there is one. */
export type Asked = { readonly path: string; readonly method: string | undefined; readonly body: string };

/** `lost`: the node does it, and its answer never arrives. `refused`: it does not reach the node. */
export type Lie = 'lost' | 'refused' | ((answer: string, asked: Asked) => string);

export type LyingWire = {
  readonly url: string;
  /** From now on, whatever is asked that fits; the lie told last comes first. */
  lie(about: (asked: Asked) => boolean, lie: Lie): void;
  /** No more lies. */
  honest(): void;
  stop(): Promise<void>;
};

/** Stands before a node's HTTP and passes on what it is not told to lie about. */
export async function lyingWire(target: string): Promise<LyingWire> {
  let lies: { readonly about: (asked: Asked) => boolean; readonly lie: Lie }[] = [];
  const base = target.endsWith('/') ? target : `${target}/`;
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const path = (req.url ?? '/').slice(1);
    const asked = { path, method: /"method":"(\w+)"/.exec(body)?.[1], body };
    const lie = lies.findLast(({ about }) => about(asked))?.lie;
    if (lie === 'refused') return void req.socket.destroy();
    const method = req.method ?? 'GET';
    const answer = await fetch(new URL(path, base), {
      method,
      headers: { 'content-type': 'application/json' },
      ...(method === 'POST' ? { body } : {}),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (lie === 'lost') return void req.socket.destroy();
    res.writeHead(lie === undefined ? answer.status : 200, { 'content-type': 'application/json' });
    res.end(lie === undefined ? bytes : lie(bytes.toString(), asked));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lie: (about, lie) => void lies.push({ about, lie }),
    honest: () => void (lies = []),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An answer of JSON-RPC with another result. */
export const withResult = (result: unknown) => (answer: string) => JSON.stringify({ ...JSON.parse(answer), result });
