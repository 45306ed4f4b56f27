/**
 * Two HTTP servers before one node: bitcoind's JSON-RPC (what bcoin's own RPC answers, under bitcoind's codes, and what a
 * wallet would) and the paths of Esplora's API that who follows or spends asks for (github.com/Blockstream/esplora, API.md).
 */
import type { Chain, FullNode } from 'bcoin';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NodeRefusal, type WalletCalls } from './wallet-calls';

/** bcoin says -1 where bitcoind says -5 (RPC_INVALID_ADDRESS_OR_KEY). */
const blockNotFound = { bcoin: -1, bitcoind: -5 } as const;
const pageLength = 25;
const satoshisPerCoin = 1e8;
/** What both APIs say that a transaction should pay, in satoshis for a virtual byte. */
const feeRate = 5;

export type Fronts = { readonly rpcUrl: string; readonly esploraUrl: string; stop(): Promise<void> };

export async function nodeFronts(node: FullNode, wallet: WalletCalls): Promise<Fronts> {
  const [rpc, esplora] = await Promise.all([
    listening(rpcFront(node, wallet)),
    listening(esploraFront(node.chain, wallet)),
  ]);
  return {
    rpcUrl: rpc.url,
    esploraUrl: esplora.url,
    async stop() {
      await Promise.all([rpc.stop(), esplora.stop()]);
    },
  };
}

function rpcFront(node: FullNode, wallet: WalletCalls): RequestListener {
  const watched = new Set<string>();
  const calls: Readonly<Record<string, (...params: never[]) => unknown>> = {
    sendrawtransaction: (hex: string) => wallet.send(hex),
    estimatesmartfee: (blocks: number) => ({ feerate: (feeRate * 1000) / satoshisPerCoin, blocks }),
    getaddressinfo: (address: string) => ({ address, ismine: watched.has(address) }),
    getdescriptorinfo: (descriptor: string) => ({ descriptor: `${descriptor}#00000000` }),
    importdescriptors(requests: readonly { readonly desc: string }[]) {
      for (const { desc } of requests) watched.add(/^addr\((\w+)\)#/.exec(desc)![1]!);
      return requests.map(() => ({ success: true }));
    },
    async listunspent(least: number, most: number, [address]: readonly [string]) {
      if (!watched.has(address)) return [];
      const coins = await wallet.unspent(address);
      const old = coins.filter(({ confirmations }) => confirmations >= least && confirmations <= most);
      return old.map(({ satoshis, ...coin }) => ({ ...coin, address, amount: satoshis / satoshisPerCoin }));
    },
    listsinceblock: async (hash: string) => ({ transactions: await wallet.since(hash), removed: [] }),
    gettransaction: async (txid: string) => ({ txid, hex: (await wallet.rawTransaction(txid)).toString('hex') }),
    getmempoolentry(txid: string) {
      if (!wallet.isPending(txid)) throw new NodeRefusal(-5, 'Transaction not in mempool');
      return { 'bip125-replaceable': true };
    },
  };
  return async (req, res) => {
    const { id, method, params } = JSON.parse(await bodyOf(req)) as { id: unknown; method: string; params: unknown[] };
    const own = calls[method];
    const executed =
      own === undefined ? node.rpc.execute({ method, params }) : called(() => own(...(params as never[])));
    const answer = await executed.then(
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

/** A call that throws rejects. */
const called = async (call: () => unknown): Promise<unknown> => call();

function esploraFront(chain: Chain, wallet: WalletCalls): RequestListener {
  return async (req, res) => {
    const path = req.url ?? '/';
    if (req.method === 'POST' && path === '/tx') {
      const { status, text } = await wallet.send(await bodyOf(req)).then(
        (txid) => ({ status: 200, text: txid }),
        ({ code, message }: { code?: number; message: string }) => ({
          status: 400,
          text: `sendrawtransaction RPC error: ${JSON.stringify({ code, message })}`,
        }),
      );
      return void res.writeHead(status, { 'content-type': 'text/plain' }).end(text);
    }
    const answer = (await walletAnswer(wallet, chain, path)) ?? (await esploraAnswer(chain, path));
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

async function walletAnswer(wallet: WalletCalls, chain: Chain, path: string): Promise<Buffer | object | undefined> {
  if (path === '/fee-estimates') return { 1: feeRate + 0.5, 3: feeRate, 144: 1.001 };
  const [, address] = /^\/address\/(\w+)\/utxo$/.exec(path) ?? [];
  if (address !== undefined)
    return (await wallet.unspent(address)).map(({ txid, vout, satoshis, confirmations }) => {
      const status =
        confirmations === 0
          ? { confirmed: false }
          : { confirmed: true, block_height: chain.height - confirmations + 1 };
      return { txid, vout, value: satoshis, status };
    });
  const [, named, after] = /^\/address\/(\w+)\/txs(?:\/chain\/([0-9a-f]{64}))?$/.exec(path) ?? [];
  if (named !== undefined) {
    const list = await wallet.history(named);
    const page = list.slice(list.findIndex(({ txid }) => txid === after) + 1).slice(0, pageLength);
    return page.map(({ txid, height }) => ({ txid, status: { confirmed: height !== -1, block_height: height } }));
  }
  const [, txid, part] = /^\/tx\/([0-9a-f]{64})\/(raw|status)$/.exec(path) ?? [];
  if (txid === undefined) return undefined;
  const raw = await wallet.rawTransaction(txid).catch(() => undefined);
  if (raw === undefined || part === 'raw') return raw;
  return { confirmed: !wallet.isPending(txid) };
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
