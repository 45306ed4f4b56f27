/** What the signer tells of all that it has signed, over HTTP; and what its client believes of somebody who says to be one. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isOperationalError } from '@daybook/core';
import { signerClient } from '../src/client';
import { loadConfig } from '../src/config';
import { requestDigest, type Signer } from '../src/protocol';
import { createService } from '../src/service';
import { ethSend, settings, token } from './rig';

describe('the signer', () => {
  const home = mkdtempSync(join(tmpdir(), 'daybook-signer-'));
  let stop = async () => undefined as void;
  afterAll(async () => {
    await stop();
    rmSync(home, { recursive: true, force: true });
  });

  async function start(): Promise<{ readonly url: string; readonly client: Signer }> {
    const onFatal = (error: unknown) => {
      throw error;
    };
    const service = createService(loadConfig(settings(join(home, 'signer'))), { onFatal });
    const { url } = await service.start();
    stop = () => service.stop();
    return { url, client: signerClient({ url, token }) };
  }

  test('tells every signature in its order, once, replacements too, in pages, and the same after a start', async () => {
    const first = await start();
    expect(await first.client.signedAfter({ after: 0, limit: 10 })).toEqual({ total: 0, signatures: [] });
    const higher = { maxFeePerGas: 3_000_000_000n };
    const requests = [ethSend('a', 0), ethSend('b', 1), ethSend('a', 0, higher), ethSend('c', 2)];
    const told: unknown[] = [];
    for (const [index, request] of requests.entries()) {
      const outcome = await first.client.sign(request);
      // A repeat is no signature, and neither is a refusal.
      await first.client.sign(request);
      await first.client.sign(ethSend('d', 0));
      const { transactionId } = outcome.ok ? outcome.value : { transactionId: 'refused' };
      const { sendId } = request;
      told.push({ place: index + 1, sendId, transactionId, digest: requestDigest(request), at: expect.any(Number) });
    }
    const pagesOf = async ({ signedAfter }: Signer) =>
      Promise.all([
        signedAfter({ after: 0, limit: 1_000 }),
        signedAfter({ after: 1, limit: 2 }),
        signedAfter({ after: 4, limit: 1 }),
        signedAfter({ after: 9, limit: 1 }),
      ]);
    const pages = await pagesOf(first.client);
    expect(pages).toEqual([
      { total: 4, signatures: told },
      { total: 4, signatures: told.slice(1, 3) },
      { total: 4, signatures: [] },
      { total: 4, signatures: [] },
    ]);
    await stop();
    const second = await start();
    expect(await pagesOf(second.client)).toEqual(pages);
  });

  test('tells it to whoever has the token, in pages of a bounded size', async () => {
    await stop();
    const { url } = await start();
    const statusOf = async (body: object, authorization = `Bearer ${token.reveal()}`) => {
      const headers = { 'content-type': 'application/json', authorization };
      return (await fetch(`${url}/v1/signed`, { method: 'POST', headers, body: JSON.stringify(body) })).status;
    };
    expect(await statusOf({ after: 0, limit: 1_000 })).toBe(200);
    for (const body of [
      {},
      { after: 0 },
      { after: -1, limit: 1 },
      { after: 0.5, limit: 1 },
      { after: '0', limit: 1 },
      { after: 0, limit: 0 },
      { after: 0, limit: 1_001 },
      { after: 0, limit: 1, sendId: 'a' },
    ])
      expect([body, await statusOf(body)]).toEqual([body, 400]);
    for (const authorization of ['', `Bearer ${'x'.repeat(40)}`])
      expect(await statusOf({ after: 0, limit: 1 }, authorization)).toBe(401);
  });
});

describe('the client', () => {
  let answer = { status: 200, body: '' };
  let server: Server;
  let client: Signer;
  beforeAll(async () => {
    server = createServer((_req, res) => res.writeHead(answer.status).end(answer.body)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    client = signerClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token });
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const signature = (place: number) => ({ place, sendId: 's', transactionId: 't', digest: 'd', at: 1 });
  const page = (total: number, places: readonly number[]) =>
    JSON.stringify({ total, signatures: places.map(signature) });
  async function told(body: string, status = 200) {
    answer = { status, body };
    return client.signedAfter({ after: 5, limit: 3 });
  }

  test('takes 404 for a signer that does not tell, whatever else it says, and nothing but that', async () => {
    expect(await told('<html>not here</html>', 404)).toBeUndefined();
    for (const status of [400, 401, 422, 500]) await expect(told('{}', status)).rejects.toThrow('upstream_unavailable');
    answer = { status: 404, body: '' };
    await expect(client.walletOf({ family: 'evm', index: 0 })).rejects.toThrow('upstream_unavailable');
  });

  test('reads a page', async () => {
    expect(await told(page(7, [6, 7]))).toEqual({ total: 7, signatures: [6, 7].map(signature) });
    expect(await told(page(9, [6, 7, 8]))).toMatchObject({ total: 9 });
    expect(await told(page(4, []))).toEqual({ total: 4, signatures: [] });
  });

  test.each([
    ['that is out of order', page(8, [7, 6, 8])],
    ['that tells one twice', page(8, [6, 6, 7])],
    ['that begins elsewhere', page(9, [7, 8, 9])],
    ['that leaves one out', page(9, [6, 8, 9])],
    ['that ends before its time', page(9, [6, 7])],
    ['that is empty before the end', page(9, [])],
    ['with more than was asked for', page(9, [6, 7, 8, 9])],
    ['with more than there are', page(6, [6, 7])],
    ['with a time that is none', page(6, [6]).replace('"at":1', '"at":9e15')],
    ['with a place that is none', page(6, [6]).replace('"place":6', '"place":"6"')],
    ['without a total', JSON.stringify({ signatures: [] })],
    ['that is no JSON', 'signed'],
  ])('believes no page %s', async (_what, body) => {
    const error: unknown = await told(body).catch((caught: unknown) => caught);
    expect(isOperationalError(error) && error.code).toBe('upstream_unavailable');
  });
});
