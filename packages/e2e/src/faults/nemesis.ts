/**
 * Does to the system what the plan says, each fault by itself: it takes hold at its moment and lets go after its time. At
 * the end nothing is left of any.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Fleet } from './fleet';
import type { Lab } from './lab';
import type { FaultKind, PlannedFault } from './plan';
import { republish } from './republish';
import type { ServiceName } from './services';
import type { Supervised } from './supervised';

/** What came of a fault. */
export type Injected = {
  readonly kind: FaultKind;
  readonly target: string;
  /** After the first operation. */
  readonly fromMs: number;
  readonly toMs: number;
  /** How often anything met it. */
  readonly felt: number;
  readonly note?: string;
};

type Place = { readonly lab: Lab; readonly fleet: Fleet };
type Fault = {
  letGo(): Promise<unknown> | void;
  /** So far. */
  felt(): number;
  readonly note?: string;
};

const slowly = { is: 'slow', delayMs: 60, bytesPerSecond: 60_000 } as const;
const refillMs = 50;
/** A fault that nothing has met stays for longer than planned, but not for ever. */
const unfeltMaxMs = 3_000;
const lookMs = 50;

/** Resolves when all faults are over. */
export async function nemesis(place: Place, faults: readonly PlannedFault[]): Promise<readonly Injected[]> {
  const startedAt = performance.now();
  const sinceStart = () => Math.round(performance.now() - startedAt);
  return Promise.all(
    faults.map(async (fault) => {
      await delay(fault.atMs);
      const fromMs = sinceStart();
      const held = await hold(place, fault);
      await delay(fault.forMs);
      for (let ms = 0; held.felt() === 0 && ms < unfeltMaxMs; ms += lookMs) await delay(lookMs);
      const felt = held.felt();
      await held.letGo();
      const { kind, target } = fault;
      return {
        kind,
        target,
        fromMs,
        toMs: sinceStart(),
        felt,
        ...(held.note === undefined ? {} : { note: held.note }),
      };
    }),
  );
}

async function hold({ lab, fleet }: Place, fault: PlannedFault): Promise<Fault> {
  const { kind, target, shiftMs = 0 } = fault;
  const member = () => memberOf(fleet, target);
  const link = () => {
    const found = lab.links.get(target);
    if (found === undefined) throw new Error(`there is no link ${target}`);
    return found;
  };
  /** Of what says itself when it cannot be done. */
  const done = () => 1;
  switch (kind) {
    case 'kill': {
      const felt = Number(member().isRunning());
      await member().kill();
      return { letGo: () => member().start(), felt: () => felt };
    }
    case 'pause': {
      const felt = Number(member().isRunning());
      member().pause();
      return { letGo: () => member().resume(), felt: () => felt };
    }
    case 'broker-stop':
      await lab.kafka.stop('in order');
      return { letGo: () => lab.kafka.start(), felt: done };
    case 'broker-kill':
      await lab.kafka.stop('now');
      return { letGo: () => lab.kafka.start(), felt: done };
    case 'postgres-restart':
      await lab.postgres.stop('now');
      return { letGo: () => lab.postgres.start(), felt: done };
    case 'cut':
    case 'lost':
    case 'stalled':
      link().set({ is: kind });
      return { letGo: () => link().set({ is: 'open' }), felt: link().felt };
    case 'slow':
      link().set(slowly);
      return { letGo: () => link().set({ is: 'open' }), felt: link().felt };
    case 'duplicates': {
      const { again, there } = await republish(lab.kafka.broker, target, fault.seed);
      return { letGo: () => undefined, felt: () => again, note: `of ${there} messages` };
    }
    case 'disk-full':
      return fillDisk(lab, fault.seed % 2 === 0);
    case 'clock': {
      const service = target as ServiceName;
      fleet.setClock(service, shiftMs);
      const felt = () => Number(fleet.clockSeen(service) === shiftMs);
      return { letGo: () => fleet.setClock(service, 0), felt, note: `by ${shiftMs} ms` };
    }
  }
}

function memberOf(fleet: Fleet, name: string): Supervised {
  const member = fleet.members.get(name as ServiceName);
  if (member === undefined) throw new Error(`there is no service ${name}`);
  return member;
}

/**
 * Also of what Postgres sets free meanwhile. It may end by itself, and then has to be started, as by a supervisor. With
 * `logToo` it is driven from one file of its log to the next, until it needs one that it has not got.
 */
function fillDisk({ disk, postgres }: Lab, logToo: boolean): Fault {
  if (disk === undefined) throw new Error('there is no disk to fill');
  const refusals = () => postgres.logged(/No space left on device/g);
  const before = refusals();
  disk.fill();
  const filling = setInterval(() => {
    disk.fill();
    if (logToo) postgres.statement('select pg_switch_wal()').catch(() => undefined);
  }, refillMs);
  return {
    async letGo() {
      clearInterval(filling);
      disk.free();
      await postgres.start();
    },
    felt: () => refusals() - before,
    ...(logToo ? { note: 'no space for the log either' } : {}),
  };
}
