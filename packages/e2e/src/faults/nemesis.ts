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
  readonly note?: string;
};

type Place = { readonly lab: Lab; readonly fleet: Fleet };
/** What letting go returns goes into the report. */
type Fault = { readonly letGo: () => Promise<unknown> | string | void; readonly note?: string };

const slowly = { is: 'slow', delayMs: 60, bytesPerSecond: 60_000 } as const;
const refillMs = 50;

/** Resolves when all faults are over. */
export async function nemesis(place: Place, faults: readonly PlannedFault[]): Promise<readonly Injected[]> {
  const startedAt = performance.now();
  const sinceStart = () => Math.round(performance.now() - startedAt);
  return Promise.all(
    faults.map(async (fault) => {
      await delay(fault.atMs);
      const fromMs = sinceStart();
      const { letGo, note: before } = await hold(place, fault);
      await delay(fault.forMs);
      const after = await letGo();
      const note = typeof after === 'string' ? after : before;
      const { kind, target } = fault;
      return { kind, target, fromMs, toMs: sinceStart(), ...(note === undefined ? {} : { note }) };
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
  switch (kind) {
    case 'kill':
      await member().kill();
      return { letGo: () => member().start() };
    case 'pause':
      member().pause();
      return { letGo: () => member().resume() };
    case 'broker-stop':
      await lab.kafka.stop('in order');
      return { letGo: () => lab.kafka.start() };
    case 'broker-kill':
      await lab.kafka.stop('now');
      return { letGo: () => lab.kafka.start() };
    case 'postgres-restart':
      await lab.postgres.stop('now');
      return { letGo: () => lab.postgres.start() };
    case 'cut':
    case 'lost':
    case 'stalled':
      link().set({ is: kind });
      return { letGo: () => link().set({ is: 'open' }) };
    case 'slow':
      link().set(slowly);
      return { letGo: () => link().set({ is: 'open' }) };
    case 'duplicates': {
      const note = await republish(lab.kafka.broker, target, fault.seed);
      return { letGo: () => undefined, note };
    }
    case 'disk-full':
      return fillDisk(lab, fault.seed % 2 === 0);
    case 'clock':
      fleet.setClock(target as ServiceName, shiftMs);
      return { letGo: () => fleet.setClock(target as ServiceName, 0), note: `by ${shiftMs} ms` };
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
  disk.fill();
  const filling = setInterval(() => {
    disk.fill();
    if (logToo) postgres.statement('select pg_switch_wal()').catch(() => undefined);
  }, refillMs);
  return {
    async letGo() {
      clearInterval(filling);
      const refused = postgres.logged(/No space left on device/g);
      disk.free();
      await postgres.start();
      return `${refused} times there was no space${logToo ? ', for the log either' : ''}`;
    },
  };
}
