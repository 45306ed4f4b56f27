/**
 * Two HTTP servers before one node: bitcoind's JSON-RPC (what bcoin's own RPC answers, under bitcoind's codes) and the
 * paths of Esplora's API that a follower of the chain asks for (github.com/Blockstream/esplora, API.md).
 */
import type { Chain, FullNode } from 'bcoin';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** bcoin says -1 where bitcoind says -5 (RPC_INVALID_ADDRESS_OR_KEY). */
const blockNotFound = { bcoin: -1, bitcoind: -5 } as const;

export type Fronts = { readonly rpcUrl: string; readonly esploraUrl: string; stop(): Promise<void> };

export async function nodeFronts(node: FullNode): Promise<Fronts> {
  const [rpc, esplora] = await Promise.all([listening(rpcFront(node)), listening(esploraFront(node.chain))]);
  return {
    rpcUrl: rpc.url,
    esploraUrl: esplora.url,
    async stop() {
      await Promise.all([rpc.stop(), esplora.stop()]);
    },
  };
}

function rpcFront(node: FullNode): RequestListener {
  return async (req, res) => {
    const { id, method, params } = JSON.parse(await bodyOf(req)) as { id: unknown; method: string; params: unknown[] };
    const answer = await node.rpc.execute({ method, params }).then(
      (result) => ({ status: 200, result, error: null }),
      ({ code, message }: { code?: number; message: string }) => ({
        status: 500,
        result: null,
        error: { code: code === blockNotFound.bcoin ? blockNotFound.bitcoind : (code ?? -32_603), message },
      }),
    );
    const { status, result, error } = answer;
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ result, error, id }));
  };
}

function esploraFront(chain: Chain): RequestListener {
  return async (req, res) => {
    const answer = await esploraAnswer(chain, req.url ?? '/');
    if (answer === undefined) return void res.writeHead(404, { 'content-type': 'text/plain' }).end('Block not found');
    const type = Buffer.isBuffer(answer)
      ? 'application/octet-stream'
      : typeof answer === 'string'
        ? 'text/plain'
        : 'application/json';
    const body = typeof answer === 'string' || Buffer.isBuffer(answer) ? answer : JSON.stringify(answer);
    res.writeHead(200, { 'content-type': type }).end(body);
  };
}

/** Undefined is 404. */
async function esploraAnswer(chain: Chain, path: string): Promise<string | Buffer | object | undefined> {
  if (path === '/blocks/tip/hash') return chain.tip.rhash();
  if (path === '/blocks/tip/height') return String(chain.height);
  const height = /^\/block-height\/(\d+)$/.exec(path)?.[1];
  if (height !== undefined) return (await chain.getEntry(Number(height)))?.rhash();
  const [, shown, part] = /^\/block\/([0-9a-f]{64})(\/raw)?$/.exec(path) ?? [];
  if (shown === undefined) return undefined;
  // bcoin names a block by its bytes, everybody else by their reverse.
  const hash = Buffer.from(shown, 'hex').reverse().toString('hex');
  const [entry, block] = [await chain.getEntry(hash), await chain.getBlock(hash)];
  if (entry === null || block === null) return undefined;
  return part === '/raw' ? block.toRaw() : { id: shown, height: entry.height, tx_count: block.txs.length };
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

async function listening(listener: RequestListener): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
