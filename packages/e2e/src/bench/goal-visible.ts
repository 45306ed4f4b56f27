/**
 * G10: 1,000 transfers a second on the standalone, sent by the clock. How much later than durable they are visible in
 * the read models, and told by webhook.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, request as httpRequest } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { assert } from '@daybook/core';
import { readCredentials, readEndpoints } from '@daybook/standalone';
import { expectBooksBalance } from '@daybook/testing';
import { percentile, type Result } from '@services/ledger/dist/bench/measure';
import { Client } from 'pg';
import type { HttpOptions } from './goal-http';
import { cpuOf, cpuOfChildren, ended, nodeFlags, onBreak, serverOf } from './processes';

const program = join(__dirname, '../../../standalone/dist/main.js');
const pollMs = 5;
const readyWithinMs = 90_000;
const toldWithinMs = 60_000;
const unlimited = { PAY_RATE_LIMIT_PER_MINUTE: '1000000' };

/** Milliseconds from when a transfer was due, by its id. */
type Times = Map<string, number>;
type Measured = { readonly durable: Times; readonly visible: Times; readonly told: Times };

export async function fromDurableToTold({ rounds, seconds, perSecond, tell }: HttpOptions): Promise<Result[]> {
  const home = mkdtempSync(join(tmpdir(), 'daybook-bench-'));
  const child = await startStandalone(home);
  const broken = onBreak(() => ended(child));
  const receiver = await openReceiver();
  const visible: { ours: number; yardstick: number }[] = [];
  const told: { ours: number; yardstick: number }[] = [];
  let cpu: Record<string, number> = {};
  try {
    await subscribe(home, receiver.url);
    const server = await serverOf(readEndpoints(home).databaseUrl);
    await measure(home, receiver, { perSecond, seconds: 2 });
    for (let round = 0; round < rounds; round++) {
      const [before, beforeOfDatabase] = [cpuOf(child), cpuOfChildren(server)];
      const measured = await measure(home, receiver, { perSecond, seconds });
      cpu = {
        standaloneCpuUs: Math.round((cpuOf(child) - before) / (perSecond * seconds)),
        databaseCpuUs: Math.round((cpuOfChildren(server) - beforeOfDatabase) / (perSecond * seconds)),
      };
      const [durable, seen, heard] = [measured.durable, measured.visible, measured.told].map((times) =>
        percentile([...times.values()], 0.99),
      ) as [number, number, number];
      tell(
        `  p99: durable ${durable.toFixed(1)} ms, visible ${seen.toFixed(1)} ms, webhook ${heard.toFixed(1)} ms, ${JSON.stringify(cpu)}`,
      );
      visible.push({ ours: seen, yardstick: durable });
      told.push({ ours: heard, yardstick: durable });
    }
    await expectBooksBalance({ databaseUrl: readEndpoints(home).databaseUrl }, { timeoutMs: 60_000 });
    const result = { goal: 'g10', unit: 'ms', yardstick: 'durable, p99', notes: cpu };
    const what = `${perSecond} transfers a second, open loop`;
    return [
      { ...result, what: `${what}: visible, p99`, rounds: visible, bar: { atMost: 2 } },
      { ...result, what: `${what}: webhook, p99`, rounds: told, bar: { atMost: 3 } },
    ];
  } finally {
    broken.takeBack();
    receiver.close();
    await ended(child);
    rmSync(home, { recursive: true, force: true });
  }
}

async function startStandalone(home: string): Promise<ChildProcess> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], DAYBOOK_HOME: home, DAYBOOK_PORT: '0' };
  const child = spawn(process.execPath, [...nodeFlags, program], {
    env: { ...env, ...unlimited, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.pipe(createWriteStream(join(home, 'log.jsonl')));
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('the standalone does not get ready')), readyWithinMs);
    child.stdout.on('data', (chunk: Buffer) => {
      if (!chunk.toString('utf8').includes('Daybook ready on')) return;
      clearTimeout(late);
      resolve();
    });
  });
  return child;
}

type Receiver = { readonly url: string; readonly receivedAt: Map<string, number>; close(): void };

/** Answers at once, and notes when which transfer was told. */
async function openReceiver(): Promise<Receiver> {
  const receivedAt = new Map<string, number>();
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const { transaction_id: id } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { transaction_id: string };
      receivedAt.set(id, performance.now());
      res.writeHead(204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`;
  return { url, receivedAt, close: () => void server.close().closeAllConnections() };
}

async function subscribe(home: string, url: string): Promise<void> {
  const { baseUrl, pay } = readCredentials(home);
  const answer = await fetch(`${baseUrl}/v1/webhook-endpoints`, {
    method: 'POST',
    headers: { authorization: `Bearer ${pay.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ url, events: ['transfer.confirmed'] }),
  });
  assert(answer.status === 201, `registering the receiver answered ${answer.status}`);
}

async function measure(
  home: string,
  receiver: Receiver,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<Measured> {
  const total = perSecond * seconds;
  const due = new Map<string, number>();
  const durable: Times = new Map();
  const watching = await watchTransfers(readEndpoints(home).databaseUrl);
  try {
    await sendByTheClock(home, { total, perSecond }, (id, dueAt) => {
      due.set(id, dueAt);
      durable.set(id, performance.now() - dueAt);
    });
    const until = performance.now() + toldWithinMs;
    const missing = (from: ReadonlyMap<string, number>) => [...due.keys()].filter((id) => !from.has(id)).length;
    for (;;) {
      const [unseen, untold] = [missing(watching.seenAt), missing(receiver.receivedAt)];
      if (unseen + untold === 0) break;
      const durableP99 = percentile([...durable.values()], 0.99).toFixed(1);
      assert(
        performance.now() < until,
        `of ${total} transfers, durable at p99 ${durableP99} ms, ${unseen} are not visible and ${untold} not told`,
      );
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    await watching.stop();
  }
  const since = (at: ReadonlyMap<string, number>): Times =>
    new Map([...due].map(([id, dueAt]) => [id, at.get(id)! - dueAt]));
  return { durable, visible: since(watching.seenAt), told: since(receiver.receivedAt) };
}

/** Transfers of a hundredth, each sent when it is due, whatever becomes of those before it. */
function sendByTheClock(
  home: string,
  { total, perSecond }: { readonly total: number; readonly perSecond: number },
  done: (id: string, dueAt: number) => void,
): Promise<void> {
  const { baseUrl, pay } = readCredentials(home);
  const agent = new Agent({ keepAlive: true, maxSockets: 512 });
  const body = JSON.stringify({ recipient_wallet_id: pay.recipientWalletId, amount: 0.01, reference_id: 'BENCH' });
  const headers = { authorization: `Bearer ${pay.token}`, 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    let sent = 0;
    let answered = 0;
    const send = (dueAt: number) => {
      const request = httpRequest(`${baseUrl}/pay/v1/transfer`, {
        method: 'POST',
        agent,
        headers: { ...headers, 'content-length': Buffer.byteLength(body), 'idempotency-key': randomUUID() },
      });
      request.on('error', reject);
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          if (response.statusCode !== 200) reject(new Error(`a transfer answered ${response.statusCode}: ${text}`));
          else done((JSON.parse(text) as { transaction_id: string }).transaction_id, dueAt);
          answered += 1;
          if (answered < total) return;
          agent.destroy();
          resolve();
        });
      });
      request.end(body);
    };
    const tick = () => {
      const dueCount = Math.min(total, Math.floor(((performance.now() - begun) / 1_000) * perSecond));
      for (; sent < dueCount; sent++) send(begun + (sent / perSecond) * 1_000);
      if (sent < total) setTimeout(tick, 1);
    };
    tick();
  });
}

/** Looks every few milliseconds which transfers the read models show by now. */
async function watchTransfers(databaseUrl: string) {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const seenAt = new Map<string, number>();
  const latest = await client.query<{ sequence: string }>(
    'select coalesce(max(accepted_sequence), -1) as sequence from ledger.transfers_v1',
  );
  let sequence = latest.rows[0]?.sequence ?? '-1';
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      const { rows } = await client.query<{ transfer_id: string; accepted_sequence: string }>(
        `select transfer_id, accepted_sequence from ledger.transfers_v1
         where mode = 'sandbox' and accepted_sequence > $1 order by accepted_sequence`,
        [sequence],
      );
      const at = performance.now();
      for (const { transfer_id: id } of rows) seenAt.set(id, at);
      sequence = rows.at(-1)?.accepted_sequence ?? sequence;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  })();
  return {
    seenAt,
    async stop() {
      stopped = true;
      await watching;
      await client.end();
    },
  };
}
