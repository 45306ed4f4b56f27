/** One run: its work, its troubles, and what came of it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { assert } from '@daybook/core';
import { openTransport } from '@daybook/messaging';
import { createLogger } from '@daybook/runtime';
import { eventually } from '@daybook/testing';
import { clients as clientsOf, type Asked, type Clients } from './clients';
import { wrongEndings } from './endings';
import type { Fleet } from './fleet';
import type { Lab } from './lab';
import type { Command } from './model';
import { nemesis, type Injected } from './nemesis';
import { onboard, settleIn, type People } from './people';
import type { OperationKind, Plan } from './plan';
import { untilQuiet } from './quiet';
import { requestOf } from './requests';
import type { System } from './system';
import { violationsOf } from './verdict';

/** Between the end of the last fault and silence: what waits for a lease or a retry of ours takes much less. */
const quietWithinMs = 120_000;
const toldWithinMs = 45_000;
const tellPollMs = 200;
const preparedWithinMs = 120_000;
const fundedUnits = 10_000n;

export type Tally = { asked: number; ok: number; failed: number; unknown: number; resolved: number; notSent: number };

export type RunResult = {
  readonly seed: number;
  /** Of the first run on the same system. */
  readonly firstSeed: number;
  readonly ms: number;
  readonly faults: readonly Injected[];
  readonly operations: Readonly<Partial<Record<OperationKind, Tally>>>;
  readonly repeated: number;
  /** Last words of services that ended by themselves and were started again. */
  readonly endings: readonly string[];
  /** How long each part took. */
  readonly parts: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
};

export async function runOnce(lab: Lab, system: System, plan: Plan): Promise<RunResult> {
  const { fleet, databaseUrl } = system;
  const members = [...fleet.members.values()];
  const watch = stopwatch();
  await lab.heal();
  await fleet.ready();
  watch.part('start');
  const gateway = `http://127.0.0.1:${lab.links.get('clients>gateway')?.port}`;
  const urls = { identity: fleet.urlOf('identity'), ledger: fleet.urlOf('ledger') };
  // The machine may be slow; what it does before the first fault is nobody's fault.
  const people = await eventually(() => onboard(urls, lab.secrets.internalToken), { timeoutMs: preparedWithinMs });
  const receivers = await system.receivers();
  await eventually(() => settleIn(gateway, people, receivers), { timeoutMs: preparedWithinMs });
  const clients = clientsOf(gateway, people, plan);
  const before = await fund(clients, people, plan.seed);
  watch.part('onboard');
  const [faults] = await Promise.all([nemesis({ lab, fleet }, plan.faults), clients.run()]);
  watch.part('work');
  const evidence = { databaseUrl, people, clients, receivers, before };
  const troubles = await settle(lab, fleet, evidence);
  watch.part('quiet');
  const found = troubles.length > 0 ? troubles : await toldAndChecked(evidence);
  watch.part('check');
  const endings = members.flatMap((member) => member.takeEndings());
  return {
    seed: plan.seed,
    firstSeed: system.firstSeed,
    ms: watch.total(),
    faults,
    ...talliesOf(clients.asked),
    endings,
    parts: watch.parts,
    violations: [...found, ...wrongEndings(endings)],
  };
}

function stopwatch() {
  const startedAt = performance.now();
  const parts: Record<string, number> = {};
  let last = startedAt;
  return {
    parts,
    part(name: string) {
      const now = performance.now();
      parts[name] = Math.round(now - last);
      last = now;
    },
    total: () => Math.round(performance.now() - startedAt),
  };
}

/** What the customers begin with. */
async function fund(clients: Clients, people: People, seed: number): Promise<readonly Command[]> {
  const operation = { kind: 'post', debit: 'cash', credit: 'customers', amount: fundedUnits } as const;
  const planned = { key: `f${seed}-funds`, operation, atMs: 0, again: false };
  const request = requestOf(people, planned, clients.known);
  const funded = async () => {
    const { outcome, answer, error } = await clients.send(request!);
    assert(outcome === 'ok', `the customers are not funded: ${error ?? answer?.text}`);
  };
  await eventually(funded, { timeoutMs: preparedWithinMs });
  return [planned];
}

type Evidence = Parameters<typeof violationsOf>[0];

/** After the faults: all services serve, nothing is unknown, nothing is under way. Returns what is not so. */
async function settle(lab: Lab, fleet: Fleet, { databaseUrl, clients }: Evidence): Promise<readonly string[]> {
  const transport = openTransport({
    kind: 'kafka',
    brokers: [lab.kafka.broker],
    databaseUrl: '',
    clientId: `faults-${randomUUID()}`,
    logger: createLogger({ service: 'faults', level: 'silent' }),
  });
  await transport.start();
  try {
    await fleet.ready();
    // Requests that clients gave up are perhaps still under way: what they do, they do before it is quiet.
    const deadline = performance.now() + quietWithinMs;
    const unknown = () => clients.asked.filter(({ outcome }) => outcome === 'unknown');
    do {
      const behind = await untilQuiet(databaseUrl, transport, deadline - performance.now());
      if (behind.length > 0) return behind.map((each) => `not quiet after ${quietWithinMs} ms: ${each}`);
      await clients.resolve();
    } while (unknown().length > 0 && performance.now() < deadline);
    const behind = await untilQuiet(databaseUrl, transport, deadline - performance.now());
    return behind.map((each) => `not quiet after ${quietWithinMs} ms: ${each}`);
  } catch (error) {
    return [`not well again: ${error instanceof Error ? error.message : String(error)}`];
  } finally {
    await transport.stop();
  }
}

/** Webhooks are told after everything else, and a broken attempt is repeated after some seconds. */
async function toldAndChecked(evidence: Evidence): Promise<readonly string[]> {
  const deadline = performance.now() + toldWithinMs;
  for (;;) {
    const violations = await violationsOf(evidence);
    const passing = violations.every((each) => /^(webhook: nobody|intent: )/.test(each));
    if (!passing || violations.length === 0 || performance.now() > deadline) return violations;
    await delay(tellPollMs);
  }
}

function talliesOf(asked: readonly Asked[]): Pick<RunResult, 'operations' | 'repeated'> {
  const operations: Partial<Record<OperationKind, Tally>> = {};
  for (const { planned, attempts, outcome, wasUnknown } of asked) {
    const tally = (operations[planned.operation.kind] ??= {
      asked: 0,
      ok: 0,
      failed: 0,
      unknown: 0,
      resolved: 0,
      notSent: 0,
    });
    if (attempts.length === 0) {
      tally.notSent += 1;
      continue;
    }
    tally.asked += 1;
    if (outcome === 'ok') tally.ok += 1;
    if (outcome === 'failed') tally.failed += 1;
    if (wasUnknown) tally.unknown += 1;
    if (wasUnknown && outcome !== 'unknown') tally.resolved += 1;
  }
  return { operations, repeated: asked.filter(({ attempts }) => attempts.length > 1).length };
}
