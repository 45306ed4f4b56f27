/**
 * G5: postings over HTTP through gateway and ledger, with all their checks: one a request against a bare express POST
 * beside it, and a hundred a request against what the engine alone does in the same run.
 */
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { assert } from '@daybook/core';
import { expectBooksBalance } from '@daybook/testing';
import type { Result } from '@services/ledger/dist/bench/measure';
import autocannon from 'autocannon';
import { Pool } from 'pg';
import { engineRate } from './engine-rate';
import { accountNames, openAccounts, startFleet, type Fleet } from './fleet';
import { cpuOf, ended } from './processes';

export type HttpOptions = {
  readonly rounds: number;
  readonly seconds: number;
  /** Transfers a second of an open load. */
  readonly perSecond: number;
  tell(line: string): void;
};

const connections = 64;
const bulkConnections = 8;
const bulkSize = 100;
/** A process compiles what it runs often for about so long. */
const warmSeconds = 8;

type Load = Pick<autocannon.Options, 'connections' | 'requests' | 'verifyBody'>;

/** Requests a second; throws when one was not answered with 200, or not with what the load takes for an answer. */
async function rateOf(url: string, load: Load, seconds: number): Promise<number> {
  const result = await autocannon({ url, method: 'POST', duration: seconds, ...load });
  const { non2xx, errors, mismatches } = result;
  assert(non2xx + errors + mismatches === 0, `${url}: ${non2xx} refused, ${mismatches} in part, ${errors} failed`);
  return result['2xx'] / result.duration;
}

/** Of the ledger alone: the other services are not there. What was answered as posted is in the journal, all of it once. */
async function expectBooks({ databaseUrl }: Fleet): Promise<void> {
  const ledger = new Pool({ connectionString: databaseUrl, options: '-c search_path=ledger' });
  try {
    await expectBooksBalance({ ledger }, { timeoutMs: 60_000 });
    const { rows } = await ledger.query<{ id: string }>(
      `select right(convert_from(payload, 'UTF8')::json ->> 'transactionId', 36) as id
         from events where stream = 'book-sandbox' and type = 'TransactionPosted'`,
    );
    const recorded = rows.map(({ id }) => id).filter((id) => id.startsWith(prefix));
    const posted = new Set(recorded);
    const lost = answered.filter((id) => !posted.has(id));
    assert(lost.length === 0, `${lost.length} of ${answered.length} postings were answered and are not recorded`);
    assert(posted.size === recorded.length, `${recorded.length - posted.size} postings are recorded twice`);
  } finally {
    await ledger.end();
  }
}

let made = 0;
const prefix = randomUUID().slice(0, 24);
/** Ids of what was answered as posted. */
const answered: string[] = [];

function nextPosting() {
  const n = made++;
  const debit = accountNames[n % accountNames.length];
  const credit = accountNames[(n + 1) % accountNames.length];
  const amount = `${1 + (n % 900)}.25`;
  return { id: prefix + n.toString(16).padStart(12, '0'), debit, credit, asset: 'TXC', amount };
}

type Verify = NonNullable<autocannon.Options['verifyBody']>;
type Posted = { readonly transaction_id: string };

const noteOne: Verify = (body) => {
  answered.push((JSON.parse(String(body)) as Posted).transaction_id);
  return true;
};

/** A bulk is answered with 200, also when some of it or all is refused. */
const noteMany: Verify = (body) => {
  const { posted, results = [] } = JSON.parse(String(body)) as { posted?: number; results?: readonly Posted[] };
  for (const { transaction_id: id } of results) answered.push(id);
  return posted === bulkSize;
};

function singles({ headers }: Fleet): Load {
  return {
    connections,
    requests: [
      {
        setupRequest(request) {
          const { id, ...body } = nextPosting();
          return { ...request, headers: { ...headers, 'idempotency-key': id }, body: JSON.stringify(body) };
        },
      },
    ],
  };
}

function bulks({ headers }: Fleet): Load {
  return {
    connections: bulkConnections,
    verifyBody: noteMany,
    requests: [
      {
        setupRequest(request) {
          const transactions = Array.from({ length: bulkSize }, nextPosting);
          return { ...request, headers: { ...headers }, body: JSON.stringify({ atomic: false, transactions }) };
        },
      },
    ],
  };
}

export async function overHttp({ rounds, seconds, tell }: HttpOptions): Promise<Result[]> {
  const bare = fork(join(__dirname, 'bare-express.js'), { stdio: 'inherit' });
  const [port] = (await once(bare, 'message')) as [number];
  const fleet = await startFleet().catch(async (error: unknown) => {
    await ended(bare);
    throw error;
  });
  const path = `${fleet.url}/v1/ledger/transactions`;
  const single: { ours: number; yardstick: number }[] = [];
  const bulk: { ours: number; yardstick: number }[] = [];
  const watched = { bare, ...fleet.processes };
  let cpu: Record<string, number> = {};
  try {
    await openAccounts(fleet);
    const bareUrl = `http://127.0.0.1:${port}/transactions`;
    await rateOf(`${path}/bulk`, bulks(fleet), warmSeconds);
    await rateOf(bareUrl, singles(fleet), warmSeconds);
    await rateOf(path, { ...singles(fleet), verifyBody: noteOne }, warmSeconds);
    for (let round = 0; round < rounds; round++) {
      const before = cpuTimes();
      // The same requests, each made anew: what makes them runs on the same cores.
      const yardstick = await rateOf(bareUrl, singles(fleet), seconds);
      const ours = await rateOf(path, { ...singles(fleet), verifyBody: noteOne }, seconds);
      const taken = cpuTimes();
      cpu = Object.fromEntries(
        Object.entries(taken).map(([name, time]) => {
          const requests = (name === 'bare' ? yardstick : ours) * seconds;
          return [`${name}CpuUs`, Math.round((time - (before[name] ?? 0)) / requests)];
        }),
      );
      single.push({ ours, yardstick });
      const posted = (await rateOf(`${path}/bulk`, bulks(fleet), seconds)) * bulkSize;
      bulk.push({ ours: posted, yardstick: await engineRate({ seconds }) });
      tell(
        `  ${Math.round(ours)}/s of ${Math.round(yardstick)}/s, in bulk ${Math.round(posted)}/s, ${JSON.stringify(cpu)}`,
      );
    }
    await expectBooks(fleet);
    return [
      {
        goal: 'g5',
        what: `postings over HTTP, one a request, ${connections} connections`,
        unit: '/s',
        yardstick: 'bare express POST',
        rounds: single,
        bar: { atLeast: 0.5 },
        notes: { ...cpu, postings: answered.length },
      },
      {
        goal: 'g5',
        what: `postings over HTTP, ${bulkSize} a request, ${bulkConnections} connections`,
        unit: '/s',
        yardstick: 'the engine of G1',
        rounds: bulk,
        bar: { atLeast: 0.7 },
      },
    ];
  } finally {
    await ended(bare);
    await fleet.stop();
  }

  function cpuTimes(): Record<string, number> {
    const services = Object.entries(watched).map(([name, child]) => [name, cpuOf(child)]);
    return { ...Object.fromEntries(services), database: fleet.databaseCpu(), load: cpuOf(process) };
  }
}
